"""The server under load: webhooks while scans write, and the fleet page with many repositories."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests import services


def report() -> Iterator[str]:
    """Measure an installation of each kind; yields the lines of two tables.

    PostgreSQL and Redis are started for it; where they are not installed, only SQLite is measured.
    """
    run = services.begin()
    # Settings are read by what these import, so the environment comes first.
    from tests.bench import fleet, webhooks

    yield _line("webhooks", "sent", "failed", "per s", "p50 ms", "p99 ms", "cpu ms", "scans")
    rows = []
    try:
        for name, address in _kinds(run):
            with (
                tempfile.TemporaryDirectory(prefix="straightedge-bench-") as folder,
                webhooks.installation(address, Path(folder)) as (made, web),
            ):
                load = webhooks.measure(made, web)
                times = (f"{1_000 * each:.1f}" for each in (load.p50, load.p99, load.cpu))
                rate = f"{load.sent / load.seconds:.0f}"
                yield _line(name, load.sent, load.failed, rate, *times, load.scans)
                rows.append((name, webhooks.fleet(made)))
    finally:
        services.end()
    titles = ("queries", "p50 ms", "p95 ms", "empty p50", "p50 ratio", "p95 ratio")
    yield _line(f"fleet of {fleet.REPOSITORIES}", *titles)
    for name, row in rows:
        times = (f"{row[each]:.1f}" for each in ("fleet_p50", "fleet_p95", "empty_p50"))
        ratios = (f"{row[f'fleet_{each}'] / row[f'empty_{each}']:.1f}" for each in ("p50", "p95"))
        yield _line(name, int(row["queries"]), *times, *ratios)


def _line(name: str, *cells: object) -> str:
    return f"{name:20}" + "".join(f"{cell!s:>11}" for cell in cells)


def _kinds(run: services.Services) -> Iterator[tuple[str, str]]:
    """Yields a name and the address of PostgreSQL, "" for an installation without one."""
    try:
        yield "PostgreSQL and Redis", run.postgresql()
    except services.ServiceError as error:
        print(f"PostgreSQL is left out: {error}")
    yield "SQLite and files", ""
