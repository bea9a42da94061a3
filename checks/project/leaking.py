"""Which leaks are secrets: what is a placeholder, a local password, an example or a test."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from checks.facts.leaks import MAX_BYTES, Leak, is_read, leaks
from checks.project.layout import test_path

if TYPE_CHECKING:
    from checks.project.project import Project

_EXAMPLES = frozenset(
    """test tests testing e2e fixtures fixture examples example samples sample docs doc testdata
    test_data cassettes __tests__ __mocks__ mocks demo demos spec specs""".split()
)
_EXAMPLE_NAME = re.compile(
    r"(?i).*(?:example|sample|template|\.dist$|fixture|mock).*|readme.*|changelog.*|contributing.*"
    r"|.*\.(?:spec|test)\.[jt]sx?"
)
_URL = re.compile(r"([a-zA-Z][\w+.-]*)://([^\s/:@]*):([^\s/@]+)@([^\s/:?#'\"]*)")
_LOCAL = re.compile(
    r"localhost|127\.0\.0\.1|0\.0\.0\.0|::1|\[::1\]|host\.docker\.internal", re.IGNORECASE
)
_STOCK = re.compile(r"driver://user:pass@localhost/|//user:pass(?:word)?@", re.IGNORECASE)
_VARIABLE = re.compile(r"[${}<>%]|\\|\*\*")
_SEPARATORS = re.compile(r"[-_\s]+")


def in_tree(project: Project) -> Iterator[tuple[str, Leak]]:
    """Leaks of the tracked files, by path."""
    source = project.source
    files = {
        entry.path: entry.oid
        for entry in project.blobs.values()
        if entry.kind in {"file", "executable"} and is_read(entry.path)
    }
    if source.commit and not source.shallow:
        # every file of the tree was brought by some commit, and those were looked through
        brought = {
            (each.path, each.leak): None
            for _, found in source.leaks()
            for each in found
            if files.get(each.path) == each.oid
        }
        yield from brought
        return
    small = {e.path for e in project.blobs.values() if e.size <= MAX_BYTES}
    paths: dict[str, list[str]] = {}
    for path, oid in files.items():
        if path in small:
            paths.setdefault(oid, []).append(path)
    for oid, content in source.blobs(list(paths)):
        for path in paths[oid]:
            yield from ((path, leak) for leak in leaks(content, path))


def is_example(path: str) -> bool:
    """Whether a file is a test, a fixture, an example or documentation: secrets there are none."""
    *folders, name = path.lower().split("/")
    if test_path(path) or not _EXAMPLES.isdisjoint(folders):
        return True
    return _EXAMPLE_NAME.fullmatch(name) is not None


def is_placeholder(value: str, placeholders: Sequence[str]) -> bool:
    """Whether a value stands for one to come; case, ``-`` and ``_`` do not matter."""
    plain = _plain(value)
    if not plain.strip("*") or plain.endswith(("...", "…")):
        return True  # ``***`` is a pattern of nothing but stars; what is cut short is no secret
    patterns = (pattern for pattern in placeholders if pattern.strip("*"))
    return any(fnmatchcase(plain, _plain(pattern)) for pattern in patterns)


def _plain(text: str) -> str:
    return _SEPARATORS.sub("", text.strip().lower()).replace("[", "[[]")


def is_formatted(leak: Leak, path: str) -> bool:
    """Whether a key or token of known format is a real one."""
    if leak.kind in {"url", "assignment"}:
        return False
    value = leak.value
    if leak.kind == "JWT":
        return not is_example(path)
    if value.endswith("EXAMPLE") or re.search(r"(?i)example|x{6}|1234567890|(.)\1{9}", value):
        return False
    body = value.rpartition("_")[2]
    if body.isalpha() and body.islower() and "PRIVATE KEY" not in value:
        return False  # words, not what a generator makes
    if leak.kind == "Slack token":
        return re.search(r"\d{6,}-|-[A-Za-z0-9]{18,}", value) is not None
    return True


def gives_password(leak: Leak, path: str, placeholders: Sequence[str], *, program: bool) -> bool:
    """Whether a URL holds the password of a system that is not a local one.

    Args:
        leak: The URL.
        path: The file.
        placeholders: Values that are no passwords.
        program: Whether the file is a program; elsewhere a bare service name is a local one too.
    """
    found = _URL.match(leak.value)
    if leak.kind != "url" or found is None or is_example(path) or _STOCK.search(leak.value):
        return False
    user, password, host = found[2], found[3], found[4]
    if any(_VARIABLE.search(part) for part in (user, password, host)):
        return False
    if is_placeholder(password, placeholders) or password.lower() == user.lower():
        return False
    if _LOCAL.fullmatch(host) or not host:
        return False
    return program or "." in host
