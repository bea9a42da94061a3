"""Check of how much the service, its container and its pipelines may do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts.doctree import DocumentFact, Instruction
from checks.project.dbaddresses import addresses
from checks.project.declared import table_of, texts_of
from checks.project.layout import test_path
from checks.project.project import Project

_WORKFLOWS = ".github/workflows/"
_NO_SERVICE = re.compile(
    r"(?:^|[./_-])(?:devcontainer|tests?|testing|e2e|playwright|cypress|selenium|ci|docs?|lint"
    r"|examples?)(?:[./_-]|$)",
    re.IGNORECASE,
)
_UNPRIVILEGED = re.compile(
    r"nonroot|non-root|unprivileged|rootless|chainguard|cgr\.dev/|(?:^|/)bitnami/", re.IGNORECASE
)
_STAGE = re.compile(r"(?:--\S+\s+)*(?P<image>\S+)(?:\s+as\s+(?P<name>\S+))?\s*\Z", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{?(?P<name>\w+)(?::?-(?P<default>[^{}]*))?\}?")
_ROOT = frozenset({"root", "0"})


@check("least-privilege", each="scopes")
def least_privilege(
    project: Project,
    scope: str,
    *,
    scopes: Sequence[str] = ("database", "container", "ci"),
    superusers: Sequence[str] = (
        "postgres", "root", "sa", "admin", "sys", "system", "mysql", "dbadmin",
    ),
) -> Answer:  # fmt: skip
    """Database user, container and pipeline have the rights they need and no more.

    What an attacker takes over, he takes over with its rights.

    Instead: a user of the application with few rights, ``USER`` with another uid than 0, and
    ``permissions: contents: read`` in each workflow.

    Known problems: an image of a registry is known as unprivileged by its name only. A program
    that drops its rights after the start (gosu) is not seen. A workflow counts as restricted
    when it restricts any of its jobs. ``POSTGRES_USER`` counts where settings read it and no URL
    stands beside it.
    """
    match scope:
        case "database":
            count, found = _databases(project, superusers)
        case "container":
            count, found = _containers(project)
        case _:
            count, found = _pipelines(project)
    return Sites(count, found) if count else Skip(f"nothing to judge for {scope}")


# Databases ----------------------------------------------------------------------------------------


def _databases(project: Project, superusers: Sequence[str]) -> tuple[int, list[At]]:
    known = {name.lower() for name in superusers}
    sites = [each for each in addresses(project) if not each.scheme.startswith("sqlite")]
    sites = [each for each in sites if each.user or each.scheme]
    found = [
        At(
            each.line,
            f"`{each.name}` connects as the superuser `{each.user}`",
            path=each.path,
            weight=0.5 if each.local else 1.0,
            anchor=each.name,
        )
        for each in sites
        if each.user.lower() in known
    ]
    return len(sites), found


# Containers ---------------------------------------------------------------------------------------


def _containers(project: Project) -> tuple[int, list[At]]:
    images = {
        path: fact
        for path, fact in sorted(project.documents.items())
        if fact.kind == "dockerfile" and not test_path(path) and not _NO_SERVICE.search(path)
    }
    judged = [_container(path, fact) for path, fact in images.items() if _stages(fact)]
    return len(judged), [at for at in judged if at is not None]


def _container(path: str, fact: DocumentFact) -> At | None:
    stages = _stages(fact)
    arguments = _arguments(fact)
    named = {stage.name: stage for stage in stages if stage.name}
    stage = stages[-1]
    for _ in stages:  # a stage takes over the user of the stage that it is built on
        if stage.user is not None:
            user = _filled(stage.user.value, arguments).split(":")[0].strip("'\"").lower()
            if user not in _ROOT:
                return None
            return At(stage.user.line, "The container runs as root", path=path, anchor="USER")
        image = _filled(stage.image, arguments)
        base = named.get(image.lower())
        if base is None or base is stage:
            break
        stage = base
    if _UNPRIVILEGED.search(_filled(stage.image, arguments)):
        return None
    text = "The container runs as root: its last stage sets no `USER`"
    return At(stages[-1].line, text, path=path, anchor="USER")


class _Stage:
    """One stage: its base, its name in lower case, its line and its last ``USER``."""

    def __init__(self, instruction: Instruction) -> None:
        match = _STAGE.match(instruction.value)
        self.image = match["image"] if match else instruction.value
        self.name = (match["name"] or "").lower() if match else ""
        self.line = instruction.line
        self.user: Instruction | None = None


def _stages(fact: DocumentFact) -> list[_Stage]:
    found: list[_Stage] = []
    for each in fact.instructions:
        if each.name == "FROM":
            found.append(_Stage(each))
        elif each.name == "USER" and found:
            found[-1].user = each
    return found


def _arguments(fact: DocumentFact) -> dict[str, str]:
    """Defaults of ``ARG`` and ``ENV``."""
    found: dict[str, str] = {}
    for each in fact.instructions:
        if each.name in {"ARG", "ENV"}:
            for part in each.value.split():
                name, equals, value = part.partition("=")
                if equals:
                    found[name] = value.strip("'\"")
    return found


def _filled(text: str, arguments: Mapping[str, str]) -> str:
    for _ in range(4):
        filled = _VARIABLE.sub(
            lambda match: arguments.get(match["name"]) or match["default"] or "", text
        )
        if filled == text:
            break
        text = filled
    return text


# Pipelines ----------------------------------------------------------------------------------------


def _pipelines(project: Project) -> tuple[int, list[At]]:
    judged = [
        _pipeline(path, fact)
        for path, fact in _workflows(project)
        if set(_events(fact)) != {"workflow_call"}
    ]
    return len(judged), [at for at in judged if at is not None]


def _workflows(project: Project) -> Iterator[tuple[str, DocumentFact]]:
    for path, fact in sorted(project.documents.items()):
        is_workflow = project.real_path(path).startswith(_WORKFLOWS) and fact.kind == "yaml"
        if is_workflow and table_of(fact.data, "jobs"):
            yield path, fact


def _events(fact: DocumentFact) -> list[str]:
    given = table_of(fact.data).get("on")
    return list(given) if isinstance(given, dict) else texts_of(given)


def _pipeline(path: str, fact: DocumentFact) -> At | None:
    data = table_of(fact.data)
    holders = {"permissions": data} | {
        f"jobs.{name}.permissions": table_of(job) for name, job in table_of(data, "jobs").items()
    }
    given = {place: table["permissions"] for place, table in holders.items()
             if "permissions" in table}  # fmt: skip
    for place, value in given.items():
        if value == "write-all":
            line = fact.line_of(place)
            return At(line, "The workflow may write everything", path=path, anchor="permissions")
    if given:
        return None
    text = "The workflow does not restrict the permissions of its token"
    return At(1, text, path=path, anchor="permissions")
