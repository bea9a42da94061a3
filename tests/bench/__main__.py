"""The benchmarks: ``make bench``, or ``uv run python -m tests.bench REPOSITORY...``.

Without repositories, this checkout is measured. Real ones say more: give paths of clones of
about 5,000, 20,000 and 50,000 lines.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from checks.gitread import git_dir_of
from tests.bench import engine

PARTS = ("engine", "phases", "server", "whatif", "identity", "backfill", "storage", "pages")
LONG = ("identity", "pages")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("repository", nargs="*", type=Path)
    parser.add_argument("--part", choices=PARTS, action="append", help="only this part")
    parser.add_argument("--no-pylint", action="store_true", help="leave out the slowest rival")
    parser.add_argument("--commits", type=int, default=300, help="how many identity walks")
    parser.add_argument("--sample", type=int, default=20, help="pairs that identity lists")
    parser.add_argument("--seed", type=int, default=0, help="which of them")
    parser.add_argument("--repositories", type=int, default=1_000, help="of the fleet of pages")
    parser.add_argument("--findings", type=int, default=1_000_000, help="in all of them")
    given = parser.parse_args()
    # Walks of 300 commits and fleets of a thousand take an hour: only when they are asked for.
    parts = given.part or [part for part in PARTS if part not in LONG]
    if "engine" in parts:
        measure_engine(given.repository or [engine.ROOT], pylint=not given.no_pylint)
    if "phases" in parts:
        measure_phases(given.repository or [engine.ROOT])
    if "backfill" in parts:
        from tests.bench import backfill

        for line in backfill.table(given.repository or [engine.ROOT]):
            print(line, flush=True)
    if "storage" in parts:
        from tests.bench import storage

        for line in storage.table():
            print(line, flush=True)
    if "server" in parts:
        from tests.bench import server

        for line in server.report():
            print(line, flush=True)
    if "pages" in parts:
        from tests.bench import pages

        for line in pages.table(given.repositories, given.findings):
            print(line, flush=True)
    if "whatif" in parts:
        from tests.bench import whatif

        for line in whatif.report([git_dir_of(each) for each in given.repository or [engine.ROOT]]):
            print(line, flush=True)
    if "identity" in parts:
        measure_identity(given.repository or [engine.ROOT], given.commits, given.sample, given.seed)


def measure_engine(repositories: list[Path], *, pylint: bool) -> None:
    """Print the table of the engine, a row when it is measured."""
    rows = []
    for path in repositories:
        with tempfile.TemporaryDirectory(prefix="straightedge-bench-") as scratch:
            print(f"measuring {path.name} ...", flush=True)
            rows.append(engine.measure(git_dir_of(path), Path(scratch), pylint=pylint))
    print(*engine.table(rows), sep="\n", flush=True)


def measure_phases(repositories: list[Path]) -> None:
    """Print where the time of a cold review goes, a repository after the other."""
    from tests.bench import phases

    for path in repositories:
        with tempfile.TemporaryDirectory(prefix="straightedge-bench-") as scratch:
            print(f"\n{path.name}", *phases.report(git_dir_of(path), Path(scratch)), sep="\n")


def measure_identity(repositories: list[Path], commits: int, sample: int, seed: int) -> None:
    """Print how findings were recognised along each history."""
    from tests.bench import identity

    for path in repositories:
        with tempfile.TemporaryDirectory(prefix="straightedge-bench-") as scratch:
            lines = identity.report(
                git_dir_of(path), Path(scratch), commits=commits, sample=sample, seed=seed
            )
            print(f"\n{path.name}", *lines, sep="\n", flush=True)


if __name__ == "__main__":
    main()
