"""Whatever a repository holds, every check answers: none raises, none answers differently twice."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import pytest

from checks import rules
from checks.check import CATALOGUE
from checks.facts.documents import read
from checks.facts.kinds import kind_of
from checks.facts.syntax import extract
from checks.facts.tree import ENCODER
from checks.judge import answer
from checks.memorysource import MemorySource
from checks.project.project import Project
from checks.rules.specs import areas, examples, specs
from tests.checks.projects import TIME

ROUNDS = 3
"""How many broken repositories each area is asked about."""
MOST_FILES = 40


def _files(area: str) -> list[tuple[str, str]]:
    """Path and text of every file in the examples of an area."""
    return [
        (name.strip(), body)
        for pairs in examples(area).values()
        for pair in pairs
        for text in (pair.good, pair.bad)
        for part in re.split(r"(?m)^#-- (?=[^ ]+$)", text)[1:]
        for name, _, body in [part.partition("\n")]
        if not name.startswith("/")
    ]


def _broken(files: list[tuple[str, str]], chance: random.Random) -> dict[str, str]:
    """A repository of some of the files, tokens of each lost, doubled or taken from another."""
    chosen = chance.sample(files, min(len(files), MOST_FILES))
    words = re.findall(r"\w+|[^\w\s]|\s+", "".join(text for _, text in chosen))
    found = {}
    for path, text in chosen:
        tokens = re.findall(r"\w+|[^\w\s]|\s+", text)
        for _ in range(chance.randrange(5)):
            place = chance.randrange(len(tokens) + 1)
            match chance.randrange(3):
                case 0:
                    del tokens[place : place + chance.randrange(1, 4)]
                case 1:
                    tokens.insert(place, chance.choice(words))
                case _:
                    tokens[place : place + 1] = [chance.choice(words)]
        found[path] = "".join(tokens)
    return found


def _project(files: dict[str, str]) -> Project:
    source = MemorySource.of(files, time=TIME)
    python = {
        path: (path, ENCODER.encode(extract(text.encode())))
        for path, text in files.items()
        if kind_of(path) == "python"
    }
    documents = {
        path: read(kind, text.encode())
        for path, text in files.items()
        if (kind := kind_of(path)) is not None and kind != "python"
    }
    return Project(source, entries=source.tree(), python=python, documents=documents, lint={})


def _answers(project: Project) -> Iterator[tuple[str, object]]:
    for name, check in CATALOGUE.items():
        outcome = answer(check, project, specs()[name].params)
        assert outcome.state != "unknown", f"{name}: {outcome.reason}"
        yield name, (outcome.state, outcome.sites, outcome.observations)


@pytest.mark.parametrize("area", areas())
def test_no_broken_repository_makes_a_check_raise(area: str) -> None:
    rules.load()
    chance = random.Random(area)
    files = _files(area)
    for _ in range(ROUNDS):
        broken = _broken(files, chance)
        assert dict(_answers(_project(broken))) == dict(_answers(_project(broken)))
