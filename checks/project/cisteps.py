"""Which step of a delivery pipeline a program or an action is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from checks.project.ciruns import DEFAULT_BRANCH, CiRun
from checks.project.declared import table_of, texts_of
from checks.project.wrappers import Words

if TYPE_CHECKING:
    from checks.project.project import Project

_STAGING = re.compile(r"(?<![a-z])(?:staging|stage|stg)(?![a-z])")
_SMOKE = re.compile(r"(?<![a-z])smoke(?![a-z])")
_DEPLOY = re.compile(r"(?<![a-z])(?:deploy\w*|rollout|release|cd)(?![a-z])")
_DEPLOYMENT = re.compile(r"(?<![a-z])(?:deploy\w*|rollout)(?![a-z])", re.IGNORECASE)
_PAGES = re.compile(r"docs?(?![a-z])|pages|documentation|storybook", re.IGNORECASE)
_HEALTH = re.compile(r"/(?:health|healthz|healthcheck|ready|readyz|live|livez|ping|status)\b")
_NO_FAILURE = frozenset({"--exit-zero", "--continue-on-error"})
_HELP = frozenset({"--version", "-V", "--help", "-h"})
_TEMPLATES = {"sast": "sast", "dependency-audit": "dependency[-_]scanning",
              "license-check": "license[-_]scanning"}  # fmt: skip
_ACTIONS: dict[str, str] = {
    "test": r"(?:^|[/._-])pytest(?:[/._-]|$)",
    "lint": r"ruff-action|(?:^|[/._-])(?:flake8|pylint|super-linter|megalinter)",
    "format": r"^psf/black|(?:^|[/._-])black(?:[/._-]|$)",
    "typecheck": r"(?:^|[/._-])mypy",
    "coverage": r"python-coverage-comment|pytest-cov",
    "dependency-audit": r"pip-audit|osv-scanner|trivy|dependency-review|(?:^|/)safety",
    "sast": r"CodeQL3000Finalize|semgrep|bandit",
    "license-check": r"fossa|liccheck|licensecheck|pip-licenses",
    "docker-build": r"/(?:build-push|bake)-action|kaniko|buildah|^Docker$|plugins/docker"
    r"|plugin-docker|container-build",
    "docker-push": r"kaniko|plugins/docker|plugin-docker|push-to-registry",
}
_ACTION_PATTERNS = {name: re.compile(text, re.IGNORECASE) for name, text in _ACTIONS.items()}
_SETUP = re.compile(r"(?:^|/)(?:setup|install|cache)-")


def is_step(project: Project, run: CiRun, step: str) -> bool:
    """Whether a run is this step."""
    if run.words and not set(run.words) & _HELP and _BY_WORDS[step](project, run.words):
        return True
    if run.action and _is_action(project, run, step):
        return True
    by_place = _BY_PLACE.get(step)
    return by_place is not None and by_place(run)


def deploys(project: Project) -> bool:
    """Whether a job of CI, or a target of a Makefile, deploys the service; pages are none."""
    names = {f"{run.path.rpartition('/')[2]} {run.job.text}" for run in project.ci.runs}
    names |= {target.name for document in project.documents.values() for target in document.targets}
    return any(_DEPLOYMENT.search(name) and not _PAGES.search(name) for name in names)


def can_fail(run: CiRun) -> bool:
    """Whether a fault that the run finds fails the pipeline."""
    return run.blocking and not set(run.words) & _NO_FAILURE


# Actions ------------------------------------------------------------------------------------------


def _is_action(project: Project, run: CiRun, step: str) -> bool:
    name = run.action
    if name.startswith("template:"):
        template = _TEMPLATES.get(step)
        return template is not None and re.search(template, name, re.IGNORECASE) is not None
    if _SETUP.search(name):
        return False
    if step in {"lint", "format"} and "ruff-action" in name:
        args = str(run.inputs.get("args") or "check").split()
        return _ruff(("ruff", *args), "format" if step == "format" else "check")
    if step == "license-check" and "dependency-review" in name:
        return any("licenses" in str(key) for key in run.inputs) or "config-file" in run.inputs
    if step == "sast" and name.endswith("codeql-action/analyze"):
        return _analyses_python(project, run)
    if step == "docker-push" and name.endswith(("/build-push-action", "/bake-action")):
        return _pushes(run)
    pattern = _ACTION_PATTERNS.get(step)
    return pattern is not None and pattern.search(name) is not None


def _analyses_python(project: Project, run: CiRun) -> bool:
    """Whether CodeQL, which is told its languages by an earlier step of the job, reads Python."""
    told = [
        str(each.inputs.get("languages") or "python")
        for each in project.ci.runs
        if each.job == run.job and each.action.endswith("codeql-action/init")
    ]
    return not told or any("python" in each or "${{" in each for each in told)


def _pushes(run: CiRun) -> bool:
    value = run.inputs.get("push")
    return (value is not None and str(value).lower() != "false") or "push=true" in str(
        run.inputs.get("outputs")
    )


# Programs -----------------------------------------------------------------------------------------


def _program(*names: str) -> Callable[[Project, Words], bool]:
    return lambda project, words: words[0] in names


def _test(project: Project, words: Words) -> bool:
    if words[0] in {"pytest", "py.test", "unittest", "trial"}:
        return "--collect-only" not in words
    return _manages(words, "test")


def _manages(words: Words, *commands: str) -> bool:
    """``python manage.py COMMAND``."""
    managed = words[0] == "python" and len(words) > 2 and words[1].endswith("manage.py")
    return managed and words[2] in commands


def _ruff(words: Words, command: str) -> bool:
    if words[0] != "ruff":
        return False
    given = next((word for word in words[1:] if not word.startswith("-")), "check")
    return (given if given in _RUFF else "check") == command


_RUFF = frozenset("check format clean rule config linter server analyze version help".split())


def _lint(project: Project, words: Words) -> bool:
    return words[0] in {"flake8", "pylint"} or _ruff(words, "check")


def _format(project: Project, words: Words) -> bool:
    return words[0] in {"black", "blackd"} or _ruff(words, "format")


def _coverage(project: Project, words: Words) -> bool:
    if words[0] == "coverage":
        return True
    if words[0] not in {"pytest", "py.test"}:
        return False
    if any(word == "--no-cov" for word in words):
        return False
    return any(word.startswith("--cov") for word in words) or project.tools.pytest_measures


def _audit(project: Project, words: Words) -> bool:
    if words[0] in {"pip-audit", "pip_audit", "osv-scanner", "trivy"}:
        return True
    if words[0] == "safety":
        return words[1:2] != ("generate",)
    return words[:2] == ("uv", "audit")


def _sast(project: Project, words: Words) -> bool:
    if words[0] in {"bandit", "semgrep", "opengrep", "codeql"}:
        return True
    return _ruff(words, "check") and (_selects_security(words) or project.tools.ruff_security)


def _selects_security(words: Sequence[str]) -> bool:
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in {"--select", "--extend-select"}:
            codes = value if equals else " ".join(words[index + 1 : index + 2])
            if selects_security(codes.split(",")):
                return True
    return False


def selects_security(codes: Sequence[str]) -> bool:
    """Whether codes of ruff select the rules of bandit."""
    return any(code.strip() in {"ALL", "S"} for code in codes)


def _licenses(project: Project, words: Words) -> bool:
    return words[0] in {"pip-licenses", "piplicenses", "liccheck", "licensecheck", "fossa"}


def _image(words: Words, *commands: str) -> bool:
    """A docker command among these, through buildx and compose as well."""
    if words[0] not in {"docker", "podman", "docker-compose", "nerdctl"}:
        return False
    plain = [word for word in words[1:] if not word.startswith("-")][:4]
    return any(command in plain[:3] for command in commands)


def _docker_build(project: Project, words: Words) -> bool:
    if _image(words, "build", "bake") or (_image(words, "up") and "--build" in words):
        return True
    return (
        words[:3] == ("gcloud", "builds", "submit")
        or words[:3] == ("az", "acr", "build")
        or (words[0] in {"buildah", "executor", "kaniko"})
    )


def _docker_push(project: Project, words: Words) -> bool:
    if _image(words, "push") or (_image(words, "build", "bake") and "--push" in words):
        return True
    return (
        words[:3] == ("gcloud", "builds", "submit")
        or words[:3] == ("az", "acr", "build")
        or (words[0] in {"executor", "kaniko"} or words[:2] == ("buildah", "push"))
    )


def _upgrades(words: Words) -> bool:
    if words[0] in {"alembic", "aerich"}:
        return "upgrade" in words[1:]
    return words[:3] == ("flask", "db", "upgrade") or _manages(words, "migrate")


def _migrate(project: Project, words: Words) -> bool:
    return _upgrades(words)


def _never(project: Project, words: Words) -> bool:
    return False


_BY_WORDS: dict[str, Callable[[Project, Words], bool]] = {
    "test": _test,
    "lint": _lint,
    "format": _format,
    "typecheck": _program("mypy", "dmypy"),
    "coverage": _coverage,
    "dependency-audit": _audit,
    "sast": _sast,
    "license-check": _licenses,
    "docker-build": _docker_build,
    "docker-push": _docker_push,
    "deploy-staging": _never,
    "migrate": _migrate,
    "migrate-staging": _never,
    "smoke-test": _never,
}


# Steps known by their place -----------------------------------------------------------------------


def _deploys_to_staging(run: CiRun) -> bool:
    return bool(_STAGING.search(run.job.text)) and DEFAULT_BRANCH in run.triggers


def _migrates_staging(run: CiRun) -> bool:
    migrates = bool(run.words) and _upgrades(run.words)
    return migrates and bool(_STAGING.search(f"{run.job.text} {run.step}"))


def _smokes(run: CiRun) -> bool:
    if _SMOKE.search(f"{run.job.text} {run.step}"):
        return True
    if not run.words or run.words[0] not in {"curl", "wget", "http", "https"}:
        return False
    probes = any(_HEALTH.search(word) for word in run.words[1:])
    return probes and bool(_DEPLOY.search(f"{run.job.text} {run.step}"))


_BY_PLACE: dict[str, Callable[[CiRun], bool]] = {
    "deploy-staging": _deploys_to_staging,
    "migrate-staging": _migrates_staging,
    "smoke-test": _smokes,
}


def ruff_codes(data: object, *keys: str) -> list[str]:
    """Codes that settings of ruff name, in their present and their older place."""
    found: list[str] = []
    for table in (table_of(data), table_of(data, "lint")):
        for key in keys:
            found.extend(texts_of(table.get(key)))
    return found
