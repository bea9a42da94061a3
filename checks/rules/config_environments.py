"""Checks of configuration: no environment reaches into another one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, Literal

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.composefile import Variable, compose_files, compose_variables
from checks.project.conditions import words
from checks.project.envfiles import env_files, env_variables
from checks.project.project import Project
from checks.project.secretnames import holds_address

type Rule = Literal["no-production-hosts", "distinct-databases"]

_ENVIRONMENTS = {
    **dict.fromkeys(("dev", "develop", "development", "local"), "development"),
    **dict.fromkeys(("test", "testing", "tests", "ci"), "test"),
    **dict.fromkeys(("stage", "staging", "stg", "uat", "qa", "preprod"), "staging"),
    **dict.fromkeys(("prod", "production", "live", "prd"), "production"),
}
_PRODUCTION = re.compile(r"(?<![a-z0-9])(?:prod|production|live)(?![a-z0-9])", re.IGNORECASE)
_UNKNOWN = re.compile(r"\$\{?\w|\{\{|\$\(|<[\w -]+>")
_PLACE = re.compile(
    r".*(?:url|uri|host|hostname|dsn|endpoint|server|servers|broker|address|addr|database|db"
    r"|dbname|db_name|secret_(?:name|id|arn|ref|path)|vault|bucket|connection|cluster|domain)",
    re.IGNORECASE,
)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s]+", re.IGNORECASE)
_HOST = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z]{2,}(?::\d+)?(?:/\S*)?", re.IGNORECASE)
_DATABASE = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:[^\s/@]*@)?([^\s/?#:]+)(?::\d+)?/([^\s/?#]+)", re.IGNORECASE
)
_DB_HOST = re.compile(
    r"(?:\w+_)?(?:db|database|postgres|postgresql|pg|mysql)_?(?:host|server|hostname)|pghost"
)
_DB_NAME = re.compile(
    r"(?:\w+_)?(?:db|database|postgres|postgresql|pg|mysql)_?(?:name|db|database)|pgdatabase"
)


class Setup(msgspec.Struct, frozen=True):
    """What one file, or one settings class, configures of one environment.

    Attributes:
        path: The file.
        environment: The environment, "" where the file does not say.
        values: Its values that are written down.
    """

    path: str
    environment: str
    values: tuple[Variable, ...]


@check("environments-isolated", each="rules")
def environments_isolated(
    project: Project,
    rule: Rule,
    *,
    rules: Sequence[Rule] = ("no-production-hosts", "distinct-databases"),
) -> Answer:
    """No environment uses hosts, databases or secrets of another one.

    A test that runs against production deletes what nobody wanted to delete.

    Instead: give each environment its own database and credentials.

    Known problems: Terraform is not read, and values that are put together from variables are
    unknown. A file whose name says no environment is taken for one of development when it is
    a compose file or a template of ``.env``.
    """
    setups = [setup for setup in _setups(project) if setup.values]
    if rule == "no-production-hosts":
        developing = [s for s in setups if s.environment in {"development", "test"}]
        judged = [s for s in developing if any(map(_is_place, s.values))]
        places = (next(_reaching(setup), None) for setup in judged)
        found = [at for at in places if at is not None]
        return Sites(len(judged), found) if judged else Skip("no development configuration")
    by_environment: dict[str, dict[tuple[str, str], Variable]] = {}
    for setup in setups:
        databases = _databases(setup)
        if databases and setup.environment:
            by_environment.setdefault(setup.environment, {}).update(databases)
    pairs = list(combinations(sorted(by_environment), 2))
    shared = [_shared(one, other, by_environment) for one, other in pairs]
    return Sites(len(pairs), [at for at in shared if at]) if pairs else Skip("one environment")


def _reaching(setup: Setup) -> Iterator[At]:
    """Values of a development configuration that name production."""
    for each in setup.values:
        if each.value and _names_production(each.name, each.value):
            message = f"`{each.name}` of the {setup.environment} configuration names production"
            yield At(each.line, message, path=setup.path, anchor=each.name)


def _is_place(each: Variable) -> bool:
    """Whether a value that is written down names a host, a database or a secret."""
    value = each.value or ""
    known = bool(value) and not _UNKNOWN.search(value)
    return known and (bool(_URL.match(value)) or _PLACE.fullmatch(each.name) is not None)


def _names_production(name: str, value: str) -> bool:
    if _UNKNOWN.search(value) or not _PRODUCTION.search(value):
        return False
    if _URL.match(value) or _HOST.fullmatch(value):
        return True
    return _PLACE.fullmatch(name) is not None and " " not in value


def _shared(
    one: str, other: str, databases: dict[str, dict[tuple[str, str], Variable]]
) -> At | None:
    """The first database that two environments have in common."""
    for place in databases[one]:
        if place in databases[other]:
            each = databases[other][place]
            message = f"{one} and {other} share the database `{place[1]}` on `{place[0]}`"
            return At(each.line, message, path=each.path, anchor=f"{one} {other}")
    return None


def _databases(setup: Setup) -> dict[tuple[str, str], Variable]:
    """Host and name of the databases that a configuration names, with where."""
    found: dict[tuple[str, str], Variable] = {}
    host: Variable | None = None
    name: Variable | None = None
    for each in setup.values:
        value, key = each.value or "", each.name.lower()
        if not value or _UNKNOWN.search(value):
            continue
        url = _DATABASE.match(value) if holds_address(each.name) else None
        if url is not None and not re.match(r"redis|amqp|sqlite|http", value):
            found.setdefault((url[1].lower(), url[2]), each)
        host = each if _DB_HOST.fullmatch(key) else host
        name = each if _DB_NAME.fullmatch(key) else name
    if host is not None and name is not None:
        found.setdefault(((host.value or "").lower(), name.value or ""), name)
    return found


# Configurations -----------------------------------------------------------------------------------


def _setups(project: Project) -> Iterator[Setup]:
    for path in env_files(project):
        values = tuple(env_variables(path, project.documents[path].text))
        yield Setup(path, _environment(path) or "development", values)
    for path, fact in compose_files(project).items():
        environment = _environment(path)
        yield Setup(path, environment or "development", tuple(compose_variables(path, fact)))
    for path, fact in project.documents.items():
        if fact.kind == "yaml" and re.search(r"(?:^|/)values[^/]*\.ya?ml$", path):
            yield Setup(path, _environment(path), tuple(_flat(path, fact.documents, fact.lines)))
    for cls in project.classes.settings:
        environment = _of_words(words(cls.name)) or _of_words(words(cls.file.stem))
        if environment:
            yield Setup(cls.path, environment, tuple(_defaults(project, cls.key)))


def _environment(path: str) -> str:
    """The environment that the name of a file, or of a folder around it, says."""
    for part in reversed(path.split("/")):
        found = _of_words(words(part))
        if found:
            return found
    return ""


def _of_words(parts: list[str]) -> str:
    named = {_ENVIRONMENTS[part] for part in parts if part in _ENVIRONMENTS}
    return named.pop() if len(named) == 1 else ""


def _flat(path: str, documents: Sequence[Any], lines: dict[str, int]) -> Iterator[Variable]:
    """The texts of a YAML file, each under its last key."""
    stack: list[tuple[str, Any]] = [("", documents[0])] if documents else []
    while stack:
        place, value = stack.pop()
        inner: list[tuple[str, Any]] = []
        if isinstance(value, dict):
            inner = [(f"{place}.{key}".lstrip("."), each) for key, each in value.items()]
        elif isinstance(value, list):
            inner = [(f"{place}.{number}", each) for number, each in enumerate(value)]
        elif isinstance(value, str):
            yield Variable(path, lines.get(place, 0), place.rpartition(".")[2], value)
        stack += reversed(inner)


def _defaults(project: Project, key: str) -> Iterator[Variable]:
    """Literal defaults of the fields of a settings class."""
    cls = project.classes.by_key[key]
    for field in project.schemas.own_fields(cls):
        given = project.literals.default(cls, field.name)
        text = None if given is None else tree.text_of(given.expr)
        if text:
            yield Variable(cls.path, field.line, field.name, text)
