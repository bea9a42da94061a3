"""Findings of a report beside those that stand: which is which, and which commit is behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from checks.authorship import commits_named, last_changes, only_commit
from checks.codeowners import CodeOwners
from checks.codeowners import read as read_owners
from checks.errors import InputError
from checks.facts.version import rules_version
from checks.fingerprint import anchors
from checks.gitsource import GitSource
from checks.ground import Between, Side, known_rules, sites
from checks.matching import Site, match
from checks.outcomes import unpack
from checks.rules.specs import canonical
from dashboard.models import ClauseResult, Scan
from dashboard.text import clean, clean_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    import checks.model as engine
    from checks.authorship import Origin
    from checks.source import Source
    from dashboard.models import Component, Finding

PATH, SYMBOL, ANCHOR = 1100, 500, 300
"""Characters that a row keeps of each."""
SITE = (
    "check_id",
    "fingerprint",
    "path",
    "symbol",
    "anchor",
    "text",
    "blob",
    "line",
    "column",
    "clauses",
    "message",
)
"""Columns that matching needs of a row."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The commit that was judged, and the one that was judged before it.

    Attributes:
        source: The repository at the commit.
        now: Its files.
        before: The files of the commit before; None when there is none or it is gone.
        since: Id of that commit, "" for none.
        owners: Whom the commit names as owners.
    """

    source: Source
    now: Side
    before: Side | None
    since: str
    owners: CodeOwners


def look(source: GitSource, git_dir: Path, since: str) -> Seen:
    """Open the commit that was judged last beside the one that is judged now."""
    before = None
    if since:
        try:
            before = Side(GitSource(git_dir, since))
        except InputError:
            # It was rewritten away: findings are told apart by what is known of them.
            since = ""
    return Seen(source, Side(source), before, since, read_owners(source))


def described(
    report: engine.Report,
    answers: bytes,
    seen: Seen | None,
    standing: Iterable[Mapping[str, Any]],
) -> list[Site]:
    """Return the findings of a report as matching sees them, in their order."""
    known = {
        (row["check_id"], row["fingerprint"], row["blob"]): row["text"]
        for row in standing
        if row["blob"]
    }
    named = anchors(unpack(answers)) if answers else {}
    found = sites(
        report.findings,
        named,
        seen.now if seen else None,
        lambda check, fingerprint, blob: known.get((check, fingerprint, blob)),
    )
    return fitted(found)


def fitted(found: Iterable[Site]) -> list[Site]:
    """Return findings with their names as a row keeps them."""
    return [
        msgspec.structs.replace(
            each,
            path=clean(each.path, PATH),
            symbol=clean(each.symbol, SYMBOL),
            anchor=clean(each.anchor, ANCHOR),
        )
        for each in found
    ]


def site(row: Mapping[str, Any]) -> Site:
    """Return a row, with the columns of :data:`SITE`, as matching sees it."""
    check, *names = SITE
    return Site(check=row[check], **{name: row[name] for name in names})


def partners(
    standing: Sequence[Mapping[str, Any]], found: Sequence[Site], seen: Seen | None
) -> dict[int, int]:
    """Return which standing row (by its place) each finding (by its place) is."""
    before = [site(row) for row in standing]
    ground = Between(seen.before, seen.now) if seen and seen.before else None
    return {new: old for old, new in match(before, found, ground, known_rules).items()}


class Changes:
    """What changed between the last scan of a component and a report of it, beside its files."""

    def __init__(self, component: Component, report: engine.Report) -> None:
        self.last = last = component.repository.last_scan
        ruling = (last.ruling if last else None) or {"engine": rules_version()}
        self.engine = ruling["engine"] != rules_version()
        self._before = _limits_before(component, last) if last else {}
        self._now: dict[str, set[str]] = {}
        for standard in report.standards:
            for clause in standard.clauses:
                for check in clause.checks:
                    self._now.setdefault(check.id, set()).add(_limits(check.params))
        self.commit = last.commit != report.commit if last else True

    def limits(self, check: str) -> bool:
        """Whether the check is asked with other limits, or was not asked before."""
        return bool(self._before) and self._before.get(check) != self._now.get(check)

    def newly(self, check: str) -> bool:
        """Whether nobody asked the check before."""
        return bool(self._before) and check not in self._before

    def asked_before(self, check: str, which: Callable[[str], bool]) -> bool:
        """Whether the check is asked with some of its limits, and was with the same ones."""
        now = {limits for limits in self._now.get(check, ()) if which(limits)}
        before = {limits for limits in self._before.get(check, ()) if which(limits)}
        return bool(now) and now == before

    def rules(self, check: str) -> bool:
        """Whether the check may answer otherwise of the same code: its limits, or our own code."""
        return self.engine or self.limits(check)


def _limits_before(component: Component, last: Scan) -> dict[str, set[str]]:
    rows = ClauseResult.objects.filter(
        scan_standard__scan=last, scan_standard__component=component
    ).values_list("checks", flat=True)
    found: dict[str, set[str]] = {}
    for checks in rows:
        for check in checks:
            found.setdefault(check["id"], set()).add(_limits(check["params"]))
    return found


def _limits(params: Mapping[str, Any]) -> str:
    return canonical(clean_json(params))


def by_rules(row: Mapping[str, Any], seen: Seen | None, changes: Changes) -> bool:
    """Whether a finding went because the rules changed: they did, and its file did not."""
    check = row["check_id"]
    if not changes.rules(check) or not changes.commit:
        return changes.rules(check)
    if not row["blob"]:
        # What is about no file changes with any commit; only its own limits tell.
        return changes.limits(check)
    return seen is not None and seen.now.blob(row["path"]) == row["blob"]


def origins(
    seen: Seen, came: Collection[Finding], gone: Collection[Mapping[str, Any]], changes: Changes
) -> tuple[list[Origin | None], list[Origin | None]]:
    """Return the commits that brought the findings that came and removed those that went.

    What a check found that nobody asked before may be as old as its file.
    """
    source = seen.source
    named = commits_named(source, [row.symbol for row in came])
    paths = {row.path for row in came} | {row["path"] for row in gone}
    recent = last_changes(source, paths, seen.since) if seen.since else {}
    newly = {row.check_id for row in came if changes.newly(row.check_id)}
    only = only_commit(source, seen.since) if seen.since else None
    old = {
        row.path
        for row in came
        if row.check_id in newly
        or (row.path not in recent and (not seen.since or changes.rules(row.check_id)))
    }
    ever = last_changes(source, old)
    brought = []
    for row in came:
        lately = None if row.check_id in newly else recent.get(row.path)
        origin = named.get(row.symbol) or lately or ever.get(row.path)
        brought.append(origin or (None if row.check_id in newly else only))
    return brought, [recent.get(row["path"]) or only for row in gone]
