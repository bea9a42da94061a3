"""Azure, CircleCI, Bitbucket, Jenkins, Drone and Woodpecker as runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from checks.globs import matcher
from checks.project.ciruns import (
    DEFAULT_BRANCH,
    EVERY,
    OTHER,
    PULL_REQUEST,
    PUSH,
    CiRun,
    Collector,
    Context,
    Job,
    block_of,
)
from checks.project.declared import table_of, texts_of
from checks.project.following import joined

if TYPE_CHECKING:
    from checks.facts.doctree import DocumentFact
    from checks.project.project import Project

AZURE = ("azure-pipelines.yml", "azure-pipelines.yaml", ".azure-pipelines/*.yml",
         "azure-pipelines/*.yml", ".azure/pipelines/*.yml")  # fmt: skip
CIRCLE = (".circleci/config.yml",)
BITBUCKET = ("bitbucket-pipelines.yml",)
JENKINS = ("Jenkinsfile", "**/Jenkinsfile")
DRONE = (".drone.yml", ".woodpecker.yml", ".woodpecker.yaml", ".woodpecker/*.yml",
         ".woodpecker/*.yaml")  # fmt: skip
_MAX_DEPTH = 6
_PUSHES = frozenset({PUSH, DEFAULT_BRANCH})
_JENKINS = re.compile(
    r"\b(?:sh|bat|powershell)\b\s*\(?\s*(?:\[?\s*(?:\w+\s*:\s*[\w']+\s*,\s*)*script\s*:\s*)?"
    r"(?:'''(?P<a>.*?)'''|\"\"\"(?P<b>.*?)\"\"\"|'(?P<c>[^'\n]*)'|\"(?P<d>[^\"\n]*)\")",
    re.DOTALL,
)
_STAGE = re.compile(r"\bstage\s*\(?\s*['\"](?P<name>[^'\"\n]+)['\"]")
_COMMENT = re.compile(r"(?m)^\s*//.*$")


class Others:
    """Pipelines of every server but GitHub and GitLab."""

    def __init__(self, project: Project, collector: Collector) -> None:
        self.project = project
        self.collector = collector

    def files(self) -> list[str]:
        """Paths of the pipelines."""
        wanted = matcher((*AZURE, *CIRCLE, *BITBUCKET, *JENKINS, *DRONE))
        return sorted(path for path in self.project.documents if wanted(path))

    def runs(self) -> Iterator[CiRun]:
        """Everything that they run."""
        readers = ((AZURE, self._azure), (CIRCLE, self._circle), (BITBUCKET, self._bitbucket),
                   (JENKINS, self._jenkins), (DRONE, self._drone))  # fmt: skip
        for path in self.files():
            document = self.project.documents[path]
            for patterns, reader in readers:
                if matcher(patterns)(path):
                    yield from reader(path, document)

    def _script(self, text: object, context: Context, *, block: int = 0) -> Iterator[CiRun]:
        if isinstance(text, str):
            yield from self.collector.script(text, context, block=block or block_of(text))

    # Azure ----------------------------------------------------------------------------------------

    def _azure(self, path: str, document: DocumentFact) -> Iterator[CiRun]:
        data = table_of(document.data)
        triggers = set(EVERY)
        if data.get("trigger") == "none":
            triggers -= _PUSHES
        if data.get("pr") == "none":
            triggers.discard(PULL_REQUEST)
        context = Context(Job(path, ""), path, 0, frozenset(triggers) or frozenset({OTHER}))
        yield from self._azure_tree(document, data, "", context, 0)

    def _azure_tree(
        self, document: DocumentFact, data: dict[str, Any], key: str, context: Context, depth: int
    ) -> Iterator[CiRun]:
        """Stages, jobs, deployments and steps, whatever holds them."""
        if depth > _MAX_DEPTH * 2:
            return
        for kind in ("stages", "jobs", "steps"):
            items = data.get(kind)
            for number, item in enumerate(items if isinstance(items, list) else []):
                at = f"{key}.{kind}.{number}" if key else f"{kind}.{number}"
                if isinstance(item, dict) and str(item.get("condition")).lower() != "false":
                    yield from self._azure_item(document, item, at, context, depth)
        for phase in table_of(data, "strategy").values():
            for step in table_of(phase).values():
                if isinstance(step, dict):
                    yield from self._azure_tree(document, step, key, context, depth + 1)

    def _azure_item(
        self, document: DocumentFact, item: dict[str, Any], key: str, context: Context, depth: int
    ) -> Iterator[CiRun]:
        named = next((item[k] for k in ("stage", "job", "deployment") if item.get(k)), None)
        environment = item.get("environment")
        place = environment.get("name") if isinstance(environment, dict) else environment
        job = context.job
        if named is not None:
            name = f"{job.name} {named} {item.get('displayName') or ''}".strip().lower()
            where = str(place or job.environment).lower()
            job = Job(context.path, name, where, line=document.line_of(key))
        inner = Context(
            job,
            context.path,
            document.line_of(key),
            context.triggers,
            context.blocking and item.get("continueOnError") not in {True, "true"},
            str(item.get("displayName") or "").lower(),
            joined("", str(item.get("workingDirectory") or "")),
        )
        for kind in ("script", "bash", "pwsh", "powershell"):
            yield from self._script(item.get(kind), inner)
        if isinstance(item.get("task"), str):
            inputs = table_of(item, "inputs")
            yield from self.collector.action(item["task"], inputs, inner)
            yield from self._script(inputs.get("script") or inputs.get("inline"), inner)
        template = item.get("template")
        if isinstance(template, str) and depth < _MAX_DEPTH and "@" not in template:
            folder = context.path.rpartition("/")[0]
            for path in (joined(folder, template), joined("", template.lstrip("/"))):
                if path in self.project.documents:
                    other = self.project.documents[path]
                    below = Context(job, path, 0, inner.triggers, inner.blocking)
                    yield from self._azure_tree(other, table_of(other.data), "", below, depth + 1)
                    break
        yield from self._azure_tree(document, item, key, inner, depth + 1)

    # CircleCI -------------------------------------------------------------------------------------

    def _circle(self, path: str, document: DocumentFact) -> Iterator[CiRun]:
        data = table_of(document.data)
        used = _circle_jobs(table_of(data, "workflows"))
        needs, approvals = _circle_order(table_of(data, "workflows"))
        for name, job in table_of(data, "jobs").items():
            if not isinstance(job, dict) or (used and name not in used):
                continue
            key = f"jobs.{name}.steps"
            context = Context(
                Job(
                    path,
                    str(name).lower(),
                    line=document.line_of(f"jobs.{name}"),
                    id=str(name),
                    needs=tuple(sorted(needs.get(str(name), ()))),
                    manual=_waits_for(str(name), needs, approvals),
                ),
                path,
                document.line_of(key),
                EVERY,
                folder=joined("", str(job.get("working_directory") or "").removeprefix("~/repo")),
            )
            yield from self._circle_steps(document, data, job.get("steps"), key, context, 0)

    def _circle_steps(
        self,
        document: DocumentFact,
        data: dict[str, Any],
        steps: object,
        key: str,
        context: Context,
        depth: int,
    ) -> Iterator[CiRun]:
        for number, step in enumerate(steps if isinstance(steps, list) else []):
            name, given = (
                next(iter(step.items())) if isinstance(step, dict) and step else (step, None)
            )
            at = document.line_of(f"{key}.{number}.run.command") or document.line_of(
                f"{key}.{number}"
            )
            text = given.get("command") if isinstance(given, dict) else given
            title = given.get("name") if isinstance(given, dict) else ""
            inner = Context(context.job, context.path, at, context.triggers, context.blocking,
                            str(title or "").lower(), context.folder)  # fmt: skip
            if name == "run":
                yield from self._script(text, inner)
            elif name in {"when", "unless"} and isinstance(given, dict) and depth < _MAX_DEPTH:
                below = f"{key}.{number}.{name}.steps"
                yield from self._circle_steps(
                    document, data, given.get("steps"), below, context, depth + 1
                )
            elif name in table_of(data, "commands") and depth < _MAX_DEPTH:
                own = table_of(data, "commands", str(name))
                below = f"commands.{name}.steps"
                yield from self._circle_steps(
                    document, data, own.get("steps"), below, context, depth + 1
                )
            elif isinstance(name, str) and "/" in name:
                yield from self.collector.action(
                    name, given if isinstance(given, dict) else {}, inner
                )

    # Bitbucket ------------------------------------------------------------------------------------

    def _bitbucket(self, path: str, document: DocumentFact) -> Iterator[CiRun]:
        for kind, given in table_of(document.data, "pipelines").items():
            triggers = _BITBUCKET.get(str(kind), frozenset({OTHER}))
            for name, items in given.items() if isinstance(given, dict) else [("", given)]:
                found = triggers
                if kind == "branches" and not _default_branch(str(name)):
                    found = frozenset({PUSH})
                key = f"pipelines.{kind}.{name}" if name else f"pipelines.{kind}"
                context = Context(Job(path, str(name).lower()), path, 0, found)
                yield from self._bitbucket_items(document, items, key, context, 0)

    def _bitbucket_items(
        self, document: DocumentFact, items: object, key: str, context: Context, depth: int
    ) -> Iterator[CiRun]:
        if isinstance(items, dict):
            items = items.get("steps")
        for number, item in enumerate(items if isinstance(items, list) else []):
            at = f"{key}.{number}"
            for kind in ("parallel", "stage"):
                inner = table_of(item).get(kind)
                if inner is not None and depth < _MAX_DEPTH:
                    yield from self._bitbucket_items(
                        document, inner, f"{at}.{kind}", context, depth + 1
                    )
            step = table_of(item, "step")
            if not step:
                continue
            name = f"{context.job.name} {step.get('name') or ''}".strip().lower()
            job = Job(
                path=context.path,
                name=name,
                environment=str(step.get("deployment") or "").lower(),
                line=document.line_of(f"{at}.step"),
                id=key.partition(".parallel")[0].partition(".stage")[0],
                manual=step.get("trigger") == "manual",
            )
            scripts = step.get("script")
            for position, text in enumerate(scripts if isinstance(scripts, list) else []):
                line = document.line_of(f"{at}.step.script.{position}")
                yield from self._script(text, Context(job, context.path, line, context.triggers))

    # Jenkins --------------------------------------------------------------------------------------

    def _jenkins(self, path: str, document: DocumentFact) -> Iterator[CiRun]:
        text = _COMMENT.sub("", document.text)
        stages = [(match.start(), match["name"].lower()) for match in _STAGE.finditer(text)]
        for match in _JENKINS.finditer(text):
            body = next((group for group in match.group("a", "b", "c", "d") if group), "")
            stage = next((name for at, name in reversed(stages) if at < match.start()), "")
            line = text.count("\n", 0, match.start()) + 1
            context = Context(
                Job(path, stage, stage=stage, line=line), path, line, EVERY, True, stage
            )
            yield from self.collector.script(body, context)

    # Drone and Woodpecker -------------------------------------------------------------------------

    def _drone(self, path: str, document: DocumentFact) -> Iterator[CiRun]:
        for number, data in enumerate(document.documents):
            prefix = f"{number}#" if number else ""
            common = _events(table_of(data).get("trigger") or table_of(data).get("when"))
            steps = table_of(data).get("steps") or table_of(data).get("pipeline")
            items = (
                [(name, step, f"{prefix}{name}") for name, step in steps.items()]
                if isinstance(steps, dict)
                else [
                    (table_of(step).get("name"), step, f"{prefix}steps.{position}")
                    for position, step in enumerate(steps if isinstance(steps, list) else [])
                ]
            )
            for name, step, key in items:
                yield from self._drone_step(path, document, str(name or ""), step, key, common)

    def _drone_step(
        self,
        path: str,
        document: DocumentFact,
        name: str,
        step: object,
        key: str,
        common: frozenset[str],
    ) -> Iterator[CiRun]:
        table = table_of(step)
        triggers = common & _events(table.get("when"))
        if not triggers:
            return
        line = document.line_of(key)
        blocking = table.get("failure") != "ignore"
        job = Job(path, name.lower(), line=line)
        context = Context(job, path, line, triggers, blocking, name.lower())
        commands: Sequence[str] = texts_of(table.get("commands"))
        for position, text in enumerate(commands):
            at = document.line_of(f"{key}.commands.{position}") or line
            yield from self.collector.script(
                text, Context(job, path, at, triggers, blocking, name.lower())
            )
        if not commands and isinstance(table.get("image"), str):
            settings: Mapping[str, Any] = table_of(table, "settings")
            yield from self.collector.action(table["image"], settings, context)


_BITBUCKET = {"default": EVERY, "branches": _PUSHES, "pull-requests": frozenset({PULL_REQUEST})}


def _default_branch(pattern: str) -> bool:
    return any(matcher((pattern.strip("{}"),))(name) for name in ("main", "master", "trunk"))


def _circle_jobs(workflows: dict[str, Any]) -> set[str]:
    """Names of the jobs that any workflow runs."""
    found: set[str] = set()
    for workflow in workflows.values():
        jobs = table_of(workflow).get("jobs")
        for job in jobs if isinstance(jobs, list) else []:
            found.update([job] if isinstance(job, str) else [str(name) for name in table_of(job)])
    return found


def _circle_order(workflows: dict[str, Any]) -> tuple[dict[str, set[str]], set[str]]:
    """The jobs that each job requires, in any workflow, and those that are approvals."""
    needs: dict[str, set[str]] = {}
    approvals: set[str] = set()
    for workflow in workflows.values():
        jobs = table_of(workflow).get("jobs")
        for job in jobs if isinstance(jobs, list) else []:
            for name, given in table_of(job).items():
                needs.setdefault(str(name), set()).update(texts_of(table_of(given).get("requires")))
                if table_of(given).get("type") == "approval":
                    approvals.add(str(name))
    return needs, approvals


def _waits_for(name: str, needs: Mapping[str, set[str]], approvals: set[str]) -> bool:
    """Whether an approval comes before a job."""
    waiting, seen = [name], set[str]()
    while waiting:
        each = waiting.pop()
        if each not in seen:
            seen.add(each)
            waiting += needs.get(each, ())
    return not approvals.isdisjoint(seen)


def _events(when: object) -> frozenset[str]:
    """What starts a step of Drone or Woodpecker."""
    found: set[str] = set()
    for item in when if isinstance(when, list) else [when]:
        events = table_of(item).get("event")
        names = texts_of(events.get("include") if isinstance(events, dict) else events)
        if not names:
            return EVERY | {OTHER}
        for name in names:
            found |= {"push": _PUSHES, "pull_request": {PULL_REQUEST}}.get(name, {OTHER})
    return frozenset(found)
