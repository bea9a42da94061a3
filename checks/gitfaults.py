"""What went wrong between us and a repository: one class, one sentence, one next step.

git says it in many words, some of them written by the other side. Pages show our sentence; the raw
words are for administrators only, scrubbed of secrets and cut short.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from checks.errors import RepositoryError

type Fault = Literal[
    "address",
    "auth-failed",
    "auth-required",
    "branch-missing",
    "busy",
    "corrupt",
    "disk",
    "empty",
    "failed",
    "git-missing",
    "host-key-changed",
    "host-key-unknown",
    "host-refused",
    "no-branch",
    "not-a-git-server",
    "not-found",
    "redirect",
    "timeout",
    "tls",
    "too-large",
    "unreachable",
]

SENTENCES: dict[Fault, str] = {
    "address": "The address is not used; correct it in the repository's settings.",
    "auth-failed": (
        "The server refused the credential; enter a current user name and token with read access."
    ),
    "auth-required": (
        "The repository is private or does not exist; check the address, or add a credential with "
        "read access."
    ),
    "branch-missing": "The branch does not exist there; choose one of the branches it has.",
    "busy": "Another fetch of this repository is still running; it will be tried again shortly.",
    "corrupt": (
        "The repository's data is damaged or not acceptable; run git fsck on its server, then scan "
        "again."
    ),
    "disk": "The disk is nearly full; free some space, then the scan goes on by itself.",
    "empty": "The repository is empty; push a first commit, then scan again.",
    "failed": "Fetching failed for an unknown reason; try again, or ask an administrator to look.",
    "git-missing": "git is not installed on this machine; install git 2.39 or newer.",
    "host-key-changed": (
        "The server's ssh host key has changed; ask an operator to confirm the new key before "
        "anything is fetched."
    ),
    "host-key-unknown": (
        "The server's ssh host key is not known yet; ask an operator to confirm it in the file "
        "known_hosts of the state folder, or use https://."
    ),
    "host-refused": "The host may not be reached from here; ask an operator to allow it.",
    "no-branch": "The repository has no branch; push one, then scan again.",
    "not-a-git-server": (
        "No git repository answers at this address, perhaps a web page does; give the address that "
        "git clone takes."
    ),
    "not-found": (
        "The server has no repository at this address; check it for typing errors, or whether it "
        "was moved or deleted."
    ),
    "redirect": "The server sends us to another address; enter the new address.",
    "timeout": "The server did not finish in time; try again later, or raise the time limit.",
    "tls": (
        "The server's certificate could not be verified; renew it, or ask an operator to trust its "
        "authority in certificates/<host>.pem of the state folder."
    ),
    "too-large": "The repository is larger than allowed; ask an operator to raise the limit.",
    "unreachable": "The server could not be reached; check host and port, then try again.",
}

# The repository as it was known is no longer offered to us.
GONE: frozenset[Fault] = frozenset(
    {"auth-failed", "auth-required", "branch-missing", "empty", "no-branch", "not-found"}
)


class FetchError(RepositoryError):
    """A conversation with a repository that did not give what was asked for.

    Attributes:
        code: The class; see :data:`SENTENCES`.
        sentence: One sentence with the next step, for anybody who may see the repository.
        detail: git's own words, scrubbed, at most 500 characters, for administrators only.
        address: A new address to offer, for ``redirect`` within the same host; "" otherwise.
    """

    def __init__(
        self, code: Fault, *, sentence: str = "", detail: str = "", address: str = ""
    ) -> None:
        self.code: Fault = code
        self.sentence = sentence or SENTENCES[code]
        self.detail = detail
        self.address = address
        super().__init__(self.sentence)


_WORDS: dict[Fault, tuple[str, ...]] = {
    "host-key-changed": (r"REMOTE HOST IDENTIFICATION HAS CHANGED",),
    "host-key-unknown": (r"Host key verification failed", r"No .{1,20} host key is known"),
    "disk": (r"No space left on device", r"Disk quota exceeded"),
    "too-large": (r"File too large", r"died of signal 25", r"pack exceeds maximum"),
    "auth-failed": (r"Authentication failed for", r"Permission denied \(", r"error: 403"),
    "auth-required": (r"could not read (Username|Password)", r"terminal prompts disabled"),
    "redirect": (r"error: 30[1-8]", r"unable to update url base from redirection"),
    "tls": (
        r"SSL certificate",
        r"certificate verif",
        r"server verification failed",
        r"SSL_ERROR",
        r"gnutls_",
        r"TLS connect error",
        r"unable to get local issuer",
    ),
    "not-found": (
        r"error: (404|410)",
        r"repository '.{0,600}' not found",
        r"Repository not found",
        r"does not appear to be a git repository",
        r"project .{0,200} not be found",
    ),
    "timeout": (r"Operation too slow", r"timed out", r"died of signal 24"),
    "corrupt": (
        r"object corrupt",
        r"is corrupt",
        r"bad object",
        r"loose object",
        r"missing (blob|tree|commit)",
        r"fsck",
        r"did not send all necessary objects",
        r"unable to read (tree|[0-9a-f]{40})",
        r"unable to find [0-9a-f]{40}",
        r"inflate",
        r"bad pack",
        r"packfile .{0,300} cannot be",
        r"not a git repository",
        r"unresolved delta",
        r"hash mismatch",
        r"does not point to a valid object",
        r"invalid sha1 pointer",
        r"collision",
        r"pack has bad",
        r"invalid index-pack output",
    ),
    "not-a-git-server": (
        r"protocol error",
        r"bad line length",
        r"invalid server response",
        r"expected flush",
        r"is this a git repository",
        r"unexpected message",
        r"expected service",
        r"error: (400|405|406|415)",
    ),
    "unreachable": (
        r"Could not resolve host",
        r"Failed to connect",
        r"Couldn't connect",
        r"Connection (refused|reset|closed by)",
        r"No route to host",
        r"Network is unreachable",
        r"error: 5\d\d",
        r"the remote end hung up",
        r"early EOF",
        r"transfer closed",
        r"RPC failed",
        r"Empty reply from server",
        r"unexpected disconnect",
        r"kex_exchange",
    ),
}
# In the order above: the first class that fits is the most telling one.
_PATTERNS = {fault: re.compile("|".join(words), re.IGNORECASE) for fault, words in _WORDS.items()}


def classify(complaints: str, *, credential_given: bool) -> Fault:
    """The class of git's complaints; ``failed`` when they fit no pattern.

    A log-in that was asked for again although a credential was given means that it is wrong.
    """
    for fault, pattern in _PATTERNS.items():
        if pattern.search(complaints):
            if fault == "auth-required" and credential_given:
                return "auth-failed"
            if fault == "auth-failed" and not credential_given:
                return "auth-required"
            return fault
    return "failed"


_USER_INFO = re.compile(r"([a-z][a-z0-9+.-]{0,20}://)[^/@\s]{1,500}@", re.IGNORECASE)
_TOKEN = re.compile(
    r"\b(gh[pousr]_\w{8,}|github_pat_\w{8,}|glpat-[\w-]{8,}|gl[a-z]{2,6}-[\w-]{16,}|ATBB\w{8,}"
    r"|ATCTT\w{8,}|xox[abpr]-[\w-]{8,}|ey[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,}|[0-9a-fA-F]{41,})\b"
)
_HEADER = re.compile(r"(authorization|private-token|cookie)\s*[:=].*", re.IGNORECASE)
_SERVER_PATH = re.compile(r"(?<![\w:/.])/(?:[\w.@+-]+/)+[\w.@+-]*")


def scrub(text: str, secrets: Iterable[str] = (), *, limit: int = 500) -> str:
    """Foreign text made fit for an administrator's page: no secrets, no controls, cut.

    Args:
        text: What git or a server said.
        secrets: Known secrets of this conversation; also removed where percent-encoded.
        limit: Longest result, in characters.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    text = _USER_INFO.sub(r"\1***@", text)
    text = _HEADER.sub(r"\1: ***", text)
    text = _TOKEN.sub("***", text)
    text = _SERVER_PATH.sub("…", text)
    text = "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text.strip()[-limit:]
