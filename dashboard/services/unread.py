"""Files that a scan saw and could not read, and since when: what stood by them is not gone yet.

Checks answer from the whole project, so a file that breaks takes findings of other files with it.
That shows only how little was seen. A file that never could be read took nothing away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from checks.authorship import ABOUT_COMMIT
from checks.facts.text import REPLACED
from dashboard.text import clean, clean_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    import checks.model as engine
    from checks.ground import Side
    from dashboard.models import Component
    from dashboard.services.identity import Changes

_REMARKS = (REPLACED, "declares the encoding")
"""How the reason begins where a file was read all the same."""
_PATH = 1100
"""Characters that a row keeps of a path."""


class Sides(Protocol):
    """The files of the commit that was judged, and of the one before it where that is known."""

    @property
    def now(self) -> Side:
        """The files of the commit that was judged."""
        ...

    @property
    def before(self) -> Side | None:
        """The files of the commit that was judged before it, None without one."""
        ...


@dataclass(frozen=True, slots=True)
class Unread:
    """What one report could not read of its component.

    Attributes:
        paths: Paths that were seen and not analysed, as rows keep them; "" when the tree was cut.
        contents: The blobs they hold.
        since: Those that were analysed before, with the commit from which on they were not.
    """

    paths: frozenset[str] = frozenset()
    contents: frozenset[str] = frozenset()
    since: Mapping[str, str] = field(default_factory=dict)

    def hides(self, row: Mapping[str, Any]) -> bool:
        """Whether nobody looked where the finding stands."""
        return row["path"] in self.paths or "" in self.paths or row["blob"] in self.contents

    def holds(self, row: Mapping[str, Any], seen: Sides | None) -> bool:
        """Whether a finding may be missing only because another file cannot be read now.

        One whose own file changed or went has gone with it. One of the past of the repository
        needs no file.
        """
        if not self.since or seen is None or row["symbol"].startswith(ABOUT_COMMIT):
            return False
        path, blob = row["path"], row["blob"]
        if not blob:
            # What is about a folder or about everything has no content that could tell.
            return seen.before is None or seen.before.blob(path) == seen.now.blob(path)
        return seen.now.blob(path) == blob or (path not in seen.now and seen.now.holds(blob))


def paths(report: engine.Report) -> set[str]:
    """Return the paths that were seen and not analysed; "" among them when the tree was cut.

    A file that was read with a remark about its encoding was analysed.
    """
    skipped = report.manifest.skipped
    return {each.path for each in skipped if not each.reason.startswith(_REMARKS)}


def states(report: engine.Report) -> dict[str, set[str]]:
    """Return what each check that is asked says of itself, in all clauses that ask it."""
    found: dict[str, set[str]] = {}
    for standard in report.standards:
        for clause in standard.clauses:
            for check in clause.checks:
                found.setdefault(check.id, set()).add(check.state)
    return found


def of(component: Component, report: engine.Report, seen: Sides | None, changes: Changes) -> Unread:
    """Return what a report could not read, beside what the last scan of the component could.

    Args:
        component: What was judged; its repository still has the result before this one.
        report: What was found.
        seen: The commit with the one before it; without it nothing is known of files.
        changes: What else changed between the two.
    """
    last = component.repository.last_scan
    proof = _proof(last.manifest if last else None, component.path)
    return against(proof, report, seen, engine_changed=changes.engine)


def against(
    proof: Mapping[str, Any] | None,
    report: engine.Report,
    seen: Sides | None,
    *,
    engine_changed: bool = False,
) -> Unread:
    """Return what a report could not read, beside what an earlier one could.

    Args:
        proof: The manifest of the earlier one, with since when files could not be read then; None
            when there was none.
        report: What was found.
        seen: The commit with that of the earlier report; without it nothing is known of files.
        engine_changed: Whether our own code changed between the two.
    """
    missed = paths(report)
    kept = frozenset(clean(path, _PATH) for path in missed)
    if seen is None:
        return Unread(kept)
    contents = frozenset(seen.now.blob(path) for path in missed) - {""}
    if proof is None:
        return Unread(kept, contents)
    return Unread(kept, contents, _since(report, seen, proof, engine_changed=engine_changed))


def _since(
    report: engine.Report, seen: Sides, proof: Mapping[str, Any], *, engine_changed: bool
) -> dict[str, str]:
    """Paths that were analysed once and are not now, with the commit that they broke in."""
    known: dict[str, str] = proof.get("unread_since", {})
    skipped = proof["skipped"]
    never = {each["path"] for each in skipped if not each["reason"].startswith(_REMARKS)}
    now, before = seen.now, seen.before
    broken = {before.blob(path): commit for path, commit in known.items()} if before else {}
    found = {}
    for path in sorted(paths(report) - {""}):
        name, blob = clean_json(path), now.blob(path)
        if name in known:
            found[name] = known[name]
        elif name in never:
            continue
        elif before is not None and path not in before:
            # It came as it is, unless it is one that broke earlier and has moved since.
            if blob in broken:
                found[name] = broken[blob]
        elif before is None or not (engine_changed and before.blob(path) == blob):
            # Our own code may have begun to ask for a file, or to refuse one: no fault of it.
            found[name] = report.commit
    return found


def lost(manifest: Mapping[str, Any] | None, folder: str) -> list[tuple[str, str]]:
    """Return the files of a folder that could be read before, and from which commit on not.

    Args:
        manifest: That of the scan.
        folder: The path of the component.
    """
    proof = _proof(manifest, folder) or {}
    return sorted(proof.get("unread_since", {}).items())


def _proof(manifest: Mapping[str, Any] | None, folder: str) -> Mapping[str, Any] | None:
    """What a scan says it looked at in one folder, None when it did not judge that."""
    if not manifest:
        return None
    if "components" in manifest:
        proof: Mapping[str, Any] | None = manifest["components"].get(folder)
        return proof
    return None if folder else manifest
