"""Checks of single commits: what their messages say and how much they hold."""

from __future__ import annotations

import re
from collections.abc import Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.project.history import History, Size, is_release, plain
from checks.project.project import Project
from checks.rules.applies import has_history
from checks.source import Commit

_SHOWN = 120
_LEAST_COMMITS = 5
_TRAILER = re.compile(
    r"[A-Za-z]+(?:-[A-Za-z]+)+: .+|(?:cc|link|git-svn-id|fixup|pull-request): .+", re.IGNORECASE
)
# Scripts that put no blank between words: each sign counts as a word.
_SIGNS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_WORD = re.compile(r"\w[\w'.-]*")
_SQUASHED = re.compile(r"\([#!]\d+\)$")


def _at(commit: Commit, message: str, *, measured: str = "", limit: str = "") -> At:
    text = f"Commit {commit.oid[:10]} “{commit.subject.strip()[:_SHOWN]}”: {message}"
    return At(0, text, symbol=f"commit:{commit.oid}", anchor=commit.oid, measured=measured,
              limit=limit)  # fmt: skip


@check("commit-message-quality", applies=has_history, asks_source=True)
def commit_message_quality(
    project: Project,
    *,
    min_words: int = 2,
    body_threshold: int = 200,
    vague: Sequence[str] = (
        "wip", "fix", "fixes", "fixed", "update", "updates", "updated", "changes", "misc", "stuff",
        "test", "temp", "tmp", "minor changes", "small fix", "fix bug", "bug fix", "more changes",
        "final", "asdf", "cleanup", "review comments", "address comments",
    ),
    max_commits: int = 200,
) -> Answer:  # fmt: skip
    """Commit messages say what changed, and for larger changes why.

    Who looks for the reason of a line in a year has nothing else to ask.

    Instead: say in the subject what changed and in the body why.

    Known problems: whether a message is true, or a long one says why, is not judged. Pull requests
    may explain what their commits do not: only git is read.
    """
    history = project.history
    commits = [each for each in history.own(max_commits) if not is_release(each)]
    silent = [each for each in commits if not _body(each)]
    sizes = history.sizes(silent)
    empty = {phrase.lower() for phrase in vague}
    found: list[At] = []
    for commit in commits:
        text = plain(commit.subject)
        words, lines = _words(text), sizes[commit.oid].lines if commit.oid in sizes else 0
        if words < min_words or text.rstrip(" .!…").lower() in empty:
            found.append(_at(commit, "the subject does not say what changed"))
        elif lines > body_threshold:
            found.append(_at(commit, "a change of this size has no body that says why",
                             measured=f"{lines} lines", limit=str(body_threshold)))  # fmt: skip
    return Sites(len(commits), found) if commits else Skip("no commit to judge")


def _words(text: str) -> int:
    signs = len(_SIGNS.findall(text))
    return signs + len(_WORD.findall(_SIGNS.sub(" ", text)))


def _body(commit: Commit) -> bool:
    """Whether a message has a body beside trailers and rules."""
    lines = (line.strip() for line in commit.body.splitlines())
    return any(line and line.strip("-=*") and not _TRAILER.fullmatch(line) for line in lines)


_BESIDES = frozenset({"tests", "test", "docs", "doc", "documentation", "migrations", "alembic"})
_WHOLESALE = re.compile(
    r"\b(?:(?:re-?)?format(?:ted|ting|s)?|black|ruff|isort|prettier|yapf|autopep8|pyupgrade"
    r"|pre-commit|lint(?:ed|ing|er)?|whitespace|licen[cs]es?|copyright|spdx|headers?|initial"
    r"|import(?:ed)? (?:from|of|the|code|existing)|vendor(?:ed)?|rename[ds]?|move[ds]?)\b"
    r"|^style[(:!]",
    re.IGNORECASE,
)
_TYPES = re.compile(
    r"(?:^|[,;/+&|]\s*|\s)(feat|fix|docs|refactor|perf|test|chore|ci|build|style)"
    r"(?=(?:\([^()]*\))?!?(?::|\s*[/+&|,]\s*(?:feat|fix|docs|refactor|perf|test|chore|ci|build"
    r"|style)(?:\([^()]*\))?!?:))",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"`[^`]*`|\"[^\"]*\"|“[^”]*”|'[^']*'(?!\w)")
_JOINT = re.compile(r",?\s+and\s+(?:also\s+|then\s+)?|\s*;\s+|\s+\+\s+", re.IGNORECASE)
_FIRST = re.compile(r"[A-Za-z-]+")
# Words that are verbs where a clause begins; none of them is a common noun.
_VERBS = frozenset(
    """add adapt adjust allow apply avoid bump change clarify clean cleanup clear convert correct
    create delete deprecate detect disable drop enable enforce ensure exclude expose extend extract
    fix generate handle hide implement improve include increase inline introduce keep make merge
    migrate modify move optimise optimize parse pass prevent provide raise reduce refactor remove
    rename reorganise reorganize replace resolve restore restrict return revert rewrite separate
    set show simplify skip sort speed split stop support switch tidy tweak unify update upgrade use
    validate wrap write""".split()
)
# Verbs that are nouns as often: they count only where a subject begins.
_OPENING = _VERBS | frozenset("build cache document filter log release test design".split())
# What is part of the change in front of it, or points back to it.
_SAME = frozenset(
    """it its them their this that test tests docs doc documentation docstring docstrings readme
    changelog changelogs comment comments migration migrations lock lockfile snapshot snapshots
    fixture fixtures""".split()
)
_NO_OBJECT = frozenset("in on of for from to with at by when if as into after before".split())


@check("atomic-commits", applies=has_history, asks_source=True)
def atomic_commits(
    project: Project,
    *,
    max_files: int = 25,
    max_dirs: int = 5,
    max_lines: int = 800,
    max_commits: int = 200,
) -> Answer:
    """One commit holds one change.

    What is mixed cannot be reviewed, taken back or searched for on its own.

    Instead: one commit per purpose.

    Known problems: unrelated changes under an honest subject are seen only by their size. A second
    clause about tests, documentation or what the first one made (“and use it”) is one change.
    """
    history = project.history
    if sum(1 for each in history.commits if len(each.parents) < 2) < _LEAST_COMMITS:
        return Skip(f"fewer than {_LEAST_COMMITS} commits")
    commits = [each for each in history.own(max_commits) if not is_release(each)]
    sizes = _Sizes(history, commits, (max_files, max_dirs, max_lines))
    limit = f"{max_files} files, {max_dirs} areas, {max_lines} lines"
    found: list[At] = []
    for commit in commits:
        if _joins(commit.subject.strip()):
            found.append(_at(commit, "the subject names more than one change"))
        elif measured := sizes.excess(commit):
            text = "the commit changes too much at once"
            found.append(_at(commit, text, measured=measured, limit=limit))
    return Sites(len(commits), found) if commits else Skip("no commit to judge")


class _Sizes:
    """Which commits are too large; the first one, and those that move or format, never are."""

    def __init__(
        self, history: History, commits: Sequence[Commit], limits: tuple[int, int, int]
    ) -> None:
        self._limits = limits
        judged = [each for each in commits if each.parents and not _WHOLESALE.search(each.subject)]
        self._sizes: dict[str, Size] = history.sizes(judged)

    def excess(self, commit: Commit) -> str:
        """What a commit measures, "" where it keeps to the limits."""
        size = self._sizes.get(commit.oid)
        if size is None:
            return ""
        areas = {path.partition("/")[0] if "/" in path else "" for path in size.paths}
        measured = (len(size.paths), len(areas - _BESIDES), size.lines)
        factor = 2 if _SQUASHED.search(commit.subject.strip()) else 1
        if all(value > factor * most for value, most in zip(measured, self._limits, strict=True)):
            return f"{measured[0]} files, {measured[1]} areas, {measured[2]} lines"
        return ""


def _joins(subject: str) -> bool:
    """Whether a subject names two changes that have nothing to do with each other."""
    if len({match[1].lower() for match in _TYPES.finditer(subject)}) > 1:
        return True
    first, *others = _JOINT.split(_QUOTED.sub("X", plain(subject)))
    return _verb(first) in _OPENING and any(_is_change(each) for each in others)


def _is_change(clause: str) -> bool:
    """Whether a clause is a verb with an object of its own."""
    if _verb(clause) not in _VERBS:
        return False
    words = [word.lower() for word in _FIRST.findall(clause)][1:]
    return bool(words) and words[0] not in _NO_OBJECT and _SAME.isdisjoint(words)


def _verb(clause: str) -> str:
    """The first word of a clause as an imperative: ``Added`` and ``adds`` are ``add``."""
    match = _FIRST.match(clause.strip())
    word = match[0].lower() if match else ""
    forms = [word]
    if word.endswith("ied"):
        forms.append(f"{word[:-3]}y")
    for ending in ("ed", "d", "ing", "es", "s"):
        if word.endswith(ending):
            stem = word.removesuffix(ending)
            forms += [stem, f"{stem}e", stem[:-1] if stem[-2:-1] == stem[-1:] else stem]
    return next((form for form in forms if form in _OPENING), word)
