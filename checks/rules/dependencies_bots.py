"""Check of whether something renews dependencies without being asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from checks.check import Answer, At, check
from checks.facts.doctree import DocumentFact
from checks.facts.kinds import kind_of
from checks.project.ciruns import OTHER, CiRun
from checks.project.declared import table_of, texts_of
from checks.project.history import is_bot
from checks.project.project import Project
from checks.rules.applies import has_manifest

_ECOSYSTEMS = frozenset({"pip", "uv", "pipenv", "poetry"})
_DEPENDABOT = re.compile(r"(?:\.\./)?\.github/dependabot\.ya?ml")
_RENOVATE = re.compile(
    r"(?:\.\./)?(?:\.github/|\.gitlab/)?(?:renovate[\w-]*\.json5?|\.renovaterc(?:\.json5?)?)"
)
_OTHERS = re.compile(r"(?:\.\./)?(?:\.pyup\.ya?ml|\.snyk|\.github/updatecli[\w.-]*|updatecli/.+)")
_PYTHON_MANAGERS = frozenset(
    """pep621 pep723 pip_requirements pip-compile pip_setup pipenv poetry setup-cfg uv pixi
    pip-requirements""".split()
)
_UPGRADES = frozenset({"--upgrade", "-U", "-P", "--upgrade-package", "-u"})


@check("automated-dependency-updates", applies=has_manifest, asks_source=True)
def automated_dependency_updates(project: Project) -> Answer:
    """A bot proposes new versions of dependencies.

    What nobody has to remember is done every week.

    Instead: add .github/dependabot.yml with the ecosystem uv (or pip).

    Known problems: a bot that is configured outside the repository shows only by its commits.
    """
    documents = project.documents
    dependabot = [path for path in project.entries if _DEPENDABOT.fullmatch(path)]
    if any(path in documents and _covers_python(documents[path]) for path in dependabot):
        return None
    renovate = [path for path in project.entries if _RENOVATE.fullmatch(path)]
    if any(_renovates(documents.get(path)) for path in renovate):
        return None
    if any(_OTHERS.fullmatch(path) for path in project.entries) or _in_package_json(project):
        return None
    if any(_renews(run) and _scheduled(project, run) for run in project.ci.runs):
        return None
    if _bot_commits(project):
        return None
    path = next(iter((*dependabot, *renovate)), "")
    text = f"`{path}` covers no Python" if path else "No bot renews the dependencies"
    return At(0, text, path=path, anchor="bot")


def _covers_python(document: DocumentFact) -> bool:
    if document.error:
        return False
    updates = table_of(document.data).get("updates")
    rows = updates if isinstance(updates, list) else []
    return any(table_of(row).get("package-ecosystem") in _ECOSYSTEMS for row in rows)


def _renovates(document: DocumentFact | None) -> bool:
    """Whether a configuration of Renovate covers Python, as its presets do unless told else."""
    return document is None or bool(document.error) or _configured(table_of(document.data))


def _configured(data: dict[str, Any]) -> bool:
    if data.get("enabled") is False:
        return False
    managers = texts_of(data.get("enabledManagers"))
    return not managers or any(
        name in _PYTHON_MANAGERS or name.startswith(("custom.", "regex")) for name in managers
    )


def _in_package_json(project: Project) -> bool:
    return any(
        "renovate" in table_of(document.data) and _configured(table_of(document.data, "renovate"))
        for path, document in project.documents.items()
        if path.removeprefix("../") == "package.json"
    )


def _renews(run: CiRun) -> bool:
    """Whether a command moves locked versions up."""
    words = run.words
    if words[:2] in {("poetry", "update"), ("pdm", "update"), ("pipenv", "update"),
                     ("pur", "-r"), ("rye", "lock")}:  # fmt: skip
        return True
    upgrades = not _UPGRADES.isdisjoint(words) or any(
        word.startswith(("--upgrade=", "--upgrade-package=")) for word in words
    )
    if words[:2] in {("uv", "lock"), ("uv", "sync")} or words[:3] == ("uv", "pip", "compile"):
        return upgrades
    if words[:1] == ("pip-compile",):
        return upgrades
    return "renovate" in run.action or words[:1] == ("renovate",)


def _scheduled(project: Project, run: CiRun) -> bool:
    """Whether a schedule starts the pipeline; where that cannot be told, that it may."""
    document = project.documents.get(run.job.path)
    if document is not None and "workflows/" in run.job.path:
        events = table_of(document.data).get("on")
        return isinstance(events, dict) and "schedule" in events
    return OTHER in run.triggers


def _bot_commits(project: Project) -> bool:
    """Whether a commit of a bot changed a manifest or a lock of Python."""
    bots = {commit.oid for commit in project.history.commits if is_bot(commit)}
    return bool(bots) and any(True for _ in _touching(project, bots))


def _touching(project: Project, oids: set[str]) -> Iterator[str]:
    left = set(oids)
    for oid, changes in project.source.changes():
        if oid not in left:
            continue
        left.discard(oid)
        if _declares([change.path for change in changes]):
            yield oid
        if not left:
            return


def _declares(paths: Sequence[str]) -> bool:
    for path in paths:
        name = path.rpartition("/")[2]
        if name in {"pyproject.toml", "setup.cfg", "setup.py", "Pipfile"}:
            return True
        if kind_of(path) in {"lock", "requirements"}:
            return True
    return False
