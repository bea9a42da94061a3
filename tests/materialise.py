"""Turns an example, a miniature repository written as text, into a real git repository.

A line ``#-- PATH`` starts a file. Further directives, each at the place where it acts:

* ``#-- repeat N | TEXT`` stands for N lines, ``{n}`` (or ``{n:02d}``) counting from 1;
* ``#-- commit DATE | SUBJECT | AUTHOR <MAIL>`` commits all that was written so far, the author
  being optional; ``#-- repeat-commits N | DATE | SUBJECT`` makes N commits, each appending a
  line to NOTES.md as well;
* ``#-- delete PATH``, ``#-- branch NAME`` (create and switch), ``#-- checkout NAME``,
  ``#-- merge NAME | SUBJECT``, ``#-- tag NAME``.

What remains at the end is committed as ``chore: import`` at 2025-01-31. Tables that the product
brings along and attestations are no part of the repository and are handed back beside it.
"""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from checks.gitread import environment, git_program

DEFAULT_AUTHOR = "Dev <dev@example.com>"
LAST_SUBJECT = "chore: import"
LAST_DATE = "2025-01-31"
TABLES = ("release-table.json", "advisory-table.json")
ATTESTATIONS = "attestations.toml"

_DIRECTIVE = re.compile(
    r"#-- (repeat-commits|repeat|commit|delete|branch|checkout|merge|tag) (.*)\Z", re.S
)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_COUNTER = re.compile(r"\{n(?::([^{}]*))?\}")


class ExampleError(ValueError):
    """The text does not follow the format of examples."""


@dataclass(frozen=True)
class Materialised:
    """A repository made from an example.

    Attributes:
        git_dir: The bare repository.
        commit: Hex id of the head of main.
        tables: Tables the product brings along, decoded, by file name.
        attestations: The ``[[attestation]]`` entries.
    """

    git_dir: Path
    commit: str
    tables: dict[str, Any]
    attestations: tuple[dict[str, Any], ...]


def materialise(text: str, folder: Path) -> Materialised:
    """Make the repository ``folder``, which must not exist or be empty, from the example.

    Raises:
        ExampleError: The text does not follow the format.
    """
    script = _Script()
    for line in _LINE.findall(text):
        script.read(line)
    side = script.finish()
    _skeleton(folder)
    done = subprocess.run(
        [git_program(), "-c", "fastimport.unpackLimit=0", "fast-import", "--quiet"],
        input=bytes(script.stream),
        capture_output=True,
        env=environment(folder) | {"GIT_CONFIG_COUNT": "0"},
        cwd="/",
        check=False,
    )
    if done.returncode != 0:
        raise ExampleError(done.stderr.decode(errors="replace"))
    return Materialised(
        git_dir=folder,
        commit=done.stdout.decode("ascii").strip(),
        tables={name: json.loads(side[name]) for name in TABLES if name in side},
        attestations=tuple(tomllib.loads(side.get(ATTESTATIONS, "")).get("attestation", ())),
    )


def _skeleton(folder: Path) -> None:
    """What ``git init --bare`` writes, without the cost of a process."""
    for name in ("objects/pack", "refs/heads", "refs/tags"):
        (folder / name).mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")


@dataclass
class _Branch:
    """Tip of a branch: its files, and those it had when it was created, for merges."""

    mark: int = 0
    files: dict[str, str] = field(default_factory=dict)
    start: dict[str, str] = field(default_factory=dict)
    date: str = LAST_DATE


class _Script:
    """Reads an example line by line and writes the stream for ``git fast-import``."""

    def __init__(self) -> None:
        self.stream = bytearray()
        self._branches = {"main": _Branch()}
        self._current = "main"
        self._written: dict[str, list[str]] = {}
        self._deleted: set[str] = set()
        self._side: dict[str, str] = {}
        self._path = ""
        self._marks = 0

    def read(self, line: str) -> None:
        bare = line.rstrip("\n")
        if directive := _DIRECTIVE.match(bare):
            action, rest = directive.groups()
            if action == "repeat":
                self._repeat(rest)
                return
            self._path = ""
            getattr(self, "_" + action.replace("-", "_"))(*_words(rest))
        elif bare.startswith("#-- "):
            self._path = bare.removeprefix("#-- ").strip()
            self._written[self._path] = []
            self._deleted.discard(self._path)
        elif self._path:
            self._written[self._path].append(line)
        elif bare.strip():
            raise ExampleError(f"a line outside of every file: {bare!r}")

    def finish(self) -> dict[str, str]:
        """Commit what remains, end the stream and hand back the side tables."""
        self._take_side_tables()
        pending = bool(self._written or self._deleted)
        if pending or not self._branches["main"].mark:
            self._commit(LAST_DATE, LAST_SUBJECT)
        self.stream += b"get-mark :%d\ndone\n" % self._branches["main"].mark
        return self._side

    def _repeat(self, rest: str) -> None:
        count, separator, template = rest.partition("|")
        if not self._path or not separator:
            raise ExampleError(f"repeat belongs into a file and has a text: {rest!r}")
        template = template.removeprefix(" ")
        for number in range(1, int(count) + 1):
            self._written[self._path].append(_counted(template, number) + "\n")

    def _take_side_tables(self) -> None:
        for name in (*TABLES, ATTESTATIONS):
            if name in self._written:
                self._side[name] = "".join(self._written.pop(name))

    def _commit(self, date: str, subject: str, author: str = DEFAULT_AUTHOR) -> None:
        self._take_side_tables()
        branch = self._branches[self._current]
        files = dict(branch.files)
        for path in self._deleted:
            files.pop(path, None)
        files.update((path, "".join(lines)) for path, lines in self._written.items())
        self._emit(branch, files, date, subject, author)
        self._written, self._deleted = {}, set()

    def _repeat_commits(
        self, count: str, date: str, subject: str, author: str = DEFAULT_AUTHOR
    ) -> None:
        for number in range(1, int(count) + 1):
            notes = self._branches[self._current].files.get("NOTES.md", "")
            pending = self._written.get("NOTES.md", [notes])
            self._written["NOTES.md"] = [*pending, f"note {number}\n"]
            self._commit(_counted(date, number), _counted(subject, number), author)

    def _delete(self, path: str) -> None:
        self._written.pop(path, None)
        known = self._branches[self._current].files
        self._deleted |= {name for name in known if name == path or name.startswith(f"{path}/")}

    def _branch(self, name: str) -> None:
        here = self._branches[self._current]
        self._branches[name] = _Branch(here.mark, dict(here.files), dict(here.files), here.date)
        self._current = name
        if here.mark:
            self.stream += f"reset refs/heads/{name}\nfrom :{here.mark}\n\n".encode()

    def _checkout(self, name: str) -> None:
        self._take_side_tables()
        if self._written or self._deleted:
            raise ExampleError(f"commit before you check out {name}")
        self._known(name)
        self._current = name

    def _merge(self, name: str, subject: str) -> None:
        theirs, ours = self._known(name), self._branches[self._current]
        files = dict(ours.files)
        for path in theirs.start.keys() | theirs.files.keys():
            if theirs.start.get(path) != theirs.files.get(path):
                files.pop(path, None)
                if path in theirs.files:
                    files[path] = theirs.files[path]
        date = max(ours.date, theirs.date)
        self._emit(ours, files, date, subject, DEFAULT_AUTHOR, merged=theirs.mark)

    def _tag(self, name: str) -> None:
        mark = self._branches[self._current].mark
        if not mark:
            raise ExampleError(f"commit before you tag {name}")
        self.stream += f"reset refs/tags/{name}\nfrom :{mark}\n\n".encode()

    def _known(self, name: str) -> _Branch:
        if name not in self._branches:
            raise ExampleError(f"there is no branch {name}")
        return self._branches[name]

    def _emit(
        self,
        branch: _Branch,
        files: dict[str, str],
        date: str,
        subject: str,
        author: str,
        *,
        merged: int = 0,
    ) -> None:
        self._marks += 1
        person = f"{author} {_seconds(date)} +0000"
        head = f"commit refs/heads/{self._current}\nmark :{self._marks}\n"
        self.stream += f"{head}author {person}\ncommitter {person}\n".encode()
        self._data(subject + "\n")
        if branch.mark:
            self.stream += f"from :{branch.mark}\n".encode()
        if merged:
            self.stream += f"merge :{merged}\n".encode()
        # Deletions first: a file may give way to a folder of the same name.
        for path in branch.files.keys() - files.keys():
            self.stream += f"D {_quoted(path)}\n".encode()
        for path, content in files.items():
            if branch.files.get(path) != content:
                self.stream += f"M 100644 inline {_quoted(path)}\n".encode()
                self._data(content)
        self.stream += b"\n"
        branch.mark, branch.files, branch.date = self._marks, files, date

    def _data(self, text: str) -> None:
        content = text.encode()
        self.stream += b"data %d\n%s\n" % (len(content), content)


def _words(rest: str) -> list[str]:
    return [word.strip() for word in rest.split("|")]


def _counted(template: str, number: int) -> str:
    return _COUNTER.sub(lambda found: format(number, found[1] or ""), template)


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _seconds(date: str) -> int:
    """Noon of a day, or a given time of it, as seconds since the epoch in UTC."""
    moment = datetime.fromisoformat(date)
    if len(date) == len("2025-01-31"):
        moment = moment.replace(hour=12)
    return int(moment.replace(tzinfo=UTC).timestamp())
