"""Workflows of GitHub as runs: events, conditions, matrices, reusable and composite parts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from checks.globs import matcher
from checks.project.ciruns import (
    DEFAULT_BRANCH,
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

FOLDER = ".github/workflows/"
_PULL = frozenset({"pull_request", "pull_request_target", "merge_group"})
_PLACEHOLDER = re.compile(r"\$\{\{\s*(matrix|env|inputs)\.([\w-]+)\s*\}\}")
_EVENT = re.compile(r"github\.event_name\s*(==|!=)\s*'([\w-]+)'")
_BRANCH = re.compile(r"github\.ref(?:_name)?\s*==\s*'(?:refs/heads/)?([\w./-]+)'")
_TAG = re.compile(r"startsWith\(\s*github\.ref\s*,\s*'refs/tags|github\.ref_type\s*==\s*'tag'")
_DEFAULT = re.compile(r"github\.ref(?:_name)?\s*==\s*.{0,40}default_branch")
_ALWAYS = re.compile(r"always\(\)|failure\(\)|!\s*cancelled\(\)")
_ASKS = re.compile(
    r"!\s*failure\(\)|needs\.[\w-]+\.result\s*==\s*'success'|contains\(\s*needs\.\*\.result"
)
_MAIN = frozenset({"main", "master", "trunk"})
_MAX_VARIANTS = 24
_MAX_DEPTH = 4


class Workflows:
    """All workflows of a project."""

    def __init__(self, project: Project, collector: Collector) -> None:
        self.project = project
        self.collector = collector
        self.files = {
            path: document
            for path, document in project.documents.items()
            if path.startswith(FOLDER) and path.count("/") == 2 and document.kind == "yaml"
        }

    def runs(self) -> Iterator[CiRun]:
        """Everything that workflows run, those that nothing starts left out."""
        for path, document in self.files.items():
            triggers = self._triggers(document)
            if triggers:
                yield from self._jobs(path, triggers, {}, 0)

    # Events ---------------------------------------------------------------------------------------

    def _triggers(self, document: DocumentFact) -> frozenset[str]:
        events = table_of(document.data).get("on")
        if not isinstance(events, dict):
            events = dict.fromkeys(texts_of(events))
        found: set[str] = set()
        for name, given in events.items():
            found |= self._event(str(name), given if isinstance(given, dict) else {})
        return frozenset(found)

    def _event(self, name: str, given: dict[str, Any]) -> set[str]:
        if name == "workflow_call":
            return set()
        if name == "workflow_run":
            return self._after(texts_of(given.get("workflows")))
        if name not in _PULL and name != "push":
            return {OTHER}
        if not self._sees_python(given):
            return set()
        if name in _PULL:
            types = texts_of(given.get("types"))
            return {OTHER} if types and not set(types) & _ON_CHANGE else {PULL_REQUEST}
        branches = texts_of(given.get("branches"))
        if not branches and "branches-ignore" not in given and "tags" in given:
            return {OTHER}
        main = not branches or any(matcher(tuple(branches))(each) for each in _MAIN)
        return {PUSH, DEFAULT_BRANCH} if main else {PUSH}

    def _after(self, names: Sequence[str]) -> set[str]:
        """What starts the workflows after which another one runs."""
        found: set[str] = {OTHER}
        for document in self.files.values():
            data = table_of(document.data)
            if data.get("name") in names and "workflow_run" not in table_of(data, "on"):
                found |= self._triggers(document)
        return found

    def _sees_python(self, given: dict[str, Any]) -> bool:
        """Whether filters on paths let a change of any Python file through."""
        only, ignored = texts_of(given.get("paths")), texts_of(given.get("paths-ignore"))
        if not only and not ignored:
            return True
        paths = [self.project.real_path(file.path) for file in self.project.analysed]
        if ignored:
            hidden = matcher(tuple(ignored))
            return any(not hidden(path) for path in paths)
        rules = [(matcher((each.lstrip("!"),)), each.startswith("!")) for each in only]
        return any(_let_through(path, rules) for path in paths)

    # Jobs and steps -------------------------------------------------------------------------------

    def _jobs(
        self,
        path: str,
        triggers: frozenset[str],
        inputs: Mapping[str, Any],
        depth: int,
        outer: Job | None = None,
    ) -> Iterator[CiRun]:
        document = self.files.get(path)
        if document is None or depth > _MAX_DEPTH:
            return
        data = table_of(document.data)
        declared = table_of(data, "on", "workflow_call", "inputs")
        given = {**_defaults(declared), **inputs}
        for name, job in table_of(data, "jobs").items():
            started = _restricted(triggers, table_of(job).get("if"))
            if isinstance(job, dict) and started:
                place = _Place(path, document, data, str(name), outer)
                yield from self._job(place, job, started, given, depth)

    def _job(
        self,
        place: _Place,
        job: dict[str, Any],
        triggers: frozenset[str],
        inputs: Mapping[str, Any],
        depth: int,
    ) -> Iterator[CiRun]:
        key = f"jobs.{place.job}"
        blocking = job.get("continue-on-error") not in {True, "true"}
        environment = job.get("environment")
        named = environment.get("name") if isinstance(environment, dict) else environment
        about = Job(
            path=place.path,
            name=f"{place.job} {job.get('name') or ''}".lower(),
            environment=str(named or "").lower(),
            line=place.document.line_of(key),
            id=place.job,
            needs=tuple(texts_of(job.get("needs"))),
            always=runs_always(job.get("if")),
            outer=place.outer,
        )
        context = Context(about, place.path, about.line, triggers, blocking)
        uses = job.get("uses")
        if isinstance(uses, str):
            given = table_of(job, "with")
            if uses.startswith("./"):
                yield from self._jobs(joined("", uses), triggers, given, depth + 1, about)
            else:
                yield from self.collector.action(uses, given, context)
            return
        values = {
            **_named("inputs", inputs),
            **_named("env", {**table_of(place.data, "env"), **table_of(job, "env")}),
            **_named("matrix", _matrix(table_of(job, "strategy").get("matrix"))),
        }
        folder = table_of(job, "defaults", "run").get("working-directory") or table_of(
            place.data, "defaults", "run"
        ).get("working-directory")
        context = msgspec.structs.replace(context, folder=joined("", str(folder or "")))
        yield from self._steps(place.document, key, job.get("steps"), context, values, 0)

    def _steps(
        self,
        document: DocumentFact,
        key: str,
        steps: object,
        context: Context,
        values: Mapping[str, Sequence[str]],
        depth: int,
    ) -> Iterator[CiRun]:
        for number, step in enumerate(steps if isinstance(steps, list) else []):
            triggers = _restricted(context.triggers, table_of(step).get("if"))
            if not isinstance(step, dict) or not triggers:
                continue
            own = {**values, **_named("env", table_of(step, "env"))}
            forgiven = step.get("continue-on-error") in {True, "true"} and not _asked_for(
                step.get("id"), steps
            )
            at = f"{key}.steps.{number}"
            inner = msgspec.structs.replace(
                context,
                line=document.line_of(at),
                triggers=triggers,
                blocking=context.blocking and not forgiven,
                step=str(step.get("name") or "").lower(),
            )
            yield from self._step(document, at, step, inner, own, depth)

    def _step(
        self,
        document: DocumentFact,
        key: str,
        step: dict[str, Any],
        context: Context,
        values: Mapping[str, Sequence[str]],
        depth: int,
    ) -> Iterator[CiRun]:
        run, uses = step.get("run"), step.get("uses")
        if isinstance(run, str) and step.get("shell") != "python":
            folder = step.get("working-directory")
            place = joined("", str(folder)) if folder else context.folder
            inner = msgspec.structs.replace(
                context, line=document.line_of(f"{key}.run"), folder=place
            )
            for text in _filled(run, values):
                yield from self.collector.script(text, inner, block=block_of(run))
        elif isinstance(uses, str):
            inner = msgspec.structs.replace(context, line=document.line_of(f"{key}.uses"))
            for inputs in _filled_inputs(table_of(step, "with"), values):
                if uses.startswith("./"):
                    yield from self._composite(uses, inputs, inner, depth)
                else:
                    yield from self.collector.action(uses, inputs, inner)

    def _composite(
        self, uses: str, inputs: dict[str, Any], context: Context, depth: int
    ) -> Iterator[CiRun]:
        folder = joined("", uses)
        for name in ("action.yml", "action.yaml"):
            document = self.project.documents.get(f"{folder}/{name}")
            if document is None or depth > _MAX_DEPTH:
                continue
            data = table_of(document.data)
            given = {**_defaults(table_of(data, "inputs")), **inputs}
            steps = table_of(data, "runs").get("steps")
            inner = msgspec.structs.replace(context, path=f"{folder}/{name}")
            values = _named("inputs", given)
            yield from self._steps(document, "runs", steps, inner, values, depth + 1)


class _Place(msgspec.Struct, frozen=True):
    """One job of one file."""

    path: str
    document: DocumentFact
    data: dict[str, Any]
    job: str
    outer: Job | None = None


_ON_CHANGE = frozenset({"opened", "synchronize", "reopened", "ready_for_review", "edited"})


def _let_through(path: str, rules: Sequence[tuple[Any, bool]]) -> bool:
    found = False
    for matches, negative in rules:
        if matches(path):
            found = not negative
    return found


def runs_always(condition: object) -> bool:
    """Whether a condition lets a job run although one that it needs has failed."""
    text = str(condition or "")
    return _ALWAYS.search(text) is not None and _ASKS.search(text) is None


def _restricted(triggers: frozenset[str], condition: object) -> frozenset[str]:
    """The triggers under which a condition can hold; what is not understood may hold."""
    if condition is None:
        return triggers
    text = str(condition).strip().removeprefix("${{").removesuffix("}}").strip()
    if text.lower() == "false":
        return frozenset()
    alternatives = [_all_of(triggers, part) for part in text.split("||")]
    return frozenset().union(*alternatives)


def _all_of(triggers: frozenset[str], text: str) -> frozenset[str]:
    found = triggers
    for part in text.split("&&"):
        if "!" in part.replace("!=", "") and "(" in part:
            continue
        for match in _EVENT.finditer(part):
            named = _NAMED_EVENTS.get(match[2], frozenset({OTHER}))
            found = found & named if match[1] == "==" else found - (named - {OTHER})
        if _TAG.search(part):
            found = found & frozenset({OTHER})
        elif branch := _BRANCH.search(part):
            found = found - {PULL_REQUEST}
            if branch[1] not in _MAIN:
                found = found - {DEFAULT_BRANCH}
        elif _DEFAULT.search(part):
            found = found - {PULL_REQUEST}
    return found


_NAMED_EVENTS = {
    "push": frozenset({PUSH, DEFAULT_BRANCH}),
    **{name: frozenset({PULL_REQUEST}) for name in _PULL},
}


def _asked_for(identifier: object, steps: object) -> bool:
    """Whether another step asks how a step ended, so that its failure is not lost."""
    if not isinstance(identifier, str) or not isinstance(steps, list):
        return False
    marks = (f"steps.{identifier}.outcome", f"steps.{identifier}.conclusion")
    return any(
        mark in str(table_of(step).get(key, ""))
        for step in steps
        for key in ("if", "run")
        for mark in marks
    )


def _defaults(declared: Mapping[str, Any]) -> dict[str, Any]:
    return {name: table_of(given).get("default") for name, given in declared.items()}


def _named(context: str, values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Possible texts by ``context.name``."""
    found: dict[str, list[str]] = {}
    for name, value in values.items():
        plain = [
            str(item)
            for item in (value if isinstance(value, list) else [value])
            if isinstance(item, (str, int, float)) and not isinstance(item, bool)
        ]
        if plain:
            found[f"{context}.{name}"] = plain[:_MAX_VARIANTS]
    return found


def _matrix(given: object) -> dict[str, list[Any]]:
    """Values of every variable of a matrix, those of ``include`` among them."""
    found: dict[str, list[Any]] = {}
    for name, values in table_of(given).items():
        if name == "include":
            for entry in values if isinstance(values, list) else []:
                for key, value in table_of(entry).items():
                    found.setdefault(key, []).append(value)
        elif name != "exclude" and isinstance(values, list):
            found.setdefault(name, []).extend(values)
    return found


def _filled(text: str, values: Mapping[str, Sequence[str]]) -> list[str]:
    """The text with its placeholders replaced, once for every combination of their values."""
    names = {f"{match[1]}.{match[2]}" for match in _PLACEHOLDER.finditer(text)}
    known = sorted(names & set(values))
    combinations = itertools.product(*(dict.fromkeys(values[name]) for name in known))
    found: list[str] = []
    for combination in itertools.islice(combinations, _MAX_VARIANTS):
        chosen = dict(zip(known, combination, strict=True))
        found.append(_PLACEHOLDER.sub(partial(_chosen, chosen), text))
    return list(dict.fromkeys(found))


def _filled_inputs(
    given: Mapping[str, Any], values: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """Inputs of an action, once for every value of the matrix that any of them takes."""
    texts = {
        name: _filled(value, values) if isinstance(value, str) else [value]
        for name, value in given.items()
    }
    turns = max((len(each) for each in texts.values()), default=1)
    return [
        {name: each[min(turn, len(each) - 1)] for name, each in texts.items()}
        for turn in range(turns)
    ]


def _chosen(values: Mapping[str, str], match: re.Match[str]) -> str:
    return values.get(f"{match[1]}.{match[2]}", match[0])
