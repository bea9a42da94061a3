"""Which layer a production file is in: routes, services, repositories, models, schemas or none."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Class, File, Function, ImportedName

LAYERS = ("routes", "services", "repositories", "models", "schemas")
"""All layers, from the outside inwards."""
_SERVICE_FOLDERS = frozenset({"services", "service", "use_cases", "usecases"})
_REPOSITORY_FOLDERS = frozenset({"repositories", "repository", "repos", "crud", "dal", "dao"})
_REPOSITORY_SUFFIXES = ("_repository", "_repo", "_crud", "_dao")
_REPOSITORY_STEMS = frozenset({"repository", "repositories", "crud", "dao"})
_ROOT_STEMS = frozenset({"dependencies", "deps", "di", "container", "containers"})
_ROOT_FOLDERS = frozenset({"dependencies", "deps"})
_OBJECT_SESSIONS = frozenset({"object_session", "async_object_session"})
_SETTINGS = ("SET ", "RESET ", "PRAGMA ", "SELECT SET_CONFIG(")
_DATABASE_FOLDERS = frozenset({"database", "db"})


class Layers:
    """Layers of all production files; each answer is remembered."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._known: dict[str, str] = {}

    def of(self, file: File) -> str:
        """Layer of a file, "" for none."""
        known = self._known.get(file.path)
        if known is None:
            known = self._known[file.path] = self._find(file) if file.is_production else ""
        return known

    def files(self, layer: str) -> list[File]:
        """Production files of a layer."""
        return [file for file in self.project.production if self.of(file) == layer]

    @cached_property
    def present(self) -> frozenset[str]:
        """Layers that any production file is in."""
        return frozenset(map(self.of, self.project.production)) - {""}

    @cached_property
    def imports(self) -> tuple[tuple[ImportedName, File], ...]:
        """Imports of a file of one layer from a file of another, each pair of files once.

        What is imported for type checkers alone is left out.
        """
        return tuple(
            edge for file in self.project.production if self.of(file) for edge in self._into(file)
        )

    def _into(self, file: File) -> Iterator[tuple[ImportedName, File]]:
        seen: set[str] = set()
        for row in file.imports:
            if row.fact.type_checking:
                continue
            target = row.definer
            if target is None or target is file or target.path in seen:
                continue
            if self.of(target) not in {"", self.of(file)}:
                seen.add(target.path)
                yield row, target

    def is_composition_root(self, file: File) -> bool:
        """Where objects are wired: dependencies, containers, the app module, main."""
        if file.stem in _ROOT_STEMS or not _ROOT_FOLDERS.isdisjoint(file.segments):
            return True
        return file.name == "main.py" or file.path in self.project.routes.app_modules

    @cached_property
    def concrete_repositories(self) -> frozenset[Class]:
        """Repository classes that are neither an interface nor a generic base."""
        return frozenset(
            cls
            for file in self.project.production
            for cls in file.classes
            if cls.fact.function < 0
            and is_repository_class(cls)
            and not is_interface(cls)
            and not is_generic_base(cls)
        )

    @cached_property
    def has_services(self) -> bool:
        """Whether any production file is, or holds, a service."""
        return any(
            self.is_service_module(file) or any(is_service_class(cls) for cls in file.classes)
            for file in self.project.production
        )

    @cached_property
    def has_repositories(self) -> bool:
        """Whether any production file is, or holds, a repository."""
        return any(
            self.is_repository_module(file) or any(is_repository_class(c) for c in file.classes)
            for file in self.project.production
        )

    def _find(self, file: File) -> str:
        routes = file.path in self.project.routes.modules
        if self.is_composition_root(file):
            return ""
        if routes:
            return "routes"
        if file.path in self.project.routes.socket_modules:
            return ""
        data = self._data_layer(file)
        if data and self._only_data(file):
            return data
        if self.is_service_module(file) or any(is_service_class(cls) for cls in file.classes):
            return "services"
        if self.is_repository_module(file) or any(is_repository_class(c) for c in file.classes):
            return "repositories"
        return data

    def _data_layer(self, file: File) -> str:
        roles = {self.project.classes.role(cls) for cls in file.classes}
        if roles & {"orm", "document"}:
            return "models"
        return "schemas" if "schema" in roles else ""

    def _only_data(self, file: File) -> bool:
        """Only models or schemas, beside enums, constants, type aliases and exceptions."""
        allowed = {"orm", "orm-base", "document", "schema", "settings", "enum", "exception"}
        classes = self.project.classes
        tops = [cls for cls in file.classes if cls.fact.parent < 0 and cls.fact.function < 0]
        if any(classes.role(cls) not in allowed and not _is_plain_data(cls) for cls in tops):
            return False
        return not any(f.fact.cls < 0 and f.fact.parent < 0 for f in file.functions)

    def is_service_module(self, file: File) -> bool:
        """By its folder or name, unless it defines only data."""
        if not is_named_service(file) or file.path in self.project.routes.modules:
            return False
        return not self._holds_data(file)

    def _holds_data(self, file: File) -> bool:
        """Only schemas, models, enums, constants or exceptions, and at least one of them."""
        return bool(file.classes or file.facts.data_only) and self._only_data(file)

    def is_repository_module(self, file: File) -> bool:
        """By its folder or name, or below ``db/`` with a function that reads or writes rows."""
        if file.path in self.project.routes.modules:
            return False
        if not _REPOSITORY_FOLDERS.isdisjoint(file.segments):
            return True
        if file.stem.endswith(_REPOSITORY_SUFFIXES) or file.stem in _REPOSITORY_STEMS:
            return True
        if _DATABASE_FOLDERS.isdisjoint(file.segments):
            return False
        database = self.project.database
        return any(
            database.reads_rows(call) and not is_probe(call.file.facts, call.fact)
            for function in file.functions
            if not is_listener(function)
            for call in database.of_function(function)
        )

    def in_service(self, function: Function | None, file: File) -> bool:
        """Whether code stands in a service: by its module, or by its class."""
        if self.is_service_module(file):
            return True
        while function is not None:
            if function.cls is not None and is_service_class(function.cls):
                return True
            function = function.parent
        return False

    def in_repository(self, function: Function | None, file: File) -> bool:
        """Whether code stands in a repository: by its module, or by its class."""
        if self.is_repository_module(file):
            return True
        while function is not None:
            if function.cls is not None and is_repository_class(function.cls):
                return True
            function = function.parent
        return False


def is_named_service(file: File) -> bool:
    """Whether a folder or the name of a file says that services stand there."""
    pairs = zip(file.segments, file.segments[1:], strict=False)
    return (
        not _SERVICE_FOLDERS.isdisjoint(file.segments)
        or ("domain", "services") in pairs
        or file.stem.endswith("_service")
        or file.stem in {"service", "services"}
    )


def is_service_class(cls: Class) -> bool:
    """A class that its name calls a service or a use case."""
    return cls.name.endswith(("Service", "UseCase", "Usecase", "UseCases")) and _is_code(cls)


def is_repository_class(cls: Class) -> bool:
    """A class that its name calls a repository."""
    return cls.name.endswith(("Repository", "Repo", "DAO")) and _is_code(cls)


def is_listener(function: Function) -> bool:
    """Part of a model: what the mapper calls, on the session of the object it is called for."""
    if function.decorated_by("sqlalchemy.event.listens_for"):
        return True
    return any(call.last in _OBJECT_SESSIONS for call in function.calls)


def is_generic_base(cls: Class) -> bool:
    """A base for others: it has type parameters of its own, or says base in its name."""
    bases = {cls.file.resolve(base) for base in cls.fact.bases}
    return bool(cls.fact.typevars) or "typing.Generic" in bases or "Base" in cls.name


def is_interface(cls: Class) -> bool:
    """A protocol, or a class whose every method is only promised."""
    if cls.file.project.classes.role(cls) == "protocol":
        return True
    methods = [method for name, method in cls.methods.items() if name != "__init__"]
    return bool(methods) and all(
        method.fact.shape == "stub" or method.decorated_by("abc.abstractmethod")
        for method in methods
    )


def _is_code(cls: Class) -> bool:
    return cls.file.project.classes.role(cls) in {"", "protocol"}


def _is_plain_data(cls: Class) -> bool:
    """Dataclasses, typed dicts and named tuples without methods of their own."""
    if cls.inherits("typing.TypedDict", "typing.NamedTuple"):
        return True
    decorated = any(
        cls.file.resolve(each.value) in {"dataclasses.dataclass", "attrs.define", "attr.s"}
        for each in cls.fact.decorators
    )
    return decorated and not cls.methods


def is_probe(facts: tree.PyFacts, call: tree.Call) -> bool:
    """``SELECT 1`` and ``SET ...``: about the connection, reads and writes no row of ours."""
    for argument in call.args:
        for node in tree.walk(argument, facts):
            text = (tree.text_of(node) or "").strip().rstrip(";").upper()
            if text == "SELECT 1" or text.startswith(_SETTINGS):
                return True
    return False
