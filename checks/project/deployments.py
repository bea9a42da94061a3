"""Which jobs of CI deploy, and what has to succeed before they do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import msgspec

from checks.project.ci_github import FOLDER, runs_always
from checks.project.ci_gitlab import ROOT
from checks.project.ciruns import CiRun, Job
from checks.project.declared import table_of, texts_of

if TYPE_CHECKING:
    from checks.project.project import Project

_NAMED = re.compile(r"(?<![a-z])(?:re)?deploy|(?<![a-z])rollout(?![a-z])")
_PLACE = re.compile(r"(?<![a-z])(?:pre-?|non-?)?(?:prod|production|staging|stage|live|uat|preprod)"
                    r"(?![a-z])")  # fmt: skip
_PRODUCTION = re.compile(r"(?<![a-z])(?<!pre)(?<!pre-)(?<!non-)(?:prod|production|live)(?![a-z])")
_OTHER_PLACE = re.compile(r"(?<![a-z])(?:staging|stage|stg|sandbox|test|dev|development|preview|qa"
                          r"|uat|demo|preprod|pre-prod|non-?prod)(?![a-z])")  # fmt: skip
_PAGES = re.compile(r"(?<![a-z])(?:gh-?|github-?)?(?:docs?|pages|documentation|storybook|site)"
                    r"(?![a-z])|pypi|gh-deploy|github-pages|cancel|undeploy|teardown")  # fmt: skip
_SCRIPT = re.compile(r"(?:[\w.-]+/)*(?:re)?deploy[\w-]*(?:\.(?:sh|py|bash))?")
_HARMLESS = frozenset(
    """echo printf cat git grep sed awk cd export mkdir cp mv rm ls test [ pytest curl wget docker
    docker-compose podman chmod jq tar zip cosign trivy""".split()
)
_COMMANDS = (
    ("helm", "upgrade"), ("kubectl", "apply"), ("kubectl", "rollout"), ("kubectl", "set"),
    ("terraform", "apply"), ("tofu", "apply"), ("ansible-playbook",), ("ecs", "update-service"),
    ("docker", "stack"), ("pulumi", "up"), ("railway", "up"), ("terragrunt", "apply"),
)  # fmt: skip
_PUBLISHING = re.compile(r"pypi-publish|twine|semantic-release|action-gh-release")
_APPROVAL = re.compile(r"manual-approval|approval|(?<![a-z])hold(?![a-z])")
_JENKINS_INPUT = re.compile(r"(?m)^\s*input\b")
_DEFAULT_STAGES = (".pre", "build", "test", "deploy", ".post")


class Deployment(msgspec.Struct, frozen=True):
    """One job that deploys.

    Attributes:
        job: The job; for a called workflow the one that calls it, where its name says so.
        runs: What it runs itself.
        before: What has to succeed before the first command that deploys.
        approved: Somebody starts it, or it waits for an approval.
    """

    job: Job
    runs: tuple[CiRun, ...]
    before: tuple[CiRun, ...]
    approved: bool

    @property
    def to_production(self) -> bool:
        """Whether its names or its commands say that it deploys to production."""
        if _OTHER_PLACE.search(self.job.text):
            return False
        said = [self.job.text]
        for run in self.runs:
            said += [run.step, " ".join(run.words)] if deploys(run) else []
        return any(_PRODUCTION.search(text.lower()) for text in said)


class Deployments:
    """All deploying jobs of a project.

    Args:
        project: The project.
    """

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def all(self) -> list[Deployment]:
        """Deploying jobs in the order of their files."""
        sites: dict[Job, list[CiRun]] = {}
        for run in self.project.ci.runs:
            for job in _chain(run.job):
                sites.setdefault(job, []).append(run)
        found = [job for job, runs in sites.items() if self._is_site(job, runs)]
        return [self._deployment(job, sites[job]) for job in found]

    def _is_site(self, job: Job, runs: Sequence[CiRun]) -> bool:
        if any(_is_named(each) for each in _chain(job)[:-1]):
            return False
        if _is_named(job):
            return not _only_publishes(runs)
        own = [run for run in runs if run.job == job]
        return any(deploys(run) for run in own) and not _PAGES.search(job.text)

    def _deployment(self, job: Job, runs: Sequence[CiRun]) -> Deployment:
        early = tuple(takewhile(lambda run: not deploys(run), runs))
        early = early if len(early) < len(runs) else ()
        jobs = [other for each in _chain(job) for other in self._needed(each)]
        named = {(each.path, each.id, each.name) for each in jobs}
        before = [
            run for run in self.project.ci.runs
            if any((each.path, each.id, each.name) in named for each in _chain(run.job))
        ]  # fmt: skip
        before += self._triggering(job, jobs)
        approved = any(self._is_approved(each) for each in (*_chain(job), *jobs)) or any(
            _APPROVAL.search(run.action) for run in (*before, *early)
        )
        return Deployment(job, tuple(runs), (*before, *early), approved)

    # What comes before ----------------------------------------------------------------------------

    @cached_property
    def _jobs(self) -> list[Job]:
        """Every job with the jobs around it, each once."""
        return list(dict.fromkeys(each for run in self.project.ci.runs for each in _chain(run.job)))

    def _needed(self, job: Job) -> list[Job]:
        """The jobs that have to succeed before a job starts, the order of stages included."""
        if job.path.startswith(FOLDER) or job.path.startswith(f"../{FOLDER}"):
            return self._closure(job, self._github_needs)
        if job.staged or job.needs is not None:
            return self._closure(job, self._staged_needs)
        place = self._jobs.index(job) if job in self._jobs else 0
        return [each for each in self._jobs[:place] if (each.path, each.id) == (job.path, job.id)]

    def _closure(self, job: Job, needs: Any) -> list[Job]:
        waiting, found = [job], dict[tuple[str, str, str], Job]()
        while waiting:
            each = waiting.pop()
            if each.always:
                continue
            for other in needs(each):
                key = (other.path, other.id, other.name)
                if key not in found:
                    found[key] = other
                    waiting.append(other)
        return list(found.values())

    def _github_needs(self, job: Job) -> Iterator[Job]:
        """Needed jobs; one that runs nothing we know of is read from its file."""
        document = self.project.documents.get(job.path)
        known = {each.id: each for each in self._jobs if each.path == job.path}
        for name in job.needs or ():
            other = table_of(document.data if document else None, "jobs", name)
            yield known.get(name) or Job(
                path=job.path,
                name=name,
                id=name,
                needs=tuple(texts_of(other.get("needs"))),
                always=runs_always(other.get("if")),
                environment=str(other.get("environment") or "").lower(),
            )

    def _staged_needs(self, job: Job) -> Iterator[Job]:
        """Jobs that are named, or those of earlier stages."""
        if job.needs is not None:
            yield from (each for each in self._jobs if each.id in job.needs)
            return
        order = self._stages
        own = order.get(job.stage or "test")
        for each in self._jobs:
            stage = order.get(each.stage or "test")
            if own is not None and stage is not None and stage < own:
                yield each

    @cached_property
    def _stages(self) -> dict[str, int]:
        document = self.project.documents.get(ROOT)
        given = texts_of(table_of(document.data if document else None).get("stages"))
        stages = [".pre", *given, ".post"] if given else _DEFAULT_STAGES
        return {name.lower(): place for place, name in enumerate(stages)}

    def _triggering(self, job: Job, needed: Sequence[Job]) -> Iterator[CiRun]:
        """What other workflows run whose success starts this one."""
        document = self.project.documents.get(job.path)
        data = table_of(document.data if document else None)
        names = texts_of(table_of(data, "on", "workflow_run").get("workflows"))
        conditions = " ".join(
            str(table_of(data, "jobs", each.id).get("if") or "") for each in (job, *needed)
        )
        if not names or not re.search(r"workflow_run\.conclusion\s*==\s*'success'", conditions):
            return
        for run in self.project.ci.runs:
            other = self.project.documents.get(_chain(run.job)[0].path)
            if other is not None and table_of(other.data).get("name") in names:
                yield run

    def _is_approved(self, job: Job) -> bool:
        """Whether somebody has to agree before a job runs, or an environment may ask for it."""
        if job.manual or _APPROVAL.search(job.name):
            return True
        document = self.project.documents.get(job.path)
        if job.path.endswith("Jenkinsfile") and document is not None:
            return bool(_JENKINS_INPUT.search(document.text))
        on_gitlab = job.path == ROOT or job.path.startswith(".gitlab/")
        if not on_gitlab and _PRODUCTION.search(job.environment):
            return True
        events = table_of(document.data if document else None).get("on")
        names = set(events) if isinstance(events, dict) else set(texts_of(events))
        return "workflow_dispatch" in names and names <= {"workflow_dispatch", "workflow_call"}


def _chain(job: Job) -> list[Job]:
    """A job and the jobs that call it, outermost first."""
    found = [job]
    while found[-1].outer is not None:
        found.append(found[-1].outer)
    return found[::-1]


def _is_named(job: Job) -> bool:
    """Whether the name or the environment of a job says that it deploys; pages are none."""
    if _PAGES.search(f"{job.path.rpartition('/')[2].lower()} {job.text}"):
        return False
    return bool(_NAMED.search(f"{job.id.lower()} {job.name}") or _PLACE.search(job.environment))


def _only_publishes(runs: Iterable[CiRun]) -> bool:
    """Whether a job puts a package into an index, and deploys nothing."""
    rows = list(runs)
    publishes = any(
        _PUBLISHING.search(run.action or run.words[0]) or run.words[1:2] == ("publish",)
        for run in rows
        if run.action or run.words
    )
    return publishes and not any(deploys(run) for run in rows)


def deploys(run: CiRun) -> bool:
    """Whether a command or an action deploys."""
    if run.action:
        name = run.action.lower()
        return "deploy" in name and not _PAGES.search(name) and "pages" not in name
    words = run.words
    if any(_holds(words, each) for each in _COMMANDS):
        return True
    if not words or words[0] in _HARMLESS or _PAGES.search(" ".join(words[:4]).lower()):
        return False
    if words[0] in {"bash", "python"}:
        return len(words) > 1 and _SCRIPT.fullmatch(words[1]) is not None
    if words[0] in {"make", "just", "task", "poe", "nox", "invoke", "fab"}:
        return any(word.startswith(("deploy", "redeploy")) for word in words[1:])
    return words[0].startswith("deploy") or "deploy" in words[1:4]


def _holds(words: Sequence[str], command: tuple[str, ...]) -> bool:
    """Whether a program is called with a subcommand, options between them left out."""
    if command == ("ecs", "update-service"):
        return list(words[:3]) == ["aws", *command]
    if tuple(words[:1]) != command[:1]:
        return False
    plain = [word for word in words[1:] if not word.startswith("-")]
    return len(command) == 1 or (command[1] in plain[:3] and "--dry-run=client" not in words)
