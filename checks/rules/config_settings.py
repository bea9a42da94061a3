"""Checks of configuration: the settings class and what it offers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from checks.check import Answer, At, Skip, check
from checks.facts import tree
from checks.project.conditions import words
from checks.project.project import Project
from checks.project.schemas import MAPPINGS, Field
from checks.project.secretnames import holds_secret
from checks.project.settings import is_environment_name
from checks.project.subjects import Class

type Aspect = Literal[
    "class", "single", "env-file", "typed", "defaults", "nested", "environments",
    "env-file-per-environment",
]  # fmt: skip

_ENTRY_POINTS = {
    "FastAPI": "fastapi.FastAPI",
    "Flask": "flask.Flask",
    "Celery": "celery.Celery",
}
_PLATFORM = re.compile(r"PATH|HOME|TZ|CI|USER|SHELL|TERM|NO_COLOR|FORCE_COLOR|PYTEST_\w+|PYTHON\w*")
_UNTYPED = frozenset({"typing.Any", "builtins.object"})
_BARE = MAPPINGS | {"builtins.list", "typing.List"}
_KINDS = frozenset(
    "dev develop development staging stage prod production live test testing local qa uat".split()
)
_ENV_FILE = re.compile(
    r"(?:^|[/\s\"'`(=])\.?env[._-](?:dev\w*|stag\w*|prod\w*|qa|uat|live)\b", re.IGNORECASE
)
_GENERIC = frozenset(
    "max min num is has use enable enabled disable allow allowed default show should no with "
    "without the first last new old app project api base total".split()
)
"""First words of names that group nothing."""


def _is_configured(project: Project) -> str | None:
    """An application is made, or a program reads the environment."""
    for file in project.production:
        for call in file.calls_named(*_ENTRY_POINTS):
            if file.resolve(call.fact.func, call.function) == _ENTRY_POINTS[call.last]:
                return None
    if project.classes.settings or project.routes.applications:
        return None
    if project.manifests.depends_on("django"):
        return "a Django project is configured by its settings module"
    programs = project.manifests.scripts or any(f.facts.main_guard[0] for f in project.analysed)
    if programs or any(path.endswith("Dockerfile") for path in project.entries):
        for file in project.production:
            if any(not _PLATFORM.fullmatch(each.name) for each in project.environment.reads(file)):
                return None
    return "no entry point of an application"


@check("settings-aspects", each="aspects", applies=_is_configured)
def settings_aspects(
    project: Project, aspect: Aspect, *, aspects: Sequence[Aspect] = ("class",), min_flat: int = 4
) -> Answer:
    """Configuration is one validated class of settings.

    Values that are read here and there have no type, no list of what is needed, and fail late.

    Instead: define one pydantic-settings class with typed fields, ``env_file``, nested groups
    and an environment field.

    Known problems: environs, dynaconf and decouple do not count as settings classes. Classes that
    inherit fields from one another count as one. Without any settings class, only the aspects that
    can be met otherwise are asked.
    """
    main = project.settings.main
    if aspect == "class":
        return None if main is not None else At(0, "There is no settings class", anchor=aspect)
    if aspect in {"env-file", "environments", "env-file-per-environment"}:
        message = _MISSING[aspect](project)
    elif main is None:
        return Skip("no settings class")
    elif aspect == "single":
        others = project.settings.independent[1:]
        return None if not others else _at(others[0], _many(main, others), aspect)
    elif aspect == "nested":
        return _nested(project, min_flat)
    elif aspect == "typed":
        field = next(filter(_is_untyped, project.settings.fields), None)
        if field is not None:
            return _at(field.cls, f"The setting `{field.name}` has no precise type", aspect)
        return None
    else:
        given = (f for f in project.settings.fields if not holds_secret(f.name))
        has_default = any(project.literals.default(f.cls, f.name) is not None for f in given)
        message = "" if has_default else "No setting has a default"
    if not message:
        return None
    return At(0, message, anchor=aspect) if main is None else _at(main, message, aspect)


def _at(cls: Class, message: str, aspect: str) -> At:
    return At(cls.line, message, path=cls.path, symbol=cls.symbol, anchor=aspect)


def _many(main: Class, others: list[Class]) -> str:
    names = ", ".join(f"`{cls.name}`" for cls in others[:5])
    return f"There are settings classes beside `{main.name}`: {names}"


def _no_env_file(project: Project) -> str:
    return "" if project.settings.env_files else "The settings name no env_file"


def _is_untyped(field: Field) -> bool:
    """Whether a field is annotated Any, object or a bare container."""
    if field.type is None:
        return True
    for member in field.cls.file.project.schemas.members(field.type):
        name = member.file.resolve(member.expr)
        if name in _UNTYPED or (name in _BARE and not isinstance(member.expr, tree.Item)):
            return True
    return False


def _nested(project: Project, min_flat: int) -> Answer:
    """The first settings class with many fields of one prefix, groups aside."""
    for cls in project.settings.tops:
        prefixes = Counter(
            field.name.lower().partition("_")[0]
            for field in project.schemas.own_fields(cls)
            if "_" in field.name.strip("_")
        )
        for prefix, count in prefixes.most_common():
            if count >= min_flat and prefix not in _GENERIC:
                message = f"{count} settings begin with `{prefix}_` and share no nested model"
                return _at(cls, message, "nested")
    return None


def _no_environments(project: Project) -> str:
    """Whether no field, class, module or file tells environments apart."""
    if project.settings.environment_fields or _variants(project) or _env_file_names(project):
        return ""
    for file in project.production:
        names = [read.name for read in project.environment.reads(file)]
        names += [
            tree.dotted(target)
            for assign in file.facts.assigns
            if assign.function < 0 and isinstance(assign.value, tree.CallRef)
            for target in assign.targets
        ]
        if any(map(is_environment_name, names)):
            return ""
    return "Nothing tells development, staging and production apart"


def _variants(project: Project) -> bool:
    """Settings classes, or modules of settings, per environment."""
    names = [name for cls in project.classes.settings for name in (cls.name, cls.file.stem)]
    return len({word for name in names for word in words(name) if word in _KINDS}) > 1


def _env_file_names(project: Project) -> bool:
    """Tracked files of environment variables that are named after an environment."""
    return any(_ENV_FILE.search(path.rpartition("/")[2]) for path in project.entries)


def _no_env_file_per_environment(project: Project) -> str:
    """Whether no file of variables is chosen by environment, tracked or mentioned."""
    for file, expr in project.settings.env_files:
        for node in tree.walk(expr, file.facts):
            if isinstance(node, (tree.Fmt, tree.Op)) or _ENV_FILE.search(tree.text_of(node) or ""):
                return ""
            name = file.resolve(node) if isinstance(node, tree.Name) else ""
            made = project.names.assignment_named(name) if name else None
            if made is not None and isinstance(made[1].value, (tree.Fmt, tree.Op)):
                return ""
    if _env_file_names(project) or any(map(_mentions, _texts(project))):
        return ""
    return "No file of environment variables is kept per environment"


def _mentions(text: str) -> bool:
    return "env" in text and _ENV_FILE.search(text) is not None


def _texts(project: Project) -> list[str]:
    """Texts of compose files, CI and READMEs, with their scripts."""
    found: list[str] = []
    for path, fact in project.documents.items():
        name = path.rpartition("/")[2].lower()
        if name.startswith("readme") or fact.kind in {"shell", "makefile", "justfile"}:
            found.append(fact.text)
            for section in fact.sections:
                found += [each.text for each in section.paragraphs]
                found += [each.text for each in section.code]
        elif fact.kind == "yaml" and (
            "compose" in name or path.startswith((".github/", ".gitlab"))
        ):
            found.append(str(fact.documents))
    return found


_MISSING = {
    "env-file": _no_env_file,
    "environments": _no_environments,
    "env-file-per-environment": _no_env_file_per_environment,
}
