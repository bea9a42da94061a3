"""Small projects in memory, for tests of the model and of checks."""

from __future__ import annotations

from collections.abc import Mapping

from checks.facts.store import MemoryFactStore
from checks.memorysource import MemorySource
from checks.project.project import Project
from checks.reading import read_project

STORE = MemoryFactStore()
"""Shared by all tests of a process: equal files are analysed once."""
TIME = 1_738_281_600
"""The evaluation date of projects in memory: 31 January 2025."""


def project(files: Mapping[str, str | bytes]) -> Project:
    """A project of these files, read as a review reads one."""
    return read_project(MemorySource.of(files, time=TIME), STORE).project
