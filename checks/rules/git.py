"""Checks of the repository itself: what is tracked and how its history is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from checks.check import Answer, At, Sites, Skip, check
from checks.globs import matcher
from checks.project.history import is_bot
from checks.project.project import Project
from checks.rules.applies import has_history

_SUBJECT = re.compile(r"^(?P<type>[A-Za-z]+)(\([^()]*\))?!?: (?P<text>\S.*)$")
_UNFINISHED = ("fixup! ", "squash! ", "amend! ")
_INITIAL = re.compile(r"^initial[ -]commit\.?$", re.IGNORECASE)
_SECRET = re.compile(
    r"(?im)^\s*(export\s+)?\w*(SECRET|TOKEN|PASSWORD|PASSWD|API_?KEY|PRIVATE_KEY)\w*=\S"
)
_TEMPLATE = re.compile(r"example|sample|template")
_TEXT = 200


@check("conventional-commits", applies=has_history, asks_source=True)
def conventional_commits(
    project: Project,
    *,
    types: Sequence[str] = (
        "feat", "fix", "docs", "refactor", "test", "chore", "perf", "ci", "build", "style",
        "revert",
    ),
    max_commits: int = 200,
    max_subject: int = 100,
) -> Answer:  # fmt: skip
    """Commit subjects say what kind of change they are.

    A change log and the next version number can then be made from the history.

    Instead: ``type(scope): description``, lower-case type.

    Known problems: whether the type is the right one is not judged.
    """
    allowed = {*types, "build", "style"}
    count, found = 0, []
    for commit in project.source.history()[:max_commits]:
        subject = commit.subject.strip()
        if len(commit.parents) > 1 or is_bot(commit) or subject.startswith('Revert "'):
            continue
        if subject.startswith(_UNFINISHED) or (not commit.parents and _INITIAL.match(subject)):
            continue
        count += 1
        fault = _subject_fault(subject, allowed, max_subject)
        if fault:
            text = f"Commit {commit.oid[:10]} “{subject[:_TEXT]}”: {fault}"
            found.append(At(0, text, symbol=f"commit:{commit.oid}", anchor=commit.oid))
    return Sites(count, found) if count else Skip("no commit to judge")


def _subject_fault(subject: str, allowed: set[str], max_subject: int) -> str:
    match = _SUBJECT.match(subject)
    if match is None:
        return "the subject is not `type(scope): description`"
    if match["type"] not in allowed:
        return f"`{match['type']}` is none of the agreed types"
    if len(subject) > max_subject:
        return f"the subject has {len(subject)} characters, more than {max_subject}"
    return ""


@check("env-file-not-committed", asks_source=True)
def env_file_not_committed(
    project: Project,
    *,
    patterns: Sequence[str] = (".env", ".env.*", "*.env"),
    exceptions: Sequence[str] = (
        "*.example", "*.sample", "*.template", "*.dist", "*.test", "example.env", "sample.env",
        "*.vault", "*.enc",
    ),
    history: bool = True,
) -> Answer:  # fmt: skip
    """No file of environment values is in the repository, now or ever.

    Who can read the repository, or any old clone of it, can read the secrets.

    Instead: remove the file from git and its history, rotate what it held, ignore it.

    Known problems: a secret under another file name is for the checks on secrets.
    """
    tracked = [path for path in project.entries if _is_env(path, patterns, exceptions)]
    rows = [path for path in tracked if _judged(project, path)]
    for path in sorted(rows):
        weight = 0.5 if _is_blank(project, path) else 1.0
        return At(0, f"`{path}` is tracked", path=path, weight=weight, anchor=path)
    if history and not project.source.shallow:
        for oid, path in _added(project):
            if _is_env(path, patterns, exceptions) and not path.endswith(".envrc"):
                text = f"`{path}` was committed in {oid[:10]} and is still in the history"
                return At(0, text, path=path, symbol=f"commit:{oid}", anchor=path)
    return None


def _is_env(path: str, patterns: Sequence[str], exceptions: Sequence[str]) -> bool:
    *folders, name = path.split("/")
    if {"node_modules", "vendor", "third_party", ".venv", "venv"} & set(folders):
        return False
    lower = name.lower()
    if not any(fnmatchcase(lower, pattern) for pattern in (*patterns, ".envrc")):
        return False
    if lower in {".env.ci", ".env.test", ".env.testing"} or _TEMPLATE.search(lower):
        return False
    return not any(fnmatchcase(lower, pattern) for pattern in exceptions)


def _judged(project: Project, path: str) -> bool:
    """Direnv's file is judged only when it assigns a value to a secret-like name."""
    entry = project.entries[path]
    if entry.kind not in {"file", "executable"}:
        return False
    if not path.endswith(".envrc"):
        return True
    document = project.documents.get(path)
    return document is not None and bool(_SECRET.search(document.text))


def _is_blank(project: Project, path: str) -> bool:
    document = project.documents.get(path)
    if document is None:
        return project.entries[path].empty
    lines = (line.strip() for line in document.text.splitlines())
    return not any(line and not line.startswith("#") for line in lines)


def _added(project: Project) -> Iterator[tuple[str, str]]:
    for oid, changes in project.source.changes():
        for change in changes:
            if change.status == "A":
                yield oid, change.path


@check("forbidden-tracked-files", each="patterns", asks_source=True)
def forbidden_tracked_files(
    project: Project,
    pattern: str,
    *,
    patterns: Sequence[str] = (
        "logs/**", "**/*.log", "**/__pycache__/**", "**/*.pyc", "**/.pytest_cache/**",
    ),
    history: bool = False,
) -> Answer:  # fmt: skip
    """Nothing is tracked that is made by running the code or that the standard rules out.

    Instead: ``git rm --cached`` the file and ignore it.

    Known problems: a file renamed to another name is not recognised.
    """
    matches = matcher((pattern,))
    found = [path for path in project.entries if matches(path) and not _tolerated(project, path)]
    if found:
        path = min(found)
        weight = 0.5 if path.startswith(("docs/", "doc/")) else 1.0
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        text = f"`{path}`{more} is tracked, against `{pattern}`"
        return At(0, text, path=path, weight=weight, anchor=pattern)
    if history and not project.source.shallow:
        for oid, path in _added(project):
            if matches(path) and not _tolerated(project, path):
                text = f"`{path}` was committed in {oid[:10]}, against `{pattern}`"
                return At(0, text, path=path, symbol=f"commit:{oid}", anchor=pattern)
    return None


def _tolerated(project: Project, path: str) -> bool:
    *folders, name = path.split("/")
    if name in {".gitkeep", ".keep", ".gitignore"} or name.lower().startswith("readme"):
        return True
    if "logs" in folders:
        depth = folders.index("logs") + 1
        if "/".join(folders[:depth]) in project.python_folders:
            return True
    return name.endswith(".log") and bool({"test", "tests", "fixtures", "testdata"} & set(folders))
