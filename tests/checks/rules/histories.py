"""What a check answers about a repository with a history, written as an example is."""

from __future__ import annotations

from pathlib import Path

from checks import rules
from checks.check import CATALOGUE
from checks.gitsource import GitSource
from checks.judge import answer
from checks.model import Outcome
from checks.reading import read_project
from checks.rules.specs import specs
from tests.checks.projects import STORE
from tests.materialise import materialise


def ask_history(check: str, text: str, folder: Path, **params: object) -> Outcome:
    """The answer about the repository that a text describes, made below an empty folder."""
    rules.load()
    made = materialise(text, folder)
    project = read_project(GitSource(made.git_dir, made.commit), STORE).project
    return answer(CATALOGUE[check], project, specs()[check].merged(params))
