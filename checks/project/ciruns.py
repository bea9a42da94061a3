"""What continuous integration runs, as one flat list, whatever the server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from checks.project.following import Following, Ran, joined
from checks.project.wrappers import Words

if TYPE_CHECKING:
    from checks.facts.doctree import DocumentFact

PUSH, DEFAULT_BRANCH, PULL_REQUEST, OTHER = "push", "push to default", "pull_request", "other"
EVERY = frozenset({PUSH, DEFAULT_BRANCH, PULL_REQUEST})
_SHELL_INPUTS = ("run", "command", "commands", "runCmd")
_PRE_COMMIT = frozenset({"pre-commit/action", "j178/prek-action", "tox-dev/action-pre-commit-uv"})


class Job(msgspec.Struct, frozen=True):
    """One job.

    Attributes:
        path: The file it stands in.
        name: Its id and its name for people, lower case, joined by a blank.
        environment: Name of the deployment environment, lower case; "" for none.
        stage: The stage it belongs to, lower case; "" where there are no stages.
        line: Its line.
        id: The name by which other jobs need it; for Bitbucket that of its pipeline.
        needs: Jobs that it says to wait for, None where it says nothing.
        always: It runs although what it waits for has failed.
        manual: Somebody has to start or to approve it.
        staged: It waits for all jobs of the stages before its own.
        outer: The job that calls the workflow in which this one stands.
    """

    path: str
    name: str
    environment: str = ""
    stage: str = ""
    line: int = 0
    id: str = ""
    needs: tuple[str, ...] | None = None
    always: bool = False
    manual: bool = False
    staged: bool = False
    outer: Job | None = None

    @property
    def text(self) -> str:
        """All names under which it is known."""
        return f"{self.name} {self.environment} {self.stage}"


class Context(msgspec.Struct, frozen=True):
    """Where a step stands and when it runs."""

    job: Job
    path: str
    line: int
    triggers: frozenset[str]
    blocking: bool = True
    step: str = ""
    folder: str = ""


class CiRun(msgspec.Struct, frozen=True):
    """One program or one action that CI runs.

    Attributes:
        words: Name and arguments of the program; empty for an action.
        action: Name of the action or template without version; "" for a program.
        inputs: What the action is given.
        path: The file of the step.
        line: Line of the step.
        triggers: What starts it.
        blocking: Its failure fails the job.
        job: The job it is part of.
        step: Name of the step, lower case.
    """

    words: Words
    action: str
    inputs: Mapping[str, Any]
    path: str
    line: int
    triggers: frozenset[str]
    blocking: bool
    job: Job
    step: str


class Collector:
    """Turns steps into runs, following what the repository defines."""

    def __init__(self, following: Following) -> None:
        self.following = following

    def script(self, text: str, context: Context, *, block: int = 0) -> Iterator[CiRun]:
        """Programs of a script.

        Args:
            text: Shell text.
            context: Where it stands.
            block: Lines between the line of the context and the first line of the text.
        """
        for ran in self.following.run(text, context.folder):
            yield self._ran(ran, context, block)

    def _ran(self, ran: Ran, context: Context, block: int) -> CiRun:
        return CiRun(
            words=ran.words,
            action="",
            inputs={},
            path=context.path,
            line=context.line + block + ran.offset,
            triggers=context.triggers,
            blocking=context.blocking and not ran.forgiven,
            job=context.job,
            step=context.step,
        )

    def action(self, name: str, inputs: Mapping[str, Any], context: Context) -> Iterator[CiRun]:
        """An action of others, and what it is told to run."""
        plain = name.partition("@")[0]
        yield CiRun(
            words=(),
            action=plain,
            inputs=inputs,
            path=context.path,
            line=context.line,
            triggers=context.triggers,
            blocking=context.blocking,
            job=context.job,
            step=context.step,
        )
        if text := _told(plain, inputs):
            yield from self.script(text, context)
        if plain == "docker/build-push-action":
            file, place = str(inputs.get("file") or ""), str(inputs.get("context") or ".")
            for recipe in self.following.image(joined("", file), place, context.folder):
                inner = msgspec.structs.replace(context, folder=recipe.folder)
                for ran in self.following.run(recipe.text, recipe.folder):
                    yield self._ran(msgspec.structs.replace(ran, offset=0), inner, 0)


def _told(action: str, inputs: Mapping[str, Any]) -> str:
    """Shell text that an action runs for the one who uses it."""
    if action in _PRE_COMMIT:
        return f"pre-commit run {inputs.get('extra_args') or '--all-files'}"
    for name in _SHELL_INPUTS:
        value = inputs.get(name)
        if isinstance(value, str):
            return value
    return ""


def block_of(value: str) -> int:
    """Lines between a key and the first line of its value: 1 for a block of several lines."""
    return 1 if "\n" in value.strip("\n") or value.endswith("\n") else 0


def line_of(document: DocumentFact, key: str) -> int:
    """Line of a key, 0 when it is not known."""
    return document.line_of(key)
