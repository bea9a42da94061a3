"""The one orchestrator: a source and standards in, a report out.

The server and the command line call the same function, so that both say the same of a commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from checks.facts.store import FactStore, MemoryFactStore
from checks.model import Report
from checks.remembered import Kept, Remembered, asked
from checks.source import Source
from checks.standard import Standard

if TYPE_CHECKING:
    from checks.reading import Progress


def recalled(
    source: Source,
    standards: Sequence[Standard],
    repository: str,
    component: str,
    facts_store: FactStore,
) -> bytes:
    """The report that :func:`review` gave before, as JSON in one line; nothing without one.

    For those who only hand it on: decoding the findings of a large repository and encoding them
    again takes longer than everything else about a commit that is known.
    """
    context = asked(source, repository, component, standards, (), None)
    return Remembered(facts_store, source.commit, context).encoded()


def review(
    source: Source,
    standards: Sequence[Standard],
    *,
    repository: str,
    component: str = "",
    facts_store: FactStore | None = None,
    jobs: int = 1,
    attestations: Sequence[Mapping[str, Any]] = (),
    tables: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    take: Callable[[bytes], None] | None = None,
    took: Callable[[Mapping[str, float]], None] | None = None,
    draw: Callable[[bytes], None] | None = None,
) -> Report:
    """Return the report of one commit; the same commit and the same rules give the same.

    Args:
        source: The repository at the commit.
        standards: Judged one at a time, in this order.
        repository: Name of the repository in the report.
        component: Folder that is judged; "" for the whole repository.
        facts_store: Facts of earlier reviews; none are kept without one.
        jobs: Analysis processes at once; the report does not depend on it.
        attestations: What leads have attested.
        tables: Dated data of the product (releases, advisories).
        progress: Told about each phase: ``tree``, ``documents``, ``files``, ``checks``.
        take: Given the answers that the report was made of, as :mod:`checks.outcomes` packs them.
        took: Given the CPU seconds of each check, when they are asked now and not remembered.
        draw: Given what can be drawn of the commit, as :mod:`checks.anatomy` packs it.

    Raises:
        checks.errors.InputError: The repository or the component cannot be read.
    """
    store = facts_store or MemoryFactStore()
    question = asked(source, repository, component, standards, attestations, tables)
    remembered = Remembered(store, source.commit, question)
    wanted = take is not None, draw is not None
    kept = remembered.read(*wanted)
    if kept is None:
        said = {"attestations": attestations, "tables": tables}
        names = (repository, source.commit, component)
        kept = _made(source, standards, names, store, said, jobs, progress, wanted, took)
        remembered.keep(kept)
    if take:
        take(kept.answers)
    if draw:
        draw(kept.anatomy)
    return kept.report


def _made(
    source: Source,
    standards: Sequence[Standard],
    names: tuple[str, str, str],
    store: FactStore,
    said: Mapping[str, Any],
    jobs: int,
    progress: Progress | None,
    wanted: tuple[bool, bool],
    took: Callable[[Mapping[str, float]], None] | None,
) -> Kept:
    """Everything about a commit that is wanted, made now."""
    # What judges is not even imported for a commit that was judged before.
    from checks import compose, fresh, outcomes

    answers, anatomy = wanted
    drawn = bytearray()
    draw = drawn.extend if anatomy else None
    manifest, found = fresh.ask(
        source, standards, names[2], store, said, jobs=jobs, progress=progress, draw=draw
    )
    report = compose.compose(names, manifest, found, standards)
    if took:
        took(outcomes.seconds(found))
    return Kept(report, outcomes.pack(found) if answers else b"", bytes(drawn))
