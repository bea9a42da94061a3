"""Where a service begins: its applications of any framework, and the commands that start it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, File, Function

_WEB = {
    "Starlette": ("starlette.applications.Starlette",),
    "Flask": ("flask.Flask", "flask.app.Flask", "apiflask.APIFlask", "flask_openapi3.OpenAPI"),
    "Quart": ("quart.Quart",),
    "get_wsgi_application": ("django.core.wsgi.get_wsgi_application",),
    "get_asgi_application": ("django.core.asgi.get_asgi_application",),
}
_CELERY = ("celery.Celery", "celery.app.base.Celery")
_COMMANDS = frozenset({"dockerfile", "text", "shell", "makefile", "justfile", "ini", "toml"})


class Application(msgspec.Struct, frozen=True):
    """One application: its framework in lower case and where it is constructed."""

    kind: str
    path: str
    line: int


class Entrypoints:
    """The applications of a project and what is said on the command line; computed once."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def web(self) -> list[Application]:
        """FastAPI, Starlette, Flask, Quart and Django applications of production code."""
        found = [
            Application("fastapi", app.path, app.line)
            for app in self.project.routes.applications
            if app.call is not None and app.file.is_production
        ]
        for file in self.project.production:
            for last, names in _WEB.items():
                for call in file.calls_named(last):
                    if call.name in names:
                        kind = "django" if last.startswith("get_") else last.lower()
                        found.append(Application(kind, file.path, call.line))
        return found or self._django

    @cached_property
    def _django(self) -> list[Application]:
        """Django settings, where no WSGI or ASGI module makes the application."""
        found = []
        for file in self.project.production:
            named = {
                target.id: assign.line
                for assign in file.facts.assigns
                if assign.function < 0 and assign.cls < 0
                for target in assign.targets
                if isinstance(target, tree.Name)
            }
            if {"INSTALLED_APPS", "MIDDLEWARE"} <= named.keys():
                found.append(Application("django", file.path, named["INSTALLED_APPS"]))
        return found

    @cached_property
    def all(self) -> list[Application]:
        """Web applications, then Celery applications."""
        return self.web + [
            Application("celery", file.path, call.line)
            for file in self.project.production
            for call in file.calls_named("Celery")
            if call.name in _CELERY
        ]

    def starts_with(self, *programs: str) -> bool:
        """Whether a Dockerfile, Procfile, compose file or script starts with one of programs."""
        for path, fact in self.project.documents.items():
            if fact.kind in _COMMANDS and path.rpartition(".")[2] != "lock":
                parts = [fact.text, *(each.value for each in fact.instructions)]
                parts += [command.text for each in fact.targets for command in each.commands]
                text = "\n".join(parts)
            elif fact.kind == "yaml":
                text = str(fact.documents)
            else:
                continue
            if any(program in text for program in programs):
                return True
        return False

    # Reached code ---------------------------------------------------------------------------------

    def runs(self, call: Call) -> bool:
        """Whether a call runs at all: at module level, or in a function that something uses."""
        function = call.function
        return function is None or self._is_used(function)

    def _is_used(self, function: Function) -> bool:
        outer = function
        while outer.parent is not None:
            outer = outer.parent
        if outer.name in {"main", "__init__", "__call__", "ready"} or outer.fact.decorators:
            return True
        if self.project.calls.callers(outer) or outer in self.project.lifetimes.lifespans:
            return True
        return outer.name in self.project.lifetimes.handed or outer.fact.cls >= 0

    def calls(self, *names: str) -> list[Call]:
        """Calls that run, by their canonical names."""
        wanted = frozenset(names)
        lasts = frozenset(name.rpartition(".")[2] for name in names)
        return [
            call
            for file in self.project.production
            for call in file.calls_named(*sorted(lasts | _aliases(file, lasts)))
            if call.name in wanted and self.runs(call)
        ]

    def uses(self, *names: str) -> bool:
        """Whether production code imports or calls something of one of these last names."""
        return any(
            not wanted.isdisjoint(file.calls_by_name)
            or any(row.name in wanted for row in file.facts.imports)
            for wanted in (frozenset(names),)
            for file in self.project.production
        )


def _aliases(file: File, names: frozenset[str]) -> set[str]:
    """Under which other names a file imports some names."""
    return {row.alias for row in file.facts.imports if row.alias and row.name in names}
