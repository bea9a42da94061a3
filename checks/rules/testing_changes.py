"""The check of the history that changes of behaviour came with tests."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.project.history import Segment, is_bot, is_release, is_revert
from checks.project.layout import SCRIPT_NAMES, SCRIPT_SEGMENTS, excluded_path, test_path
from checks.project.project import Project
from checks.project.trunk import Pair, Step
from checks.rules.applies import has_history
from checks.source import Change

_LEAST = 10
_TYPE = re.compile(r"(\w+)(?:\([^()]*\))?!?:")
_NO_BEHAVIOUR = frozenset(
    "docs doc style chore ci build test tests refactor deps dep dependencies release bump format "
    "lint typo merge i18n l10n translation translations".split()
)
_DEF = re.compile(rb"( *|\t*)(?:async\s+)?def\s")
_WORD = re.compile(rb"[A-Za-z_]\w*")
_NOISE = re.compile(rb"\s+")
_HEAD = re.compile(rb"\s*(?:#|@|\"{3}|'{3}|from\s|import\s|(?:async\s+)?def\s|\Z)")


@check("change-includes-tests", applies=has_history, asks_source=True)
def change_includes_tests(
    project: Project, *, max_commits: int = 200, min_changed_lines: int = 5
) -> Answer:
    """A change of behaviour brings its tests.

    Tests that are to follow later seldom do.

    Instead: change a test in the same commit or pull request.

    Known problems: what is no behaviour is told by the type in the subject, else by the lines of
    function bodies, names left out: code that only moved or was renamed counts as a refactoring.
    Which files were production code is told by their paths then, and by the project now.
    """
    segments = list(project.history.segments())
    if len(segments) < _LEAST:
        return Skip(f"fewer than {_LEAST} commits on the mainline")
    steps = {step.oid: step for step in project.trunk.steps}
    if not project.tests:
        return Skip("no test file")
    first = _first_test(project.trunk.steps)
    window = [
        (segment, step)
        for segment in segments[:max_commits]
        if (step := steps.get(segment.tip.oid)) is not None
        and step.number >= first
        and not _is_exempt(segment)
    ]
    large = _large(project, window, min_changed_lines)
    bare = [(s, step) for s, step in window if s.tip.oid in large and not _tests(step.changes)]
    altering = _altering(project, [step for segment, step in bare if not _is_typed(segment)])
    found = [
        _finding(segment)
        for segment, step in bare
        if _is_typed(segment) or segment.tip.oid in altering
    ]
    count = len(large) - len(bare) + len(found)
    return Sites(count, found) if count else Skip("no commit changes behaviour")


def _finding(segment: Segment) -> At:
    oid = segment.tip.oid
    text = f"{oid[:10]} changes behaviour and no test: {segment.tip.subject[:80]}"
    return At(0, text, symbol=f"commit:{oid}", anchor="tests")


def _first_test(steps: Sequence[Step]) -> int:
    """The number of the first commit of the mainline that brought a test."""
    return next((step.number for step in steps if _tests(step.changes)), 1 << 60)


def _tests(changes: Iterable[Change]) -> bool:
    return any(test_path(change.path) for change in changes)


def _is_exempt(segment: Segment) -> bool:
    tip = segment.tip
    if is_bot(tip) or is_revert(tip) or is_release(tip):
        return True
    if segment.brought and all(is_bot(commit) for commit in segment.brought):
        return True
    match = _TYPE.match(tip.subject)
    return match is not None and match[1].lower() in _NO_BEHAVIOUR


def _is_typed(segment: Segment) -> bool:
    match = _TYPE.match(segment.tip.subject)
    return match is not None and match[1].lower() in {"feat", "fix", "feature", "bugfix", "hotfix"}


def _produced(project: Project, changes: Iterable[Change]) -> list[Change]:
    """Changes of production files."""
    return [change for change in changes if _is_production(project, change.path)]


def _is_production(project: Project, path: str) -> bool:
    if test_path(path) or excluded_path(path) or project.trunk.may_migrate(path):
        return False
    now = project.by_path.get(path)
    if now is not None:
        return now.is_production
    *folders, name = path.split("/")
    return SCRIPT_SEGMENTS.isdisjoint(folders) and name not in SCRIPT_NAMES


def _large(project: Project, window: Sequence[tuple[Segment, Step]], least: int) -> set[str]:
    """Commits that change enough lines of production files."""
    sizes = project.source.line_changes([segment.tip for segment, _ in window])
    return {
        oid
        for oid, rows in sizes.items()
        if sum(
            row.added + row.deleted
            for row in rows
            if row.path.endswith(".py") and _is_production(project, row.path)
        )
        >= least
    }


# Bodies of functions ------------------------------------------------------------------------------


def _altering(project: Project, steps: Sequence[Step]) -> set[str]:
    """Commits after which bodies of functions are other ones, moves and renames apart."""
    pairs = {
        step.oid: [(each.old_oid, each.new_oid) for each in _produced(project, step.changes)]
        for step in steps
    }
    names = {oid: _name(changed) for oid, changed in pairs.items()}

    def read(missing: Sequence[str]) -> Iterator[tuple[str, bool]]:
        asked = {names[oid]: changed for oid, changed in pairs.items()}
        texts = project.trunk.compared([pair for name in missing for pair in asked[name]])
        return ((name, _alters(itertools.islice(texts, len(asked[name])))) for name in missing)

    known = project.source.remembered("altered bodies", bool).records(list(names.values()), read)
    return {oid for oid, name in names.items() if known[name]}


def _name(pairs: Sequence[Pair]) -> str:
    """One name for the blobs that a commit changed."""
    return hashlib.sha256(repr(pairs).encode()).hexdigest()


def _alters(texts: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether bodies of functions are other ones after a commit than before."""
    before: Counter[bytes] = Counter()
    after: Counter[bytes] = Counter()
    for old, new in texts:
        before.update(_bodies(old))
        after.update(_bodies(new))
    return bool(after - before) or (bool(before - after) and bool(after))


def _bodies(text: bytes) -> list[bytes]:
    """Lines in bodies of functions, without white space, names and what is no code."""
    found: list[bytes] = []
    depth = -1
    in_text = b""
    for line in text.split(b"\n"):
        stripped = line.strip()
        if in_text:
            in_text = b"" if in_text in stripped else in_text
            continue
        indent = len(line) - len(line.lstrip())
        if stripped and indent <= depth and not stripped.startswith((b")", b"#")):
            depth = -1
        match = _DEF.match(line)
        if match is not None and depth < 0:
            depth = indent
        quote = stripped[:3]
        if quote in {b'"""', b"'''"}:
            in_text = b"" if stripped.count(quote) > 1 else quote
            continue
        if depth >= 0 and not _HEAD.match(line):
            found.append(_NOISE.sub(b"", _WORD.sub(b"x", stripped)))
    return found
