"""``python -m checks``: judges a repository and shows the catalogue, without a server.

Exit codes: 0 done, 1 a gate failed, 2 the command or its input is wrong, 3 a defect of ours.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, NoReturn

from checks.errors import InputError

if TYPE_CHECKING:
    from checks.facts.store import FactStore
    from checks.gate import Base, Earlier, Gate, GateResult
    from checks.gitwatch import Progress
    from checks.model import Report
    from checks.opening import Opened
    from checks.source import Source
    from checks.standard import Standard
    from checks.waiverfile import WaiverFile

_ABOUT = """Judges a repository by written standards, without a server. Exit codes: 0 done, 1 a
gate failed, 2 the command or its input is wrong, 3 a defect of ours."""
type Read = tuple[Source, Report, bytes]
"""A commit, its report without waivers, and the packed answers of its checks."""
OWN_GATES = "standards"
FROM_REPOSITORY, NO_WAIVERS = "repository", "none"
DONE, GATE_FAILED, WRONG_INPUT, DEFECT, INTERRUPTED = 0, 1, 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; everything wrong is one line on stderr."""
    # one command builds one project and ends: looking for cycles finds none and costs a tenth
    gc.disable()
    try:
        options = _parser().parse_args(arguments)
        content, code = options.run(options)
        _write(content, options.output)
    except InputError as error:
        _complain(str(error))
        return WRONG_INPUT
    except BrokenPipeError:
        # The reader has seen enough; the interpreter must not try to flush again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        _complain("stopped.")
        return INTERRUPTED
    except Exception:  # noqa: BLE001 - a crash must not look like a failed gate, which is 1
        traceback.print_exc()
        _complain("this is a defect of Straightedge; please report it with the lines above.")
        return DEFECT
    return int(code)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help.")


def _parser() -> _Parser:
    parser = _Parser(prog="python -m checks", description=_ABOUT, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="review|catalogue", dest="command")
    review = commands.add_parser(
        "review", help="judge a repository", description="Judge a repository.", allow_abbrev=False
    )
    _review_options(review)
    catalogue = commands.add_parser(
        "catalogue",
        help="show all checks and standards",
        description="Show all checks, and all standards with the checks that decide their clauses.",
        allow_abbrev=False,
    )
    _standard_option(catalogue, "instead of the shipped ones")
    catalogue.add_argument("--format", choices=("text", "json"), default="text")
    _output_option(catalogue)
    catalogue.set_defaults(run=_catalogue)
    return parser


def _review_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("where", metavar="PATH_OR_URL", help="a local folder or a clone address")
    parser.add_argument("--rev", default="", help="the revision to judge (default: HEAD)")
    parser.add_argument(
        "--worktree", action="store_true", help="judge the files as they are, committed or not"
    )
    _standard_option(parser, "to judge by (default: each of the shipped ones)")
    parser.add_argument("--component", default="", metavar="DIR", help="judge only this folder")
    parser.add_argument("--format", choices=("text", "json", "sarif"), default="text")
    cache = parser.add_mutually_exclusive_group()
    cache.add_argument(
        "--cache", type=Path, metavar="DIR", help="where facts and mirrors are kept between runs"
    )
    cache.add_argument("--no-cache", action="store_true", help="keep nothing between runs")
    parser.add_argument(
        "--jobs", type=_jobs, metavar="N", help="processes to use (default: one for each core)"
    )
    parser.add_argument(
        "--fail-under",
        type=_score,
        metavar="SCORE",
        help="exit with 1 unless the lower end of every score reaches this",
    )
    parser.add_argument(
        "--gate",
        metavar="FILE",
        help='a TOML file with the conditions of a gate, or "standards" for the gates that the'
        " standards themselves set; exit with 1 unless every condition is met",
    )
    parser.add_argument(
        "--base",
        default="",
        metavar="REV",
        help="what a gate compares with: the commit where REV and the judged one part",
    )
    parser.add_argument(
        "--waivers",
        default=FROM_REPOSITORY,
        metavar="FILE|none",
        help="a file of waivers, or none (default: .straightedge/waivers.toml of the repository)",
    )
    _output_option(parser)
    parser.set_defaults(run=_review)


def _standard_option(parser: argparse.ArgumentParser, purpose: str) -> None:
    parser.add_argument(
        "--standard",
        action="append",
        default=[],
        metavar="SLUG_OR_FILE",
        help=f"a shipped standard or a TOML file, {purpose}; may be repeated",
    )


def _output_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, metavar="FILE", help="write here, not to stdout")


def _jobs(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes from 1 to 256")
    return int(text)


def _score(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= (score := float(text)) <= 100:
            return score
    raise argparse.ArgumentTypeError(f"{text!r} is not a score from 0 to 100")


def _review(options: argparse.Namespace) -> tuple[bytes, int]:
    if options.worktree and options.rev:
        raise InputError("--worktree and --rev exclude each other: choose one of them.")
    standards = _standards(options.standard)
    gates = _gates(options, standards)
    component = _component(options.component)
    _check_output(options.output)
    from checks.gate import evaluate
    from checks.opening import open_base

    with _kept(options) as (store, mirrors), _Ticker() as ticker:
        opened = _opened(options, store, mirrors, ticker)
        plain = options.format == "json" and options.fail_under is None and not gates
        if plain and not _waivers(options.waivers, opened.source):
            from checks.review import recalled

            if known := recalled(opened.source, standards, opened.repository, component, store):
                from checks.report import json

                return json.indented(known), DONE
        read = partial(_read, options, standards, store, ticker, opened.repository)
        now = read(opened.source, component)
        parted = open_base(opened, options.base, remember=store) if options.base else None
        before = _before(parted, now, read)
        report, base, earlier = _compared(options, standards, gates, now, before)
        gate = evaluate(gates, [report], base=base, earlier=earlier) if gates else None
    shortfalls = _shortfalls(report, options.fail_under)
    if gate is not None:
        shortfalls += [each.sentence for each in gate.conditions if each.passed is False]
    for sentence in shortfalls:
        _complain(sentence)
    content = _rendered(report, standards, gate, options)
    return content, GATE_FAILED if shortfalls else DONE


def _read(
    options: argparse.Namespace,
    standards: Sequence[Standard],
    store: FactStore,
    ticker: _Ticker,
    repository: str,
    source: Source,
    component: str,
) -> Read:
    """The report of one commit without waivers, and what the checks answered where it is needed."""
    from checks.review import review

    answers = bytearray()
    report = review(
        source,
        standards,
        repository=repository,
        component=component,
        facts_store=store,
        jobs=options.jobs or os.process_cpu_count() or 1,
        progress=ticker.show,
        take=answers.extend if options.base or _waivers(options.waivers, source) else None,
    )
    return source, report, bytes(answers)


def _before(source: Source | None, now: Read, read: Callable[[Source, str], Read]) -> Read | None:
    """What a gate compares with; nothing where that is the judged commit itself."""
    judged, report, _ = now
    if source is None or source.commit == judged.commit:
        return None
    from checks.component import has

    # A folder that was not there yet may have been moved from anywhere.
    return read(source, report.component if has(source, report.component) else "")


def _compared(
    options: argparse.Namespace,
    standards: Sequence[Standard],
    gates: Mapping[str, Gate],
    now: Read,
    before: Read | None,
) -> tuple[Report, Base | None, Earlier | None]:
    """The report with the waivers, and the earlier state that a gate compares it with.

    Of two commits each finding is known by both its names, so a waiver of one finding covers it
    in the one and in the other, wherever its code has gone.
    """
    waived = partial(_waived, options, standards)
    if before is None:
        return waived(now, dict, tell=True), None, None
    from checks.gate import Base, Earlier, lows
    from checks.since import Since, State

    since = Since(*(State(read[0], read[1].findings, read[2]) for read in (before, now)))
    name = before[0].commit[:10]
    earlier = Earlier(name, lows([waived(before, since.back)]))
    known = since.carried() if any(gate.no_new_findings for gate in gates.values()) else frozenset()
    return waived(now, since.names, tell=True), Base(name, known), earlier


def _gates(options: argparse.Namespace, standards: Sequence[Standard]) -> dict[str, Gate]:
    """The gates that were asked for: that of the file, and those of the standards."""
    if not options.gate:
        if options.base:
            raise InputError("--base says what a gate compares with: give one by --gate FILE.")
        return {}
    from checks.gate import load

    gates = {each.slug: each.gate for each in standards if each.gate}
    if options.gate != OWN_GATES:
        gates = {"": load(Path(options.gate)), **gates}
    elif not gates:
        raise InputError("--gate standards: none of the standards sets a gate; give a file.")
    if not options.base and any(gate.compares for gate in gates.values()):
        raise InputError(
            "The gate compares with an earlier state: name it by --base REV, such as --base main."
        )
    return gates


def _waivers(given: str, source: Source) -> WaiverFile | None:
    """The waivers that count: those of the repository, of a file, or none."""
    if given == NO_WAIVERS:
        return None
    if given == FROM_REPOSITORY:
        from checks.model import WAIVER_FILE

        if not any(entry.path == WAIVER_FILE for entry in source.tree()):
            return None
        from checks import waiverfile

        return waiverfile.of(source)
    from checks.waiverfile import parse

    try:
        return parse(Path(given).read_bytes())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"--waivers {given}: the file cannot be read ({reason}).") from error


def _waived(
    options: argparse.Namespace,
    standards: Sequence[Standard],
    read: Read,
    names: Callable[[], Mapping[str, str]],
    *,
    tell: bool = False,
) -> Report:
    """The report with the waivers; those that waive nothing are named on stderr if ``tell``."""
    source, report, answers = read
    file = _waivers(options.waivers, source)
    if file is None:
        return report
    from checks.compose import again
    from checks.since import missing_names
    from checks.waiverfile import with_wrong
    from checks.waivers import followed

    today = datetime.now(UTC).date()
    waivers = followed(file.waivers, missing_names(file.waivers, names, report.findings))
    report = with_wrong(again(report, answers, standards, waivers, today), file)
    for each in (report.waivers or ()) if tell else ():
        if each.state != "in-force":
            line = file.lines.get(each.id)
            where = f"waiver at line {line}" if line else f"waiver at {each.id}"
            _complain(f"{where} waives nothing: {each.note}")
    return report


def _catalogue(options: argparse.Namespace) -> tuple[bytes, int]:
    from checks import rules
    from checks.check import CATALOGUE
    from checks.report import catalogue

    rules.load()
    render = catalogue.render_json if options.format == "json" else catalogue.render_text
    return _bytes(render(_standards(options.standard), CATALOGUE)), DONE


def _standards(names: Sequence[str]) -> list[Standard]:
    from checks import standard
    from checks.rollout import as_of

    loaded = [standard.load(name) for name in names] if names else standard.shipped()
    standards = [as_of(each, datetime.now(UTC).date()) for each in loaded]
    slugs = [each.slug for each in standards]
    for slug in slugs:
        if slugs.count(slug) > 1:
            raise InputError(f"Two standards are called {slug}: leave one out, or rename it.")
    return standards


def _component(text: str) -> str:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts:
        raise InputError(f"--component {text}: give a folder inside the repository.")
    return "" if path == PurePosixPath() else str(path)


@contextlib.contextmanager
def _kept(options: argparse.Namespace) -> Iterator[tuple[FactStore, Path]]:
    """The store of facts and the folder of mirrors, both gone afterwards with ``--no-cache``."""
    from checks.facts.store import MemoryFactStore, SqliteFactStore

    if options.no_cache:
        with tempfile.TemporaryDirectory(prefix="straightedge-") as folder:
            yield MemoryFactStore(), Path(folder)
        return

    cache = options.cache or _default_cache()
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The cache folder {cache} cannot be made ({error.strerror}): give another one by"
            " --cache, or --no-cache."
        ) from error
    store = SqliteFactStore(cache / "facts.sqlite3")
    with contextlib.closing(store):
        yield store, cache / "mirrors"


def _default_cache() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # A relative path there is to be ignored, says the specification of these folders.
    return (base if base.is_absolute() else Path.home() / ".cache") / "straightedge"


def _opened(
    options: argparse.Namespace, store: FactStore, mirrors: Path, ticker: _Ticker
) -> Opened:
    from checks.opening import is_address, open_address, open_folder

    if not is_address(options.where):
        return open_folder(
            options.where, rev=options.rev, worktree=options.worktree, remember=store
        )
    if options.worktree:
        raise InputError("--worktree needs a local folder: an address has only commits.")
    return open_address(
        options.where, mirrors, rev=options.rev, remember=store, progress=ticker.fetching
    )


def _rendered(
    report: Report,
    standards: Sequence[Standard],
    gate: GateResult | None,
    options: argparse.Namespace,
) -> bytes:
    if options.format == "json":
        from checks.report import json

        return json.rendered(report, gate)
    if options.format == "sarif":
        from checks.report import sarif

        return _bytes(sarif.render(report))
    from checks.report import text

    color = not options.output and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return _bytes(text.render(report, standards, gate, color=color))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _shortfalls(report: Report, least: float | None) -> list[str]:
    """One sentence for each standard that does not reach the gate."""
    if least is None:
        return []
    from checks.gate import shortfall

    return [
        shortfall(result, least)
        for result in report.standards
        if result.low is None or result.low < least
    ]


def _check_output(output: Path | None) -> None:
    """Refuse before the work, not after it."""
    if output and (output.is_dir() or not output.absolute().parent.is_dir()):
        raise InputError(f"--output {output}: give a file in a folder that exists.")


def _write(content: bytes, output: Path | None) -> None:
    if not output:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise InputError(f"{output} cannot be written: {error.strerror}.") from error


def _complain(sentence: str) -> None:
    from checks.report.text import escaped

    print(f"straightedge: {escaped(sentence)}", file=sys.stderr)


class _Ticker:
    """One line on stderr that says what is going on; silent where nobody watches."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stderr
        self._watched = self._stream.isatty()
        self._shown = ""

    def __enter__(self) -> _Ticker:
        return self

    def __exit__(self, *_: object) -> None:
        self._replace("")

    def show(self, step: str, done: int, total: int) -> None:
        """A step of the review, and how far it has come."""
        self._replace(f"{step} {done}/{total}" if total else step)

    def fetching(self, progress: Progress) -> None:
        """How far a fetch has come."""
        self._replace(f"{progress.phase} objects {progress.percent} %")

    def _replace(self, text: str) -> None:
        if self._watched and text != self._shown:
            self._stream.write(f"\r{text}\x1b[K")
            self._stream.flush()
            self._shown = text


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # The system takes a million objects back at once; the interpreter would free one by one.
    os._exit(code)
