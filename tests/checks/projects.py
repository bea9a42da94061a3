"""Small projects in memory, for tests of the model and of checks."""

from __future__ import annotations

from collections.abc import Mapping

from checks import rules
from checks.check import CATALOGUE
from checks.facts.store import MemoryFactStore
from checks.facts.syntax import extract
from checks.facts.tree import ENCODER
from checks.judge import answer
from checks.memorysource import MemorySource
from checks.model import Outcome
from checks.project.project import Project
from checks.reading import read_project
from checks.rules.specs import specs

STORE = MemoryFactStore()
"""Shared by all tests of a process: equal files are analysed once."""
TIME = 1_738_281_600
"""The evaluation date of projects in memory: 31 January 2025."""


def project(files: Mapping[str, str | bytes]) -> Project:
    """A project of these files, read as a review reads one."""
    return read_project(MemorySource.of(files, time=TIME), STORE).project


def parsed(files: Mapping[str, str]) -> Project:
    """A project of Python files alone, read here: no ruff, no manifests, no history."""
    source = MemorySource.of(files, time=TIME)
    facts = {path: (path, ENCODER.encode(extract(text.encode()))) for path, text in files.items()}
    return Project(source, entries=[], python=facts, documents={}, lint={})


def ask(check: str, files: Mapping[str, str], **params: object) -> Outcome:
    """What a check answers about :func:`parsed` files, under its default limits or these."""
    rules.load()
    return answer(CATALOGUE[check], parsed(files), specs()[check].merged(params))


def ask_read(check: str, files: Mapping[str, str | bytes], **params: object) -> Outcome:
    """What a check answers about a :func:`project`: with what ruff and the manifests say."""
    rules.load()
    return answer(CATALOGUE[check], project(files), specs()[check].merged(params))


def lines(outcome: Outcome) -> list[int]:
    """The lines of the findings, in order."""
    return [each.line for each in outcome.observations]
