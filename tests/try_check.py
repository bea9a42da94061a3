"""Shows what a check gives for its examples, or for a real repository.

uv run python -m tests.try_check CHECK [--variant N] [--repo GIT_DIR [--rev REV]] [--params JSON]
"""

from __future__ import annotations

import argparse
import difflib
import json
import tempfile
import time
from pathlib import Path

from checks import rules
from checks.check import CATALOGUE
from checks.facts.store import SqliteFactStore
from checks.gitsource import GitSource, resolve
from checks.judge import answer
from checks.model import Outcome
from checks.reading import read_project
from checks.rules.specs import specs
from tests.checks.examples import build, cases, judged

STORE = Path(tempfile.gettempdir()) / "straightedge-try-facts.sqlite"


def main() -> None:
    """Print outcomes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("check", nargs="+")
    parser.add_argument("--variant", type=int)
    parser.add_argument("--repo", type=Path)
    parser.add_argument("--rev", default="")
    parser.add_argument("--params", type=json.loads, default={})
    parser.add_argument("--most", type=int, default=60)
    given = parser.parse_args()
    rules.load()
    for name in given.check:
        if name not in specs():
            near = ", ".join(difflib.get_close_matches(name, specs(), 3)) or "none is alike"
            parser.error(f"there is no check {name} in the catalogue ({near})")
        if name not in CATALOGUE:
            parser.error(f"{name} is in the catalogue, but no function asks it: see its @check")
    store = SqliteFactStore(STORE)
    if given.repo:
        git_dir = given.repo.resolve()
        read = read_project(GitSource(git_dir, resolve(git_dir, given.rev)), store, jobs=2)
        for name in given.check:
            started = time.process_time()
            outcome = answer(CATALOGUE[name], read.project, specs()[name].merged(given.params))
            show(name, outcome, given.most, time.process_time() - started)
        return
    with tempfile.TemporaryDirectory() as folder:
        for case in cases():
            if case.check in given.check and given.variant in {None, case.number}:
                made = build(case, Path(folder))
                show(case.name, judged(case, made, store), given.most, 0.0)


def show(name: str, outcome: Outcome, most: int, seconds: float) -> None:
    """Print one outcome."""
    print(f"== {name}: {outcome.state} {outcome.reason} sites={outcome.sites} "
          f"findings={len(outcome.observations)} {seconds:.2f}s")  # fmt: skip
    for each in outcome.observations[:most]:
        flags = " suppressed" if each.suppressed else ""
        measured = f" ({each.measured}/{each.limit})" if each.measured or each.limit else ""
        print(f"   {each.path}:{each.line}:{each.column} [{each.symbol}] {each.message}"
              f"{measured}{flags}")  # fmt: skip


if __name__ == "__main__":
    main()
