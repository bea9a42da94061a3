"""The one orchestrator: a source and standards in, a report out.

The server and the command line call the same function, so that both say the same of a commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from checks.facts.store import FactStore, MemoryFactStore
from checks.model import Report
from checks.remembered import Remembered, asked
from checks.source import Source
from checks.standard import Standard

if TYPE_CHECKING:
    from checks.reading import Progress


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
) -> Report:
    """Judge one commit by some standards.

    Args:
        source: The repository at the commit.
        standards: Judged one at a time, in this order.
        repository: Name of the repository in the report.
        component: Folder that is judged; "" for the whole repository.
        facts_store: Facts of earlier reviews; none are kept without one.
        jobs: Analysis processes at the same time; the report does not depend on it.
        attestations: What leads have attested.
        tables: Dated data of the product (releases, advisories).
        progress: Told about each phase: ``tree``, ``documents``, ``files``, ``checks``.

    Returns:
        The report; the same commit and the same rules give the same report.

    Raises:
        checks.errors.InputError: The repository or the component cannot be read.
    """
    store = facts_store or MemoryFactStore()
    context = asked(source, repository, component, standards, attestations, tables)
    remembered = Remembered(store, source.commit, context)
    known = remembered.read()
    if known is not None:
        return known
    # What judges is not even imported for a commit that was judged before.
    from checks.fresh import fresh_report

    names = (repository, source.commit, component)
    said = {"attestations": attestations, "tables": tables}
    report = fresh_report(source, standards, names, store, said, jobs=jobs, progress=progress)
    remembered.keep(report)
    return report
