"""One scan from claim to end: fetch, judge, store. Whatever happens, the scan says so."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.db import DatabaseError, close_old_connections, connection
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Now
from django.utils import timezone

from checks.cloneurl import UrlError
from checks.errors import InputError
from checks.gitsource import GitSource
from checks.proof import unproven
from checks.silenced import silenced
from checks.standard import StandardError
from dashboard.models import Branch, Phase, Scan, SourceFile
from dashboard.models.source_file import SourceState
from dashboard.services import (
    attestations,
    components,
    facts,
    gates,
    identity,
    judging,
    lease,
    ledger,
    mirrors,
    origins,
    results,
    scanning,
    source_view,
    stopping,
    transitions,
    waiver_entries,
    waivers,
    worth,
)
from dashboard.services.credentials import CredentialError
from dashboard.text import clean

if TYPE_CHECKING:
    from dashboard.models import Finding
    from dashboard.services.identity import Seen
    from dashboard.services.judging import Ruling
    from dashboard.services.lease import Heartbeat, Lease
    from dashboard.services.results import Judged

logger = structlog.get_logger(__name__)

TRY_AGAIN = timedelta(seconds=60)
OVERDUE = (
    "The scan did not end within its time limit. Judge a smaller component, or ask an operator to "
    "give the workers more processors."
)
CHECKS_TIMED = 20
# These pass by themselves: the scan waits for them and is not failed.
PASSING = frozenset({"busy", "disk", "key-missing"})


def run(scan_id: int) -> bool:
    """Work on the scan if it can be claimed; False when somebody else does or nothing is to do.

    The scan ends complete, partial or failed; or it goes back into the queue, because what it
    needs is away for the moment or because this process was told to stop.
    """
    held = lease.claim(scan_id)
    if held is None:
        return False
    with structlog.contextvars.bound_contextvars(scan=scan_id, fence=held.fence):
        beat = lease.Heartbeat(held)
        try:
            with stopping.stoppable(), beat:
                _work(held, beat)
        except (stopping.StopRequested, KeyboardInterrupt) as stop:
            _stop(held, beat.overdue)
            if isinstance(stop, KeyboardInterrupt):
                raise
        except lease.LeaseLostError:
            logger.info("scan taken over")
        except DatabaseError:
            # The database went away: the lease runs out and the scan is run again from the start.
            logger.exception("database failed during a scan")
    return True


def _stop(held: Lease, overdue: bool) -> None:
    """Put the scan back into the queue, or end it when it has had its time."""
    # A signal may have cut a query off in the middle: its connection answers nothing more.
    connection.close()
    try:
        if overdue:
            scanning.fail(Scan.objects.get(pk=held.pk), "time-limit", OVERDUE)
        else:
            lease.release(held)
    except (lease.LeaseLostError, Scan.DoesNotExist):
        logger.info("scan ended or was taken over before it stopped")


def _work(held: Lease, beat: Heartbeat) -> None:
    """Judge the scan, and turn every failure into its code and its sentence."""
    scan = Scan.objects.select_related("repository", "branch").get(pk=held.pk)
    try:
        _judge(held, scan, beat)
    except (InputError, UrlError, CredentialError, StandardError) as error:
        _give_up(held, scan, error)
    except MemoryError:
        scanning.fail(
            scan,
            "memory",
            "The scan needed more memory than the worker may use; ask an operator to allow more.",
        )
    except (DatabaseError, lease.LeaseLostError):
        raise
    except Exception:
        logger.exception("scan crashed")
        scanning.fail(
            scan,
            "internal",
            "The scan met a fault of ours, which is in the worker's log; the last result stands. "
            "Try again, or report the fault with that log.",
        )


def _give_up(held: Lease, scan: Scan, error: Exception) -> None:
    """Fail the scan, or let it wait for what passes by itself."""
    code, sentence = error_code(error), clean(str(error), 1000)
    if code in PASSING:
        lease.release(held, reason=sentence, code=code, wait=TRY_AGAIN)
    else:
        scanning.fail(scan, code, sentence)


def error_code(error: Exception) -> str:
    """Return the stable name of what a person can put right: ``empty``, ``branch-missing``, ..."""
    code = getattr(error, "code", "")
    return code or re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower()


def _judge(held: Lease, scan: Scan, beat: Heartbeat) -> None:
    clock = _Clock()
    seen = Branch.objects.filter(pk=OuterRef("branch_id")).values("wanted")
    held.write(wanted=Subquery(seen))
    fetched = mirrors.fetch(scan.repository, beat.progress)
    clock.lap("fetch")
    source = GitSource(fetched.git_dir, fetched.commit, remember=facts.store())
    _name_commit(held, scan, source, fetched.branch)
    said, day = attestations.records(scan.repository, source), timezone.localdate()
    waiver_entries.read(scan.repository, source)
    # Standards are read also where no code is: a scan that shows nothing is refused below.
    origins.read_all(scan.repository, source)
    accepted = waivers.in_force(scan.repository, day)
    ruling = judging.ruling(scan.repository, day, said, accepted, waivers.names(scan.repository))
    plain = replace(ruling, waivers=())
    # Read once: whoever chooses other folders meanwhile asks for a scan of their own.
    folders = components.chosen(scan.repository, source)
    judged = [
        judging.judge(component, source, plain, _reporter(beat, clock), clock.add_checks, draw=True)
        for component in components.present(folders, source) or folders
    ]
    _refuse_unproven(judged)
    clock.lap("review")
    # A review may outlive the connection it began with; so may what follows.
    close_old_connections()
    looked = identity.look(source, fetched.git_dir, scan.repository.scanned_commit)
    followed = list(waivers.followed(scan.repository))
    judged = [_recognised(each, ruling, looked, followed) for each in judged]
    clock.lap("identity")
    gate = gates.judge(scan.repository, judged, ruling)
    clock.lap("gains and gate")
    beat.progress(Phase.STORING)
    close_old_connections()
    paths = {finding.path for each in judged for finding in each.report.findings}
    source_view.keep(scan.repository, source, paths)
    clock.lap("sources")
    kept = ruling.kept([component.path for component in folders])
    explained = ledger.explain(scan.repository, source.commit, judged, ruling, kept)
    clock.lap("ledger")
    said_by_gates = gates.stored(gate)
    results.store(held, judged, ruling.rows, clock.timings(), explained, looked, said_by_gates)


def _recognised(
    judged: Judged, ruling: Ruling, looked: Seen, followed: Sequence[Finding]
) -> Judged:
    """The judgement with its waivers: those of single findings follow where their code went.

    What comments in the code silence is looked up on the way.
    """
    known = transitions.recognise(judged.component, judged.report, judged.answers, looked)
    names = waivers.names_in(followed, known)
    own = replace(ruling, names=names)
    comments = silenced(looked.source, judged.component.path)
    whole = worth.added(judging.waived(judged, own), own)
    return replace(whole, recognised=known, silenced=comments)


class NothingAnalysedError(InputError):
    """Not one Python file was analysed, so whatever the documents say, nothing is shown."""

    code = "nothing-analysed"


def _refuse_unproven(judged: Sequence[Judged]) -> None:
    """Let no scan end well that has shown nothing; one folder without code makes it partial."""
    empty = [sentence for each in judged if (sentence := unproven(each.report))]
    if empty and len(empty) == len(judged):
        raise NothingAnalysedError(" ".join(empty))


def _name_commit(held: Lease, scan: Scan, source: GitSource, branch: str) -> None:
    """Write down which commit of which branch this scan judges."""
    history = source.history()
    if scan.branch.name != branch:
        _move_branch(held, scan, branch)
    Branch.objects.filter(repository=scan.repository, name=branch).update(
        head=source.commit, gone_at=None
    )
    held.write(
        commit=source.commit,
        commit_time=datetime.fromtimestamp(source.time, UTC),
        commit_subject=clean(history[0].subject, 200) if history else "",
        phase=Phase.READING,
        phase_since=Now(),
    )


def _move_branch(held: Lease, scan: Scan, name: str) -> None:
    """The default branch was not known, or is another now: the scan belongs to its real name."""
    row, _ = Branch.objects.get_or_create(repository=scan.repository, name=name)
    old = Branch.objects.get(pk=scan.branch_id)
    Branch.objects.filter(pk=old.pk).update(done=old.wanted)
    held.write(branch=row, wanted=row.wanted)


def read_source(source_id: int) -> None:
    """Read one file out of this machine's mirror for the page that asked for it."""
    row = SourceFile.objects.select_related("repository").filter(pk=source_id).first()
    if row is None or row.state != SourceState.WAITING:
        return
    source_view.fill(row, GitSource(mirrors.at_hand(row.repository), row.commit))


def _reporter(beat: Heartbeat, clock: _Clock) -> Callable[[str, int, int], None]:
    def report(phase: str, done: int, total: int) -> None:
        clock.phase(phase)
        beat.progress(Phase.JUDGING if phase == "checks" else Phase.READING, done, total)

    return report


class _Clock:
    """Seconds per step, per phase of the review and per check, for the scan's page."""

    def __init__(self) -> None:
        self._laps: dict[str, float] = {}
        self._phases: dict[str, float] = {}
        self._checks: dict[str, float] = {}
        self._phase = ""
        self._began = self._phase_began = time.monotonic()

    def lap(self, name: str) -> None:
        """Note the seconds since the last step under this name."""
        self.phase("")
        now = time.monotonic()
        self._laps[name] = round(now - self._began, 3)
        self._began = now

    def phase(self, name: str) -> None:
        """Note that the review has come to a phase; the one before is over."""
        if name == self._phase:
            return
        now = time.monotonic()
        if self._phase:
            spent = self._phases.get(self._phase, 0.0) + now - self._phase_began
            self._phases[self._phase] = round(spent, 3)
        self._phase, self._phase_began = name, now

    def add_checks(self, seconds: Mapping[str, float]) -> None:
        """Add the CPU seconds of the checks of one component."""
        for check, spent in seconds.items():
            self._checks[check] = self._checks.get(check, 0.0) + spent

    def timings(self) -> dict[str, Any]:
        """All of it; of the checks those that took longest."""
        longest = sorted(self._checks.items(), key=lambda pair: -pair[1])[:CHECKS_TIMED]
        checks = {name: round(spent, 4) for name, spent in longest}
        return {"steps": self._laps, "phases": self._phases, "checks": checks}
