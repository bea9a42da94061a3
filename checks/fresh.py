"""What a commit shows, made from nothing: read it, and ask every check."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from checks import rules
from checks.check import CATALOGUE
from checks.component import ComponentSource
from checks.cycles import unsearched
from checks.facts.store import FactStore
from checks.facts.team import Team
from checks.facts.version import extractor_version, tool_versions
from checks.judge import answer
from checks.model import NOT_BUILT, Manifest, Outcome, Skipped
from checks.project.project import Project
from checks.reading import Progress, Read, read_project
from checks.recalled import Recalled
from checks.rules.specs import Key
from checks.source import Source
from checks.standard import Standard

ENGINE = "straightedge 0.1.0"
_logger = logging.getLogger(__name__)


def ask(
    source: Source,
    standards: Sequence[Standard],
    component: str,
    store: FactStore,
    said: Mapping[str, Any],
    *,
    jobs: int,
    progress: Progress | None,
    draw: Callable[[bytes], None] | None = None,
) -> tuple[Manifest, dict[Key, Outcome]]:
    """What was looked at, and the answers of all checks that the standards ask, made now.

    Args:
        source: The repository at the commit.
        standards: Whose checks are asked.
        component: Folder that is judged; "" for the whole repository.
        store: Facts of earlier reviews, of any age.
        said: What no repository holds: ``attestations`` and ``tables``.
        jobs: Analysis processes at the same time.
        progress: Told about each phase.
        draw: Given what can be drawn of the commit, as :mod:`checks.anatomy` packs it; nothing
            when the drawing fails.

    Raises:
        checks.errors.InputError: The repository or the component cannot be read.
    """
    view = ComponentSource(source, component) if component else None
    with unsearched() as lasting:
        with Team(jobs) as team:
            read = read_project(view or source, store, team=team, progress=progress, **said)
            recalled = Recalled(store, read.content, said)
            outcomes = judge_project(read.project, standards, progress, recalled)
            recalled.keep()
        if draw is not None:
            draw(_drawn(read.project, standards))
        if lasting:
            _let_go(read.project)
    if view is not None:
        outcomes = {key: _relocated(outcome, view) for key, outcome in outcomes.items()}
    return _manifest(read, view), outcomes


def _let_go(project: Project) -> None:
    """Free a project that nobody asks any more: its files hold it as it holds them.

    Only where the process goes on, and searches for cycles. The search comes late to objects that
    have lived through a review, and several projects would wait for it.
    """
    for file in project.files:
        vars(file).clear()
    vars(project).clear()


def _drawn(project: Project, standards: Sequence[Standard]) -> bytes:
    """What can be drawn of a commit; nothing where that fails, which costs the drawing alone."""
    # The command line draws nothing, and does not pay for it.
    from checks import anatomy

    try:
        return anatomy.pack(anatomy.dissect(project, standards))
    except Exception:
        _logger.exception("a commit was judged and cannot be drawn")
        return b""


def judge_project(
    project: Project,
    standards: Sequence[Standard],
    progress: Progress | None = None,
    recalled: Recalled | None = None,
) -> dict[Key, Outcome]:
    """Outcomes of every check that any clause asks for, each (check, limits) asked once.

    Those that ask the source come last: what they learn can then reach no answer that is kept for
    other commits. One that asks it unexpectedly ends the keeping, for itself and all later ones.

    Args:
        project: What they are asked about.
        standards: Whose clauses ask.
        progress: Told how many are answered.
        recalled: Answers about the same content; takes in new ones.
    """
    rules.load()
    params = {
        each.key: each.params
        for standard in standards
        for clause in standard.clauses
        for each in clause.checks
    }
    outcomes: dict[Key, Outcome] = {}
    for number, key in enumerate(sorted(params, key=_asks_source)):
        if progress is not None:
            progress("checks", number, len(params))
        known = recalled.get(key) if recalled else None
        outcomes[key] = known or _outcome(project, key, params[key])
        if recalled and not known and not project.source_asked:
            recalled.hold(key, outcomes[key])
    return {key: outcomes[key] for key in params}


def _asks_source(key: Key) -> bool:
    check = CATALOGUE.get(key[0])
    return check is not None and check.asks_source


def _outcome(project: Project, key: Key, params: Mapping[str, Any]) -> Outcome:
    check = CATALOGUE.get(key[0])
    if check is None:
        return Outcome(check=key[0], params=key[1], state="unknown", reason=NOT_BUILT)
    return answer(check, project, params)


def _relocated(outcome: Outcome, view: ComponentSource) -> Outcome:
    moved = tuple(
        msgspec.structs.replace(each, path=view.real_path(each.path))
        for each in outcome.observations
    )
    return msgspec.structs.replace(outcome, observations=moved)


def _manifest(read: Read, view: ComponentSource | None) -> Manifest:
    skipped = read.skipped
    if view is not None:
        skipped = tuple(Skipped(view.real_path(each.path), each.reason) for each in skipped)
    return Manifest(
        files=read.files,
        python_files=read.python_files,
        analysed=read.analysed,
        skipped=skipped,
        tools={name: tool_versions()[name] for name in ("ruff", "radon")},
        engine=f"{ENGINE} ({extractor_version()})",
    )
