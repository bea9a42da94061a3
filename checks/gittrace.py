"""What a server answered over http, read from git's own trace of the conversation.

git takes a log-in page for an empty repository and reports a redirect without its target. Its
trace holds the status, the content type and the target; authorization headers are redacted in it.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urljoin

from checks.cloneurl import ClonePolicy, CloneUrl, UrlError, parse
from checks.gitfaults import SENTENCES, FetchError

_STATUS = re.compile(r"<= Recv header: HTTP/[0-9.]+ ([0-9]{3})\b")
_HEADER = re.compile(r"<= Recv header: ([A-Za-z-]{1,40}):[ \t]*(.*)")
_LARGEST = 1 << 20
_SMART = "application/x-git-upload-pack-advertisement"
_REFS = re.compile(r"/info/refs(\?.*)?\Z")


def check_answer(
    trace: Path, url: CloneUrl, policy: ClonePolicy, *, credential_given: bool
) -> None:
    """Make sure that a git server answered; silent also when nobody answered at all.

    Raises:
        FetchError: ``auth-required``, ``auth-failed``, ``redirect``, ``not-found``,
            ``not-a-git-server`` or ``unreachable``.
    """
    answer = _last_answer(trace)
    if answer is None:
        return
    status, headers = answer
    if status in {401, 403}:
        raise FetchError("auth-failed" if credential_given else "auth-required")
    if 300 <= status < 400:
        raise _redirect(url, policy, headers.get("location", ""))
    if status in {404, 410}:
        raise FetchError("not-found")
    if status == 429 or status >= 500:
        raise FetchError(
            "unreachable", sentence=f"The server answers with error {status}; try again later."
        )
    # After the advertisement git asks for the list itself; that answer has its own type.
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if status != 200 or kind not in {_SMART, "application/x-git-upload-pack-result"}:
        raise FetchError("not-a-git-server")


def _last_answer(trace: Path) -> tuple[int, dict[str, str]] | None:
    """Status and headers of the last answer, None when there was none."""
    try:
        with trace.open("rb") as file:
            text = file.read(_LARGEST).decode("latin-1")
    except FileNotFoundError:
        return None
    status, headers = 0, dict[str, str]()
    for line in text.split("\n"):
        if found := _STATUS.search(line):
            status, headers = int(found[1]), {}
        elif header := _HEADER.search(line):
            headers[header[1].lower()] = header[2].strip()
    return (status, headers) if status else None


def _redirect(url: CloneUrl, policy: ClonePolicy, location: str) -> FetchError:
    """Offer the target as a new address when it is on the same server; never go there."""
    target = _REFS.sub("", urljoin(f"{url.text}/info/refs", location))
    try:
        new = parse(target, policy)
    except UrlError:
        return FetchError("redirect", sentence=_SENTENCE_ELSEWHERE)
    upgraded = (new.kind, new.port) == ("https", 443)
    if new.host != url.host or not (upgraded or new.origin == url.origin) or new == url:
        return FetchError("redirect", sentence=_SENTENCE_ELSEWHERE)
    return FetchError(
        "redirect",
        sentence=f"{SENTENCES['redirect'].removesuffix('.')}: {new.text}",
        address=new.text,
    )


_SENTENCE_ELSEWHERE = (
    "The server sends us elsewhere, which is not followed; open the address in a browser and enter "
    "the one that git clone takes now."
)
