"""Checks of continuous integration and of the hooks before a commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from checks.check import Answer, At, Skip, check
from checks.project.cisteps import can_fail, deploys, is_step
from checks.project.manifests import is_auxiliary
from checks.project.precommit import Hook
from checks.project.project import Project
from checks.rules.applies import has_python

_NEEDS_IMAGE = frozenset({"docker-build", "docker-push"})
_NEEDS_MIGRATIONS = frozenset({"migrate", "migrate-staging"})
_SECRETS = ("detect-secrets", "gitleaks", "trufflehog", "detect-private-key")
_MESSAGES = ("conventional", "commitizen", "gitlint", "commitlint")
_TRIGGERS = {"push": "a push", "pull_request": "a pull request"}


@check("ci-runs-step", each="steps", applies=has_python)
def ci_runs_step(
    project: Project,
    step: str,
    *,
    steps: Sequence[str] = ("test",),
    triggers: Sequence[str] = (),
    blocking: bool = True,
) -> Answer:
    """Continuous integration runs the step, and a failure of it fails the pipeline.

    What only runs on somebody's machine is forgotten on the day it would have mattered.

    Instead: add the step to the workflow, for pushes and pull requests alike.

    Known problems: actions and pipelines of other repositories are known by name only.
    """
    if (reason := _no_use(project, step)) is not None:
        return Skip(reason)
    found = [run for run in project.ci.runs if is_step(project, run, step)]
    if not found:
        path = project.ci.paths[0] if project.ci.paths else ""
        where = "No CI file runs" if path else "There is no CI file that runs"
        return At(0, f"{where} the step `{step}`", path=path, anchor=step)
    firm = [run for run in found if can_fail(run)] if blocking else found
    if not firm:
        text = f"The step `{step}` cannot fail the pipeline: its failure is ignored"
        return At(found[0].line, text, path=found[0].path, anchor=step)
    missing = [name for name in triggers if not any(name in run.triggers for run in firm)]
    if missing:
        names = " and on ".join(_TRIGGERS.get(name, name) for name in missing)
        text = f"The step `{step}` does not run on {names}"
        return At(firm[0].line, text, path=firm[0].path, anchor=step)
    return None


def _no_use(project: Project, step: str) -> str | None:
    """Why a project has no use for a step, None when it has."""
    if step in _NEEDS_IMAGE and not any(
        document.kind == "dockerfile" and not is_auxiliary(path)
        for path, document in project.documents.items()
    ):
        return "no Dockerfile"
    if step in _NEEDS_MIGRATIONS and not project.migrations:
        return "no migration file"
    if step == "smoke-test" and not deploys(project):
        return "no deployment job or target"
    return None


@check("pre-commit-hooks", each="hooks", applies=has_python)
def pre_commit_hooks(project: Project, kind: str, *, hooks: Sequence[str] = ("ruff",)) -> Answer:
    """A hook finds the fault before the commit holds it.

    What a machine finds within seconds should not wait for a reviewer.

    Instead: add the hook to .pre-commit-config.yaml.

    Known problems: whether everybody has installed the hooks cannot be seen.
    """
    found = project.ci.hooks
    if any(_HOOKS[kind](hook) for hook in found.all):
        return None
    path = found.paths[0] if found.paths else ""
    where = "is configured" if path else "is configured: there is no .pre-commit-config.yaml"
    return At(0, f"No hook of the kind `{kind}` {where}", path=path, anchor=kind)


def _runs(*programs: str) -> Callable[[Hook], bool]:
    return lambda hook: hook.on_commit and any(words[0] in programs for words in hook.programs)


def _ruff(hook: Hook) -> bool:
    return hook.on_commit and any(
        words[0] == "ruff" and "format" not in words[1:2] for words in hook.programs
    )


def _secrets(hook: Hook) -> bool:
    names = {hook.id, *(words[0] for words in hook.programs)}
    return hook.on_commit and any(name.startswith(_SECRETS) for name in names)


def _tests(hook: Hook) -> bool:
    return hook.on_commit and any(words[0] in {"pytest", "py.test"} for words in hook.programs)


def _message(hook: Hook) -> bool:
    text = " ".join((hook.id, hook.repo, *(" ".join(words[:2]) for words in hook.programs)))
    return hook.on_message and any(name in text.lower() for name in (*_MESSAGES, "cz check"))


def _conflicts(hook: Hook) -> bool:
    return hook.on_commit and hook.id == "check-merge-conflict"


_HOOKS: dict[str, Callable[[Hook], bool]] = {
    "black": _runs("black"),
    "ruff": _ruff,
    "mypy": _runs("mypy", "dmypy"),
    "secrets": _secrets,
    "tests": _tests,
    "commit-message": _message,
    "merge-conflict": _conflicts,
}
