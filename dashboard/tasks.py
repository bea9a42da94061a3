"""Tasks: load, call, stop. Ids in, nothing out; each may run twice and the rows stay true."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down

from dashboard import queue
from dashboard.services import (
    audit,
    backfill,
    origins,
    patches,
    reconcile,
    registration,
    running,
    simulating,
    source_view,
    stopping,
    sweeping,
)
from dashboard.services.pulse import Pulse


@shared_task(name=queue.RUN_SCAN)
def run_scan(scan_id: int) -> None:
    """Work on one scan, if it can be claimed."""
    running.run(scan_id)


@shared_task(name=source_view.READ_SOURCE)
def read_source(source_id: int) -> None:
    """Read one file for the page that asked for it."""
    running.read_source(source_id)


@shared_task(name=patches.MAKE_PATCH)
def make_patch(patch_id: int) -> None:
    """Make one patch for the page that asked for it."""
    patches.make(patch_id)


@shared_task(name=origins.READ_STANDARD)
def read_standard(origin_id: int) -> None:
    """Read the file of a repository that holds a team's standard."""
    origins.read(origin_id)


@shared_task(name=registration.ANSWER_PROBE)
def answer_probe(probe_id: int) -> None:
    """Ask a git server about the address a person has typed."""
    registration.answer(probe_id)


@shared_task(name=simulating.SIMULATE)
def simulate(simulation_id: int) -> None:
    """Judge repositories under a proposal for a while."""
    simulating.work(simulation_id)


@shared_task(name=audit.RUN_AUDIT)
def run_audit(repository_id: int) -> None:
    """Judge the last result of one repository again from nothing."""
    audit.run(repository_id)


@shared_task(name=backfill.JUDGE_PAST)
def judge_past(backfill_id: int) -> None:
    """Judge earlier commits of one repository for a while."""
    backfill.run(backfill_id)


@shared_task(name=queue.POLL)
def poll() -> None:
    """Ask the git servers whose turn it is for news."""
    reconcile.poll()


@shared_task(name=queue.SWEEP)
def sweep() -> None:
    """Look for what nobody works on."""
    sweeping.attempt()


_pulses: list[Pulse] = []


@worker_ready.connect
def begin_pulse(sender: Any, **_: Any) -> None:
    """Let a worker that is up give signs of life."""
    pulse = Pulse(str(sender.hostname))
    _pulses.append(pulse)
    pulse.start()


@worker_shutting_down.connect
def end_pulse(**_: Any) -> None:
    """Let a worker that is told to stop give its scans back, and count it no longer."""
    stopping.announce()
    while _pulses:
        _pulses.pop().end()
