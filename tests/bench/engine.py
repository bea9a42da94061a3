"""The engine against ruff and pylint on the same files, cold, unchanged and after a commit."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from checks.facts.kinds import kind_of
from checks.gitread import environment, git_program
from checks.gitsource import GitSource, resolve
from checks.project.layout import excluded_path
from tests.bench.measuring import Cost, best, run

ROOT = Path(__file__).parents[2]
REPEAT = 3
CHANGED = 5


class EngineFigures(NamedTuple):
    """What was measured over one repository. Costs; ratios are made when they are shown."""

    name: str
    lines: int
    files: int
    ruff: Cost
    pylint: Cost | None
    cold: Cost
    two_jobs: Cost
    unchanged: Cost
    five_files: Cost


def measure(git_dir: Path, scratch: Path, *, rev: str = "", pylint: bool = True) -> EngineFigures:
    """Measure one repository.

    Args:
        git_dir: A repository with an object database; it is only read.
        scratch: An empty folder.
        rev: Revision; HEAD by default.
        pylint: Whether pylint is measured too, which takes minutes.
    """
    commit = resolve(git_dir, rev)
    files = scratch / "files"
    names = list(_export(GitSource(git_dir, commit), files))
    lines = sum((files / name).read_bytes().count(b"\n") for name in names)
    ruff_command = [
        _tool("ruff"), "check", "--select", "ALL", "--isolated", "--no-cache", "--exit-zero",
        "--quiet", ".",
    ]  # fmt: skip
    ruff = best([run(ruff_command, folder=files) for _ in range(REPEAT)])
    slow = None
    if pylint:
        listing = scratch / "listing"
        listing.write_text("\n".join(names))
        script = f"xargs -a {listing} {sys.executable} -m pylint"
        slow = run(["sh", "-c", script], folder=files)
    mirror = _clone(git_dir, commit, scratch / "mirror.git")
    cold = best([_review(mirror, scratch / f"cache-{n}", "1") for n in range(REPEAT)])
    parallel = best([_review(mirror, scratch / f"cache-j{n}", "2") for n in range(REPEAT)])
    cache = scratch / "cache-0"
    unchanged = best([_review(mirror, cache, "1") for _ in range(REPEAT)])
    changed = [_after_commit(mirror, names, cache, turn) for turn in range(REPEAT)]
    return EngineFigures(
        name=git_dir.parent.name if git_dir.name in {".git", "repo"} else git_dir.name,
        lines=lines,
        files=len(names),
        ruff=ruff,
        pylint=slow,
        cold=cold,
        two_jobs=parallel,
        unchanged=unchanged,
        five_files=best(changed),
    )


def _tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _export(source: GitSource, folder: Path) -> Iterator[str]:
    """Write the Python files that the engine analyses; yields their paths."""
    entries = [
        entry
        for entry in source.tree()
        if entry.kind in {"file", "executable"}
        and kind_of(entry.path) == "python"
        and not excluded_path(entry.path)
    ]
    contents = dict(source.blobs(entry.oid for entry in entries))
    for entry in entries:
        path = folder / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents.get(entry.oid, b""))
        yield entry.path


def _git(git_dir: Path, *words: str, data: bytes | None = None) -> bytes:
    done = subprocess.run(
        [git_program(), *words],
        input=data,
        capture_output=True,
        check=True,
        env=environment(git_dir),
    )
    return done.stdout


def _clone(git_dir: Path, commit: str, target: Path) -> Path:
    """A repository that borrows the objects and has the commit as main."""
    _git(target, "init", "--quiet", "--bare", "--initial-branch=main", str(target))
    objects = git_dir / "objects" if (git_dir / "objects").is_dir() else git_dir / ".git/objects"
    (target / "objects/info/alternates").write_text(f"{objects.resolve()}\n")
    _git(target, "update-ref", "refs/heads/main", commit)
    return target


def _review(mirror: Path, cache: Path, jobs: str) -> Cost:
    command = [
        sys.executable, "-m", "checks", "review", str(mirror), "--format", "json",
        "--cache", str(cache), "--jobs", jobs,
    ]  # fmt: skip
    cost = run(command, folder=ROOT)
    if cost.code:
        raise SystemExit(f"The review of {mirror.name} ended with code {cost.code}.")
    return cost


def _after_commit(mirror: Path, names: list[str], cache: Path, turn: int) -> Cost:
    """Commit a change of five files on top of main and review again."""
    chosen = sorted(names)[turn :: max(len(names) // CHANGED, 1)][:CHANGED]
    head = _git(mirror, "rev-parse", "refs/heads/main").decode().strip()
    stream = [f"commit refs/heads/main\ncommitter B <b@example.com> {2_000_000_000 + turn} +0000\n"]
    stream.append(f"data 12\nfix: change \nfrom {head}\n")
    body = "".join(stream).encode()
    for name in chosen:
        old = _git(mirror, "show", f"{head}:{name}")
        new = old + f"\n\nCHANGED_{turn} = {turn}\n".encode()
        body += f"M 100644 inline {name}\ndata {len(new)}\n".encode() + new + b"\n"
    _git(mirror, "fast-import", "--quiet", data=body)
    copy = cache.with_name(f"{cache.name}-turn{turn}")
    shutil.copytree(cache, copy)
    return _review(mirror, copy, "1")


def table(rows: list[EngineFigures]) -> Iterator[str]:
    """Lines of a table of ratios to ruff's CPU time (R)."""
    heads = ("lines", "R (s)", "cold/R", "2 jobs wall/R", "unchanged/R", "5 files/R")
    more = ("5 files/cold", "pylint/cold", "peak MiB")
    yield f"{'repository':18}" + "".join(f"{head:>14}" for head in (*heads, *more))
    for row in rows:
        unit = row.ruff.cpu
        figures = (
            f"{row.lines}",
            f"{unit:.2f}",
            f"{row.cold.cpu / unit:.1f}",
            f"{row.two_jobs.wall / unit:.1f}",
            f"{row.unchanged.cpu / unit:.2f}",
            f"{row.five_files.cpu / unit:.2f}",
            f"{row.five_files.cpu / row.cold.cpu:.2f}",
            f"{row.pylint.cpu / row.cold.cpu:.1f}" if row.pylint else "-",
            f"{max(row.cold.peak, row.two_jobs.peak):.0f}",
        )
        yield f"{row.name[:18]:18}" + "".join(f"{figure:>14}" for figure in figures)
