"""Writes where each check flags its bad examples: ``make flagged``, after a check has changed."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from checks.facts.store import MemoryFactStore
from checks.rules.flagged import PLACES, Flagged
from tests.checks.examples import build, cases, judged, warm


def main() -> None:
    """Judge every bad example and write what was found."""
    bad = [case for case in cases() if case.side == "bad"]
    found: dict[str, list[Flagged]] = {}
    with tempfile.TemporaryDirectory() as folder:
        made = [build(case, Path(folder)) for case in bad]
        store = MemoryFactStore()
        warm(made, store)
        for case, repository in zip(bad, made, strict=True):
            seen = judged(case, repository, store).observations
            if len(seen) != 1:
                raise SystemExit(f"{case.name}: {len(seen)} findings; mend the check first.")
            place = Flagged(seen[0].path, seen[0].line, seen[0].message)
            found.setdefault(case.check, []).append(place)
    PLACES.write_text(dump(found), encoding="utf-8")


def dump(found: Mapping[str, Sequence[Flagged]]) -> str:
    """One line for each example, so that a change shows as one."""
    checks = []
    for name, places in sorted(found.items()):
        rows = ",\n    ".join(
            json.dumps([place.path, place.line, place.message], ensure_ascii=False)
            for place in places
        )
        checks.append(f"  {json.dumps(name)}: [\n    {rows}\n  ]")
    return "{\n" + ",\n".join(checks) + "\n}\n"


if __name__ == "__main__":
    main()
