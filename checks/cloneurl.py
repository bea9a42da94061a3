"""One strict parser of clone addresses, used by the form, the API and again before each fetch.

What git, a browser and a form each make of ``https://a#@b;@c`` differs; so only addresses whose
meaning is beyond doubt pass, and the parsed value, never the text, is what a fetch uses.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import unquote_to_bytes

from checks.addresses import AddressError, AllowedHosts, normal_host, permitted_addresses
from checks.errors import InputError

type Kind = Literal["https", "http", "ssh", "scp", "path"]

MAX_LENGTH = 500
_DEFAULT_PORTS = {"https": 443, "http": 80, "ssh": 22, "scp": 22}
_CREDENTIAL_HINT = "put the user name and the password or token into the credential field instead"


class UrlError(InputError):
    """A clone address or branch name that is not used.

    Attributes:
        code: Stable name of the reason.
        sentence: One sentence with the next step. Never repeats the address: it may hold a secret.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class ClonePolicy:
    """What the operator opened beyond public hosts, and where trust material lies.

    Attributes:
        allowed_hosts: Private or plain-http hosts that may be cloned from.
        allowed_paths: Folders whose repositories may be read from the local disk.
        trust: Folder of an operator's trust material, read when it exists: ``known_hosts`` with
            confirmed ssh host keys, ``certificates/<host>.pem`` with the authorities of one host.
    """

    allowed_hosts: AllowedHosts = field(default_factory=AllowedHosts)
    allowed_paths: tuple[Path, ...] = ()
    trust: Path | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> ClonePolicy:
        """Read ``STRAIGHTEDGE_CLONE_ALLOWED_HOSTS``, ``…_PATHS`` and ``STRAIGHTEDGE_HOME``.

        Raises:
            ValueError: A host entry can not be read; the message names it.
        """
        home = environ.get("STRAIGHTEDGE_HOME", "")
        return cls(
            AllowedHosts.parse(
                re.split(r"[,\s]+", environ.get("STRAIGHTEDGE_CLONE_ALLOWED_HOSTS", ""))
            ),
            tuple(
                Path(entry.strip())
                for entry in re.split("[,:]", environ.get("STRAIGHTEDGE_CLONE_ALLOWED_PATHS", ""))
                if entry.strip()
            ),
            Path(home).absolute() if home else None,
        )


@dataclass(frozen=True, slots=True)
class CloneUrl:
    """A clone address whose meaning is certain. Holds no secret.

    Attributes:
        kind: ``scp`` is the ``git@host:path`` form of ssh; ``path`` a local repository.
        host: Normalised host, "" for a path. IPv6 without brackets.
        port: The port that is connected to, 0 for a path.
        user: ssh user name, "" otherwise.
        path: As git is given it.
    """

    kind: Kind
    host: str
    port: int
    user: str
    path: str

    @property
    def text(self) -> str:
        """The address in its one spelling, as git is given it and as pages show it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.kind == "path":
            return self.path
        if self.kind == "scp":
            return f"{self.user}@{host}:{self.path}"
        user = f"{self.user}@" if self.user else ""
        port = "" if self.port == _DEFAULT_PORTS[self.kind] else f":{self.port}"
        return f"{self.kind}://{user}{host}{port}{self.path}"

    @property
    def origin(self) -> str:
        """``scheme://host:port``, what a credential is bound to; "" for a path."""
        if self.kind == "path":
            return ""
        scheme = "ssh" if self.kind == "scp" else self.kind
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    @property
    def name(self) -> str:
        """The last part of the path without ``.git``, a proposal for the repository's name."""
        last = re.split(r"[/:]", self.path.rstrip("/"))[-1]
        return last.removesuffix(".git") or last

    def refuse_inner(self, policy: ClonePolicy) -> None:
        """Refuse an inner address that stands in the text itself, before anything is resolved.

        A person is told at once; what a name leads to is asked by :meth:`addresses`.

        Raises:
            UrlError: The address may not be reached.
        """
        local = self.host == "localhost" or self.host.endswith(".localhost")
        literal = "127.0.0.1" if local else self.host
        try:
            ip_address(literal)
        except ValueError:
            return
        try:
            permitted_addresses(
                self.host, self.port, policy.allowed_hosts, lookup=lambda *_: [literal]
            )
        except AddressError as refused:
            raise UrlError(refused.code, refused.sentence) from None

    def addresses(self, policy: ClonePolicy) -> tuple[str, ...]:
        """Resolve the host; all of its addresses, checked, to pin the connection to.

        Raises:
            UrlError: One of them may not be reached, or the host is unknown.
        """
        if self.kind == "path":
            return ()
        try:
            found = permitted_addresses(self.host, self.port, policy.allowed_hosts)
        except AddressError as refused:
            raise UrlError(refused.code, refused.sentence) from None
        if self.kind == "http" and not _plain_http_allowed(self.host, self.port, found, policy):
            raise _plain_http()
        return found


def _plain_http_allowed(
    host: str, port: int, addresses: tuple[str, ...], policy: ClonePolicy
) -> bool:
    allowed = policy.allowed_hosts
    return allowed.names_host(host, port) or all(
        allowed.covers(ip_address(text), port) for text in addresses
    )


def _plain_http() -> UrlError:
    return UrlError(
        "http",
        "Plain http is not encrypted; use https://, or ask an operator to name the host in "
        "STRAIGHTEDGE_CLONE_ALLOWED_HOSTS.",
    )


# Refusals by the look of the whole text, before it is taken apart. Order matters: the first that
# fits names the most likely mistake.
_LOOKS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    (
        "control",
        re.compile(r"[\x00-\x1f\x7f-\x9f]"),
        "The address contains a line break, tab or other control character; type it anew.",
    ),
    (
        "space",
        re.compile(r"\A(?!/).*\s"),
        "The address contains a space; remove it, or write %20 where it belongs to the path.",
    ),
    (
        "option",
        re.compile(r"\A-"),
        "An address must not begin with a dash; give https://host/path or git@host:path.",
    ),
    (
        "helper",
        re.compile(r"\A[A-Za-z0-9+.-]*::"),
        "Addresses that start a helper program (name::…) are not used; give https://host/path.",
    ),
    (
        "file-url",
        re.compile(r"\Afile:", re.IGNORECASE),
        "file: addresses are not used; give the absolute path of an allowed folder, or https://.",
    ),
    (
        "unc",
        re.compile(r"\A(\\\\|//)"),
        "Network shares are not used; give https://host/path or git@host:path.",
    ),
    (
        "backslash",
        re.compile(r"\\"),
        "The address contains a backslash; write forward slashes.",
    ),
    (
        "home-path",
        re.compile(r"\A~"),
        "Paths with ~ are not expanded; give https://host/path or git@host:path.",
    ),
    (
        "variable",
        re.compile(r"[$`{}]"),
        "Variables are not expanded in addresses; write the address in full.",
    ),
)

_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?\Z")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\Z")
_SCP = re.compile(r"(?P<user>[^@:/]+)@(?P<host>[^@:/\[\]]+):(?P<path>.*)\Z")
_SEGMENT = re.compile(r"(?!-)(?:[A-Za-z0-9._~+,=()-]|%[0-9A-Fa-f]{2})+\Z")


def parse(text: str, policy: ClonePolicy | None = None) -> CloneUrl:
    """Read a clone address.

    Nothing is resolved or opened except, for a local path, the folders that lead to it: whether
    the host may be reached is asked by :meth:`CloneUrl.addresses` right before it is used.

    Raises:
        UrlError: With a code and one sentence for the person who gave it.
    """
    policy = policy or ClonePolicy()
    _refuse_by_look(text)
    if text.startswith("/"):
        return _local(text, policy)
    scheme, separator, rest = text.partition("://")
    if separator:
        return _with_scheme(scheme.lower(), rest, policy)
    return _scp_like(text)


def _refuse_by_look(text: str) -> None:
    if not text:
        raise UrlError("empty", "Give the address that you would clone from.")
    if len(text) > MAX_LENGTH:
        raise UrlError("length", f"The address is longer than {MAX_LENGTH} characters.")
    for code, pattern, sentence in _LOOKS:
        if pattern.search(text):
            raise UrlError(code, sentence)
    if not text.isascii() and not text.startswith("/"):
        raise UrlError(
            "idn",
            "The address contains letters outside ASCII; write the host in punycode (xn--…) "
            "and the path percent-encoded.",
        )


def _with_scheme(scheme: str, rest: str, policy: ClonePolicy) -> CloneUrl:
    if scheme not in {"https", "http", "ssh"}:
        raise UrlError(
            "scheme", "Only https:// and ssh:// addresses are used; give https://host/path."
        )
    authority, slash, path = rest.partition("/")
    user, authority = _user_and_host(scheme, authority, rest)
    match = _AUTHORITY.match(authority)
    if match is None:
        raise UrlError("host", "The host of the address can not be read; check it for typos.")
    host = _host(match["host"])
    port = int(match["port"] or _DEFAULT_PORTS[scheme])
    if not 1 <= port <= 65535:
        raise UrlError("port", "The port of the address must be between 1 and 65535.")
    clean = _path(slash + path)
    if scheme == "http":
        allowed = policy.allowed_hosts
        if not allowed.names_host(host, port) and not allowed.networks:
            raise _plain_http()
        return CloneUrl("http", host, port, "", clean)
    if scheme == "ssh":
        return CloneUrl("ssh", host, port, user, clean)
    return CloneUrl("https", host, port, "", clean)


def _user_and_host(scheme: str, authority: str, rest: str) -> tuple[str, str]:
    """Split user-info off; only ssh has one, and never with a password."""
    user, at, host = authority.rpartition("@")
    if not at:
        if scheme == "ssh":
            raise UrlError("user", "An ssh address needs a user name; write ssh://git@host/path.")
        if "@" in rest:
            raise UrlError("at-sign", "The address contains an @ where none belongs; remove it.")
        return "", authority
    if scheme != "ssh":
        code = "user-info" if re.match(r"[^@?#;\\]*\Z", user) else "at-sign"
        raise UrlError(code, f"Remove the part before the @ from the address: {_CREDENTIAL_HINT}.")
    if ":" in user:
        raise UrlError("user-info", f"Remove the password from the address: {_CREDENTIAL_HINT}.")
    return _ssh_user(user), host


def _ssh_user(user: str) -> str:
    if not _USER.match(user):
        raise UrlError("user", "The ssh user name can not be used; it is usually git.")
    return user


def _host(text: str) -> str:
    try:
        return normal_host(text)
    except AddressError as refused:
        raise UrlError(refused.code, refused.sentence) from None


def _scp_like(text: str) -> CloneUrl:
    match = _SCP.match(text)
    if match is None:
        if re.match(r"[^@/]*:[^@/]*@", text):
            raise UrlError(
                "user-info", f"Remove the password from the address: {_CREDENTIAL_HINT}."
            )
        raise UrlError("form", "This is no clone address; give https://host/path or git@host:path.")
    path = match["path"]
    if path.startswith("-"):
        raise UrlError("option", "The path of the address must not begin with a dash.")
    host = _host(match["host"])
    rooted = _path("/" + path.removeprefix("/"))
    clean = rooted if path.startswith("/") else rooted[1:]
    return CloneUrl("scp", host, _DEFAULT_PORTS["scp"], _ssh_user(match["user"]), clean)


def _path(path: str) -> str:
    """The path of a remote address, checked segment by segment; without a final slash."""
    path = path.removesuffix("/")
    if not path.startswith("/") or path == "":
        raise UrlError("path", "The address names no repository; add its path after the host.")
    if "?" in path or "#" in path:
        raise UrlError("query", "Remove everything from the ? or # on; give the clone address.")
    if "@" in path:
        raise UrlError("at-sign", "The address contains an @ where none belongs; remove it.")
    for segment in path[1:].split("/"):
        if segment in {"", ".", "..", "~"}:
            raise UrlError("path", "The path contains an empty, '.', '..' or '~' part; remove it.")
        if not _SEGMENT.match(segment):
            raise UrlError("path", "The path contains a character that clone addresses never have.")
        _check_encoded(segment)
    return path


def _check_encoded(segment: str) -> None:
    """Percent-encoding may only spell what could not be written: a space, letters beyond ASCII."""
    refused = UrlError(
        "encoded", "The path hides a special character behind a percent sign; write it plainly."
    )
    try:
        plain = unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError:
        raise refused from None
    encoded_ascii = {code.upper() for code in re.findall(r"%[0-7][0-9A-Fa-f]", segment)}
    if encoded_ascii - {"%20"} or not plain.isprintable():
        raise refused


def _local(text: str, policy: ClonePolicy) -> CloneUrl:
    """A repository on this machine, inside a folder that the operator opened."""
    if any(part in {".", ".."} for part in text.split("/")):
        raise UrlError("path", "The path contains a '.' or '..' part; give it in full.")
    if not text.isprintable():
        raise UrlError("control", "The path contains an invisible character; type it anew.")
    real = Path(os.path.realpath(text))
    if not any(real.is_relative_to(os.path.realpath(root)) for root in policy.allowed_paths):
        raise UrlError(
            "local-path",
            "Local paths are not used; give https://host/path, or ask an operator to name the "
            "folder in STRAIGHTEDGE_CLONE_ALLOWED_PATHS.",
        )
    return CloneUrl("path", "", 0, "", str(real))


_REF_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")


def check_branch(name: str) -> str:
    """Accept a branch name that ``git check-ref-format --branch`` would, without asking git.

    Returns:
        The name, without a leading ``refs/heads/``.

    Raises:
        UrlError: Code ``branch``.
    """
    name = name.removeprefix("refs/heads/")
    parts = name.split("/")
    faulty = (
        not name
        or len(name.encode("utf-8", "surrogateescape")) > 250
        or name in {"@", "HEAD"}
        or name.startswith(("-", "/"))
        or name.endswith(("/", "."))
        or _REF_FORBIDDEN.search(name) is not None
        or any(part.startswith(".") or part.endswith(".lock") for part in parts)
    )
    if faulty:
        raise UrlError("branch", "This is no valid branch name; choose one of the list.")
    return name
