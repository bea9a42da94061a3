"""Continuous integration: which files configure it, what they run and when."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from checks.project.ci_github import Workflows
from checks.project.ci_gitlab import Pipeline
from checks.project.ci_others import Others
from checks.project.ciruns import CiRun, Collector
from checks.project.following import Following

if TYPE_CHECKING:
    from checks.project.precommit import Hooks
    from checks.project.project import Project


class Ci:
    """Everything that CI runs for a project."""

    def __init__(self, project: Project) -> None:
        self.following = Following(project)
        collector = Collector(self.following)
        self._workflows = Workflows(project, collector)
        self._pipeline = Pipeline(project, collector)
        self._others = Others(project, collector)

    @cached_property
    def paths(self) -> list[str]:
        """Files that configure CI."""
        return [*self._workflows.files, *self._pipeline.files, *self._others.files()]

    @cached_property
    def runs(self) -> list[CiRun]:
        """Programs and actions in the order of their files."""
        return [*self._workflows.runs(), *self._pipeline.runs(), *self._others.runs()]

    @property
    def hooks(self) -> Hooks:
        """Hooks that run before a commit."""
        return self.following.hooks
