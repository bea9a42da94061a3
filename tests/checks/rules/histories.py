"""What a check answers about a repository with a history, written as an example is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from checks import rules
from checks.check import CATALOGUE
from checks.gitsource import GitSource
from checks.judge import answer
from checks.model import Outcome
from checks.reading import read_project
from checks.rules.specs import specs
from checks.source import Commit
from tests.checks.projects import STORE
from tests.materialise import materialise


def ask_history(check: str, text: str, folder: Path, **params: object) -> Outcome:
    """The answer about the repository that a text describes, made below an empty folder."""
    rules.load()
    made = materialise(text, folder)
    project = read_project(GitSource(made.git_dir, made.commit), STORE).project
    return answer(CATALOGUE[check], project, specs()[check].merged(params))


class _Edited(GitSource):
    """A history whose newest commit has other values in some fields."""

    edits: dict[str, str]

    def history(self) -> Sequence[Commit]:
        newest, *older = super().history()
        return [msgspec.structs.replace(newest, **self.edits), *older]


def ask_edited(check: str, text: str, folder: Path, **fields: str) -> Outcome:
    """The answer where the newest commit has these fields (body, committer), by default limits."""
    rules.load()
    made = materialise(text, folder)
    source = _Edited(made.git_dir, made.commit)
    source.edits = fields
    project = read_project(source, STORE).project
    return answer(CATALOGUE[check], project, specs()[check].merged({}))
