"""Check of whether lock files moved together with what the manifests declared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts.doctree import DocumentFact
from checks.project.declared import table_of
from checks.project.project import Project
from checks.rules.applies import has_history
from checks.source import Change

_LOCKS = frozenset({"uv.lock", "poetry.lock", "pdm.lock"})
_IRRELEVANT = re.compile(r"\s*(?:version\s*=.*|#.*)?")
_TABLES = (
    ("project", "dependencies"), ("project", "optional-dependencies"), ("dependency-groups",),
    ("tool", "uv", "sources"), ("tool", "uv", "dev-dependencies"),
    ("tool", "uv", "override-dependencies"), ("tool", "uv", "constraint-dependencies"),
    ("tool", "poetry", "dependencies"), ("tool", "poetry", "dev-dependencies"),
    ("tool", "poetry", "group"), ("tool", "pdm", "dev-dependencies"),
)  # fmt: skip


class _Step(msgspec.Struct, frozen=True):
    """One commit of the mainline that changed a manifest with a lock, and whether that moved."""

    oid: str
    change: Change
    moved: bool


@check("lock-updated-with-manifest", applies=has_history, asks_source=True)
def lock_updated_with_manifest(project: Project) -> Answer:
    """A commit that changes declared dependencies changes the lock file as well.

    Else the commit cannot be installed, or the next one installs something nobody asked for.

    Instead: run ``uv lock`` (or ``uv add``) and commit both files together.

    Known problems: what is a member of a workspace is known as of today only. That the lock which
    moved is the right one is for the check on uv.lock. Where the lock moved, the change of the
    manifest is known by its lines only.
    """
    steps = list(_steps(project))
    if not steps:
        return Skip("no manifest changed after a lock file appeared")
    oids = (oid for step in steps for oid in _pair(step))
    texts = dict(project.source.blobs(dict.fromkeys(oids)))
    steps = [step for step in steps if _differs(*(texts.get(oid, b"") for oid in _pair(step)))]
    alone = [step for step in steps if not step.moved]
    oids = (oid for step in alone for oid in _pair(step))
    documents = project.analyses.documents("toml", oids, project.source.blobs)
    count, found = len(steps) - len(alone), list[At]()
    for step in alone:
        if changed := _changed(*(documents.get(oid) for oid in _pair(step))):
            count += 1
            after = texts.get(step.change.new_oid, b"").decode("utf-8", "replace")
            path = step.change.path
            text = f"Commit {step.oid[:10]} changes the dependencies of `{path}`, and not the lock"
            found.append(At(_line(after, changed), text, path=path, symbol=f"commit:{step.oid}",
                            anchor=step.oid))  # fmt: skip
    return Sites(count, found) if count else Skip("no dependency changed since the lock appeared")


def _pair(step: _Step) -> tuple[str, str]:
    return step.change.old_oid, step.change.new_oid


def _steps(project: Project) -> Iterator[_Step]:
    """Commits of the mainline that changed a manifest when there was a lock, oldest first."""
    mainline = set(project.source.mainline())
    rows: list[tuple[str, list[Change]]] = []
    for oid, changes in project.source.changes():
        if oid in mainline:
            kept = [each for each in changes if _is_named(each.path, {"pyproject.toml", *_LOCKS})]
            if kept:
                rows.append((oid, kept))
    locks: set[str] = set()
    for oid, changes in reversed(rows):
        before = frozenset(locks)
        for each in changes:
            if _is_named(each.path, _LOCKS):
                (locks.discard if each.status == "D" else locks.add)(each.path)
        touched = {each.path for each in changes if each.status != "D"}
        for each in changes:
            if each.status == "M" and each.path.endswith("pyproject.toml"):
                ruling = _ruling(project, each.path, locks)
                if ruling and _ruling(project, each.path, before):
                    yield _Step(oid, each, not ruling.isdisjoint(touched))


def _is_named(path: str, names: set[str] | frozenset[str]) -> bool:
    return path.rpartition("/")[2] in names


def _ruling(project: Project, path: str, locks: set[str] | frozenset[str]) -> set[str]:
    """The locks beside a manifest; those of the root for a member of a workspace."""
    for folder in (path.rpartition("/")[0], project.manifests.members.get(path)):
        if folder is not None:
            found = {f"{folder}/{name}" if folder else name for name in _LOCKS} & locks
            if found:
                return found
    return set()


def _differs(before: bytes, after: bytes) -> bool:
    """Whether lines differ that may be dependencies; saves parsing for versions and comments."""
    old, new = (text.decode("utf-8", "replace") for text in (before, after))
    changed = set(old.splitlines()) ^ set(new.splitlines())
    return any(not _IRRELEVANT.fullmatch(line) for line in changed)


def _changed(before: DocumentFact | None, after: DocumentFact | None) -> list[str]:
    """Entries that one of two manifests has and the other one has not, those added first."""
    old, new = _entries(before), _entries(after)
    if old is None or new is None:
        return []
    return [*sorted(new - old), *sorted(old - new)]


def _entries(document: DocumentFact | None) -> set[str] | None:
    if document is None or document.error:
        return None
    return {entry for names in _TABLES for entry in _flat(document.data, names)}


def _flat(data: Any, names: Sequence[str]) -> Iterator[str]:
    """Every value below a key, as text with its path; the order of lists does not count."""
    waiting: list[tuple[str, Any]] = [(".".join(names), table_of(data, *names[:-1]).get(names[-1]))]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{path}.{key}", each) for key, each in value.items()]
        elif isinstance(value, list):
            waiting += [(path, each) for each in value]
        elif value is not None:
            yield f"{path}\0{value}"


def _line(text: str, changed: Sequence[str]) -> int:
    """Line of the first changed entry in a manifest, or of the table that lost one."""
    path, _, value = changed[0].partition("\0")
    table, _, key = path.rpartition(".")
    quoted = re.escape(value)
    # An inline table (``x = {version = "1"}``) stands on the line of the key above.
    begun, above = (
        rf"^\s*[\"']?{re.escape(name)}[\"']?\s*=" for name in (key, table.rpartition(".")[2])
    )
    for pattern in (
        rf"{above}.*[\"']{quoted}[\"']",
        rf"{begun}.*[\"']{quoted}[\"']",
        rf"^\s*[\"']{quoted}[\"']",
        begun,
        rf"[\"']{quoted}[\"']",
        rf"^\s*\[{re.escape(table)}\]",
    ):
        if match := re.search(pattern, text, re.MULTILINE):
            return text.count("\n", 0, match.end()) + 1
    return 1
