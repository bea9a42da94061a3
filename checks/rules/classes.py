"""Checks of classes: how much one does, and whether logic stands in one."""

from __future__ import annotations

from collections.abc import Iterator

from checks.check import Answer, At, One, Sites, Skip, check
from checks.facts import tree
from checks.project.subjects import Class, File, Function

_DATA = frozenset({"schema", "settings", "orm", "orm-base", "document", "enum"})
_DATACLASSES = frozenset({"dataclasses.dataclass", "attrs.define", "attr.s", "attr.define"})
_NO_METHODS = frozenset(
    "builtins.property functools.cached_property typing.overload abc.abstractproperty "
    "pydantic.computed_field".split()
)
_COLLABORATORS = ("Service", "Repository", "Repo", "DAO", "Client", "UseCase", "Gateway")
_COLLABORATOR_NAMES = ("_service", "_repository", "_repo", "_client", "_gateway")
_ADJUSTING = frozenset(
    "functools.lru_cache functools.cache functools.wraps contextlib.contextmanager "
    "contextlib.asynccontextmanager functools.singledispatch typing.no_type_check".split()
)


@check("class-responsibility-size")
def class_responsibility_size(
    cls: Class, *, max_methods: int = 15, max_lines: int = 300, max_dependencies: int = 6
) -> One:
    """A class does one thing.

    A class of many methods or collaborators has many reasons to change.

    Instead: split the class by responsibility.

    Known problems: a collaborator is known by the name of its class or of the parameter.
    """
    if not cls.methods:
        return Skip("no method")
    methods = sum(_is_public_method(method) for method in cls.methods.values())
    if methods > max_methods:
        text = f"`{cls.name}` has {methods} public methods"
        return At(cls.line, text, measured=str(methods), limit=str(max_methods))
    lines = _lines(cls)
    if lines > max_lines:
        text = f"`{cls.name}` has {lines} lines"
        return At(cls.line, text, measured=str(lines), limit=str(max_lines))
    given = sum(1 for _ in _collaborators(cls))
    if given > max_dependencies:
        text = f"`{cls.name}` is given {given} services, repositories and clients"
        return At(cls.line, text, measured=str(given), limit=str(max_dependencies))
    return None


def _is_public_method(method: Function) -> bool:
    if method.name.startswith("_"):
        return False
    for decorator in method.fact.decorators:
        name = method.file.resolve(decorator.value, method)
        if name in _NO_METHODS or name.endswith((".setter", ".deleter")):
            return False
    return True


def _lines(cls: Class) -> int:
    """Lines of a class; of one that holds data those of its methods."""
    decorated = {cls.file.resolve(each.value) for each in cls.fact.decorators}
    if cls.file.project.classes.role(cls) in _DATA or decorated & _DATACLASSES:
        return sum(method.end_line - method.line + 1 for method in cls.methods.values())
    return cls.end_line - cls.line + 1


def _collaborators(cls: Class) -> Iterator[tree.Param]:
    """Constructor parameters that are services, repositories or clients."""
    init = cls.methods.get("__init__")
    for param in init.fact.params[1:] if init is not None else ():
        kind = cls.file.project.values.of_annotation(cls.file, param.annotation, init)
        known = kind.endswith(_COLLABORATORS)
        if known or (not kind and param.name.endswith(_COLLABORATOR_NAMES)):
            yield param


@check("logic-in-classes")
def logic_in_classes(
    file: File, *, scope: str = "services", allow_functions: bool = False
) -> Answer:
    """Logic stands in classes whose collaborators are injected.

    A class says what it needs in its constructor, and a test hands it something else.

    Instead: make the function a method of a class with one responsibility.

    Known problems: a function that a decorator of a library enters somewhere is left out.
    """
    if scope == "services" and file.layer != "services":
        return Skip("no service module")
    functions = [each for each in file.functions if _is_logic(each)]
    classes = [
        cls
        for cls in file.classes
        if cls.fact.function < 0 and any(_is_public_method(m) for m in cls.methods.values())
    ]
    if not functions and not classes:
        return At(1, "The module holds no public logic") if allow_functions else Skip("no logic")
    if allow_functions:
        return None
    found = [
        At(each.line, f"`{each.name}` is a function", symbol=each.symbol, anchor=each.name)
        for each in functions
    ]
    return Sites(len(functions) + len(classes), found)


def _is_logic(function: Function) -> bool:
    """A public top-level function that no framework asks to be one."""
    if function.parent is not None or function.cls is not None or function.name.startswith("_"):
        return False
    routes = function.file.project.routes
    if routes.of(function) is not None or function.key in routes.hooks.functions:
        return False
    if function.name == "main" or function.key in routes.functions_of_the_framework:
        return False
    names = [function.file.resolve(each.value, function) for each in function.fact.decorators]
    return all(name in _ADJUSTING for name in names)


@check("generic-base-repository")
def generic_base_repository(cls: Class) -> One:
    """Repositories share one generic base.

    What all of them do is then written and tested once.

    Instead: inherit from a generic base repository (``class UserRepository(Base[User])``).

    Known problems: a base of a library is known by its type argument or by its name.
    """
    concrete = cls.file.project.layers.concrete_repositories
    if cls not in concrete or len(concrete) < 2:
        return Skip("no concrete repository, or the only one")
    by_key = cls.file.project.classes.by_key
    for name in cls.ancestors:
        base = by_key.get(name)
        if base is None:
            if name.rpartition(".")[2].endswith(("Repository", "CRUD", "CRUDPlus", "DAO")):
                return None
        elif base.fact.typevars or base.inherits("typing.Generic"):
            return None
    text = f"`{cls.name}` does not inherit from a generic base repository"
    return At(cls.line, text, anchor=cls.name)
