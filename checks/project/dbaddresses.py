"""What the application connects to its database with: URLs and users in committed configuration.

Read from files of environment variables, from the application services of compose files and from
the defaults of settings. The account that makes the database server is no user of the application.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from checks.project.composefile import Variable, compose_files, compose_variables
from checks.project.declared import table_of
from checks.project.envfiles import env_files, env_variables
from checks.project.given import Given
from checks.project.layout import test_path
from checks.project.schemas import Field

if TYPE_CHECKING:
    from checks.project.project import Project

_URL = re.compile(
    r"\A(?P<scheme>(?:postgres(?:ql)?|mysql|mariadb|mssql|oracle|cockroachdb|db2|sqlite)"
    r"(?:\+\w+)*)://(?:(?P<user>[^\s/:@]*)(?::[^@\n]*)?@)?(?P<host>[^\s/:?#]*)[^?\s]*"
    r"(?P<query>\?\S*)?"
)
_USER = re.compile(
    r"(?:\w+_)?(?:postgres(?:ql)?|pg|db|database|mysql|mariadb|mssql|sql|oracle)_?_?"
    r"user(?:_?name)?|pguser"
)
_SERVERS = re.compile(
    r"(?:.*/)?(?:postgres|postgis|postgresql|mysql|mariadb|timescaledb|pgvector|mssql|percona"
    r"|cockroach|pgadmin4?|adminer|phpmyadmin|server|oracle|edge-sql|azure-sql)(?:[:@-].*)?\Z"
)
_LOCAL = re.compile(r"(?:^|[._-])(?:dev|devel|development|local|test|tests|testing|ci|override)"
                    r"(?:[._-]|$)")  # fmt: skip
_REFERENCE = re.compile(r"\$\{?(?P<name>\w+)(?::?[-=](?P<default>[^${}]*))?[^{}]*\}?")
_OF_SERVER = frozenset({"postgres_user", "mysql_user", "mariadb_user", "sa_user"})


class Address(msgspec.Struct, frozen=True):
    """A database URL, or a user of one, that a file gives.

    Attributes:
        path: The file.
        line: Its line there.
        name: Variable or field.
        user: The user, "" where it cannot be known.
        scheme: Scheme of a URL, "" for a user that stands alone.
        host: Host of a URL.
        query: What follows its question mark.
        local: The file is meant for development or tests.
    """

    path: str
    line: int
    name: str
    user: str
    scheme: str = ""
    host: str = ""
    query: str = ""
    local: bool = False


def addresses(project: Project) -> list[Address]:
    """All of them, by path and line; the files of tests left out."""
    found = [*_in_env_files(project), *_in_compose_files(project), *_in_settings(project)]
    return sorted(found, key=lambda each: (each.path, each.line))


def parsed_url(text: str) -> re.Match[str] | None:
    """A database URL in its parts: scheme, user, host, query."""
    return _URL.match(text.strip().strip("'\""))


def is_local(path: str) -> bool:
    """Whether a file is meant for development or tests, by its name."""
    return test_path(path) or _LOCAL.search(path.lower()) is not None


def _in_env_files(project: Project) -> Iterator[Address]:
    wanted = _settings_names(project)
    for path in env_files(project):
        if not test_path(path):
            yield from _of(list(env_variables(path, project.documents[path].text)), wanted)


def _in_compose_files(project: Project) -> Iterator[Address]:
    for path, fact in compose_files(project).items():
        if test_path(path):
            continue
        starts = sorted(
            (fact.lines.get(f"services.{name}", 0), _is_server(table))
            for name, table in table_of(fact.data, "services").items()
        )
        rows = [row for row in compose_variables(path, fact) if not _of_server(starts, row.line)]
        yield from _of(rows, None)


def _of_server(starts: Sequence[tuple[int, bool]], line: int) -> bool:
    """Whether the service that a line belongs to is a database server."""
    place = bisect_right(starts, (line, True)) - 1
    return place >= 0 and starts[place][1]


def _is_server(table: Any) -> bool:
    image = table_of(table).get("image")
    return isinstance(image, str) and _SERVERS.match(image.lower()) is not None


def _of(rows: list[Variable], wanted: frozenset[str] | None) -> Iterator[Address]:
    """Addresses among variables; ``wanted`` names those that the application reads, None all."""
    values = {row.name: row.value or "" for row in rows}
    has_url = any(parsed_url(row.value or "") for row in rows)
    for row in rows:
        local = is_local(row.path)
        name = row.name.lower()
        url = parsed_url(row.value or "")
        if url is not None:
            yield Address(
                row.path, row.line, row.name, _filled(url["user"] or "", values), url["scheme"],
                url["host"] or "", url["query"] or "", local,
            )  # fmt: skip
        elif _USER.fullmatch(name) and row.value:
            of_server = name in _OF_SERVER and (wanted is None or name not in wanted or has_url)
            if not of_server:
                user = _filled(row.value, values)
                yield Address(row.path, row.line, row.name, user, local=local)


def _filled(text: str, values: dict[str, str]) -> str:
    """A user with references to other variables of the file resolved, "" if one is unknown."""
    reference = _REFERENCE.fullmatch(text)
    if reference is None:
        return "" if "$" in text or "{" in text or "<" in text else text
    known = values.get(reference["name"]) or reference["default"] or ""
    return "" if "$" in known else known


def _settings_names(project: Project) -> frozenset[str]:
    """Names that settings and code read, in lower case."""
    fields = {field.name.lower() for field in project.settings.fields}
    reads = {
        name.lower()
        for file in project.production
        for _, name, _ in project.environment.defaults(file)
        if name
    }
    return frozenset(fields | reads)


def _in_settings(project: Project) -> Iterator[Address]:
    for field in project.settings.fields:
        value = _default(field)
        if value is None:
            continue
        path, local = field.cls.path, is_local(field.cls.path)
        url = parsed_url(value)
        if url is not None:
            user = url["user"] or ""
            yield Address(
                path, field.line, field.name, user if "{" not in user else "", url["scheme"],
                url["host"] or "", url["query"] or "", local,
            )  # fmt: skip
        elif _USER.fullmatch(field.name.lower()) and value:
            yield Address(path, field.line, field.name, value, local=local)


def _default(field: Field) -> str | None:
    """The text that a settings field has by default."""
    default = field.cls.file.project.literals.default(field.cls, field.name)
    if default is None and field.default is not None:
        default = Given(field.cls.file, field.default)
    return None if default is None else default.text
