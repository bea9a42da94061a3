"""Pipelines of GitLab as runs: includes, ``extends``, references, rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
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

if TYPE_CHECKING:
    from checks.facts.doctree import DocumentFact
    from checks.project.project import Project

ROOT = ".gitlab-ci.yml"
_RESERVED = frozenset(
    """default include stages variables workflow image services cache before_script after_script
    spec pages""".split()
) - {"pages"}
_SCRIPTS = ("before_script", "script", "after_script")
_NEVER = frozenset({"never"})
_MAX_DEPTH = 8
_PULL = re.compile(r"merge_request|CI_MERGE_REQUEST")
_PUSHED = re.compile(r"\"push\"|'push'|CI_COMMIT_BRANCH|CI_COMMIT_REF_NAME|CI_DEFAULT_BRANCH")
_DEFAULT = re.compile(r"CI_DEFAULT_BRANCH|[\"']ma(?:in|ster)[\"']|trunk")
_OTHERS = re.compile(r"schedule|CI_COMMIT_TAG|\"web\"|\"api\"|\"trigger\"")


class Pipeline:
    """The pipeline of a project, includes of the repository read in."""

    def __init__(self, project: Project, collector: Collector) -> None:
        self.project = project
        self.collector = collector

    @cached_property
    def files(self) -> dict[str, DocumentFact]:
        """The pipeline's file and the files of the repository that it includes."""
        found: dict[str, DocumentFact] = {}
        queue = [ROOT]
        while queue:
            pattern = queue.pop(0)
            matches = matcher((pattern,))
            for path, document in self.project.documents.items():
                if path not in found and (path == pattern or matches(path)):
                    found[path] = document
                    queue.extend(local for local, _ in _includes(document.data) if local)
        return found

    @cached_property
    def _jobs(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """Jobs and templates by name, with the file they stand in."""
        return {
            str(name): (path, job)
            for path, document in self.files.items()
            for name, job in table_of(document.data).items()
            if isinstance(job, dict) and name not in _RESERVED
        }

    def runs(self) -> Iterator[CiRun]:
        """Everything that the pipeline runs."""
        root = self.files.get(ROOT)
        if root is None:
            return
        started = _rules(table_of(root.data, "workflow").get("rules"), EVERY | {OTHER})
        for _, template in _includes(root.data):
            if template:
                about = Job(ROOT, template.lower(), line=root.line_of("include"))
                context = Context(about, ROOT, about.line, started & EVERY)
                yield from self.collector.action(f"template:{template}", {}, context)
        shared = {**table_of(root.data), **table_of(root.data, "default")}
        for name, (path, _) in self._jobs.items():
            if not name.startswith("."):
                yield from self._job(name, path, shared, started)

    def _job(
        self, name: str, path: str, shared: dict[str, Any], started: frozenset[str]
    ) -> Iterator[CiRun]:
        job = self._resolved(name)
        triggers = started & _started(job)
        document = self.files[path]
        environment = job.get("environment")
        named = environment.get("name") if isinstance(environment, dict) else environment
        line = document.line_of(name)
        stage, place = str(job.get("stage") or "").lower(), str(named or "").lower()
        about = Job(
            path=path,
            name=name.lower(),
            environment=place,
            stage=stage,
            line=line,
            id=name,
            needs=_needs(job.get("needs")),
            always=job.get("when") in {"always", "on_failure"},
            manual=_is_manual(job),
            staged="needs" not in job,
        )
        if not triggers or job.get("when") in _NEVER:
            return
        blocking = job.get("allow_failure") not in {True, "true"} and "allow_failure" not in job
        blocking = blocking or job.get("allow_failure") in {False, "false"}
        for key in _SCRIPTS:
            given = job.get(key, shared.get(key) if key != "script" else None)
            for number, text in enumerate(self._lines(given)):
                at = document.line_of(f"{name}.{key}.{number}") or line
                passes = blocking and key != "after_script"
                context = Context(about, path, at, triggers, passes)
                yield from self.collector.script(text, context, block=block_of(text))

    def _resolved(self, name: str) -> dict[str, Any]:
        """A job with everything that it extends."""
        merged: dict[str, Any] = {}
        queue, seen = [name], set[str]()
        while queue and len(seen) < _MAX_DEPTH:
            current = queue.pop(0)
            if current in seen or current not in self._jobs:
                continue
            seen.add(current)
            job = self._jobs[current][1]
            merged = {**job, **merged}
            queue.extend(reversed(texts_of(job.get("extends"))))
        return merged

    def _lines(self, given: object, depth: int = 0) -> Iterator[str]:
        """Lines of a script; ``!reference [job, key]`` is read as the list it names."""
        if isinstance(given, str):
            yield given
        elif isinstance(given, list) and depth < _MAX_DEPTH:
            if len(given) == 2 and given[0] in self._jobs and given[1] in _SCRIPTS:
                yield from self._lines(self._jobs[given[0]][1].get(given[1]), depth + 1)
            else:
                for item in given:
                    yield from self._lines(item, depth + 1)


def _needs(given: object) -> tuple[str, ...] | None:
    """Names of the jobs that a job waits for; None where the stages decide."""
    if not isinstance(given, list):
        return None
    names = (each if isinstance(each, str) else table_of(each).get("job") for each in given)
    return tuple(name for name in names if isinstance(name, str))


def _is_manual(job: dict[str, Any]) -> bool:
    """Whether somebody has to start a job, under every rule that starts it at all."""
    rules = job.get("rules")
    if not isinstance(rules, list):
        return job.get("when") == "manual"
    starts = [table_of(rule).get("when", job.get("when")) for rule in rules]
    starts = [each for each in starts if each not in _NEVER]
    return bool(starts) and all(each == "manual" for each in starts)


def _includes(data: object) -> Iterator[tuple[str, str]]:
    """(path in the repository, "") or ("", name of a template of others)."""
    given = table_of(data).get("include")
    for item in given if isinstance(given, list) else [given]:
        if isinstance(item, str):
            remote = "://" in item
            yield ("", item) if remote else (item.lstrip("/"), "")
        elif isinstance(item, dict):
            for local in texts_of(item.get("local")):
                yield local.lstrip("/"), ""
            for key in ("template", "component", "remote", "file"):
                for name in texts_of(item.get(key)):
                    yield "", name


def _started(job: dict[str, Any]) -> frozenset[str]:
    """What starts a job: by default every push, which is how a merge request is judged as well."""
    rules = job.get("rules")
    if isinstance(rules, list):
        return _rules(rules, EVERY | {OTHER})
    only, hidden = job.get("only"), job.get("except")
    found = EVERY | {OTHER}
    refs = texts_of(only.get("refs") if isinstance(only, dict) else only)
    if refs:
        found = frozenset().union(*(_of_ref(ref) for ref in refs))
    for ref in texts_of(hidden.get("refs") if isinstance(hidden, dict) else hidden):
        if ref in {"merge_requests", "branches"}:
            found = found - _of_ref(ref)
    return found


def _of_ref(ref: str) -> frozenset[str]:
    if ref == "merge_requests":
        return frozenset({PULL_REQUEST})
    if ref in {"tags", "schedules", "web", "triggers", "api"}:
        return frozenset({OTHER})
    if ref in {"branches", "pushes"}:
        return EVERY
    return frozenset({PUSH, DEFAULT_BRANCH} if ref in {"main", "master"} else {PUSH})


def _rules(rules: object, otherwise: frozenset[str]) -> frozenset[str]:
    """What rules let through; conditions that are not understood let everything through."""
    if not isinstance(rules, list) or not rules:
        return otherwise
    found: set[str] = set()
    hidden: set[str] = set()
    for rule in rules:
        if isinstance(rule, str):
            continue
        named = _of_condition(str(table_of(rule).get("if", "")))
        if table_of(rule).get("when") in _NEVER:
            hidden |= named if table_of(rule).get("if") else EVERY
        else:
            found |= named - hidden
    return frozenset(found)


def _of_condition(text: str) -> set[str]:
    if not text:
        return {*EVERY, OTHER}
    found: set[str] = set()
    if _PULL.search(text):
        found.add(PULL_REQUEST)
    if _PUSHED.search(text) and "!=" not in text:
        found |= {PUSH, DEFAULT_BRANCH} if _DEFAULT.search(text) or "==" not in text else {PUSH}
    if '"push"' in text or "'push'" in text:
        found |= {PUSH, DEFAULT_BRANCH}
    if _OTHERS.search(text):
        found.add(OTHER)
    return found or {*EVERY, OTHER}
