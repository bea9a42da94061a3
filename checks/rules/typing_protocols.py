"""Checks of types: duck typing that says which methods it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.project import Project
from checks.project.subjects import Call, Class, File, Function
from checks.rules.applies import has_python
from checks.rules.typing import written_annotations

_ANYTHING = frozenset({"typing.Any", "builtins.object"})
_NO_DUCKS = re.compile(
    r"(?:.*_)?(?:module|mod|settings|config|conf|enum|request|req|cls|klass|type|state)(?:_.*)?\Z"
)
"""Parameters whose attributes are looked up by name with good reason."""
_ABSTRACT = frozenset(
    f"abc.abstract{kind}" for kind in ("method", "property", "classmethod", "staticmethod")
)


@check("protocol-for-duck-typing", applies=has_python)
def protocol_for_duck_typing(project: Project) -> Answer:
    """What is asked of an object stands in a Protocol.

    A probe by name hides from the type checker, and from the reader, what has to be passed; a
    base class of abstract methods forces an inheritance where only a shape is needed.

    Instead: define a Protocol with the methods and annotate the parameter with it.

    Known problems: probes of attributes of a parameter (``request.state``) are not judged, nor
    names that are computed. Parameters called module, settings, enum or request are taken for
    what they are called.
    """
    sites, found = 0, []
    for file in project.production:
        for function, probes in _probing(file).items():
            sites += 1
            call, param = probes[0]
            message = (
                f"`{function.name}` asks by name what `{param}` has, and its type does not say"
            )
            if param:
                found.append(At(call.line, message, symbol=function.symbol, path=file.path,
                                anchor=param))  # fmt: skip
    promises = list(_promises(project))
    registered = _registered(project) if promises else set()
    named = _named(project, frozenset(cls.name for cls in promises))
    for cls in promises:
        sites += 1
        if named.get(cls.key, set()) - {cls.path} and cls.key not in registered and _is_abc(cls):
            message = f"`{cls.name}` has only abstract methods and is used as a type"
            found.append(At(cls.line, message, symbol=cls.symbol, path=cls.path, anchor="class"))
    return Sites(sites, found) if sites else Skip("no probe by name, no class of promises")


# Probes -------------------------------------------------------------------------------------------


def _probing(file: File) -> dict[Function, list[tuple[Call, str]]]:
    """Functions that probe a parameter; probes of an untyped one first, with its name."""
    found: dict[Function, list[tuple[Call, str]]] = {}
    for call in file.calls_named("hasattr", "getattr"):
        function = call.function
        param = None if function is None else _probed(call)
        if function is not None and param is not None:
            untyped = _is_untyped(file, param, function)
            found.setdefault(function, []).append((call, param.name if untyped else ""))
    for probes in found.values():
        probes.sort(key=lambda probe: not probe[1])
    return found


def _probed(call: Call) -> tree.Param | None:
    """The parameter that ``hasattr(x, "name")`` and its kin ask."""
    args = call.fact.args
    if len(args) < 2 or tree.text_of(args[1]) is None or not isinstance(args[0], tree.Name):
        return None
    if call.last == "getattr" and len(args) < 3 and not _is_called(call):
        return None
    file, name = call.file, args[0].id
    if "." in name or _NO_DUCKS.match(name.lower()):
        return None
    binding, owner = file.project.names.binding(file, name, call.function)
    if not isinstance(binding, tree.Param) or owner is None or _is_own(owner, binding):
        return None
    fixed = owner.name.startswith("__") and owner.name not in {"__init__", "__call__"}
    return None if fixed or binding.kind in {"vararg", "kwarg"} else binding


def _is_called(call: Call) -> bool:
    """``callable(getattr(x, "name"))``."""
    asked: set[int] | None = call.file.memo.get("asked to be callable")
    if asked is None:
        asked = call.file.memo["asked to be callable"] = {
            argument.index
            for each in call.file.calls_named("callable")
            for argument in each.fact.args
            if isinstance(argument, tree.CallRef)
        }
    return call.index in asked


def _is_own(owner: Function, param: tree.Param) -> bool:
    """``self`` and ``cls``."""
    if owner.cls is None or owner.decorated_by("builtins.staticmethod"):
        return False
    return param is owner.fact.params[0]


def _is_untyped(file: File, param: tree.Param, function: Function) -> bool:
    if param.annotation is None:
        return True
    parts = param.annotation
    members = parts.items if isinstance(parts, tree.Bin) else (parts,)
    return any(file.resolve(each, function) in _ANYTHING for each in members)


# Classes of promises ------------------------------------------------------------------------------


def _promises(project: Project) -> Iterator[Class]:
    """Classes whose methods are all abstract and which hold no state."""
    for file in project.production:
        for cls in file.classes:
            methods = cls.methods.values()
            abstract = methods and all(_is_abstract(method) for method in methods)
            if abstract and not any(row.value for row in cls.attributes.values()):
                yield cls


def _is_abstract(method: Function) -> bool:
    """Decorated as abstract, and nothing but a promise."""
    if not any(method.file.resolve(each.value) in _ABSTRACT for each in method.fact.decorators):
        return False
    return method.fact.body_lines <= 1 or method.fact.shape == "stub"


def _is_abc(cls: Class) -> bool:
    """An abstract base class that shares no code of a parent and registers nobody."""
    file, known = cls.file, cls.file.project.classes.by_key
    metaclass = next((each.value for each in cls.fact.keywords if each.name == "metaclass"), None)
    if not cls.inherits("abc.ABC") and file.resolve(metaclass) != "abc.ABCMeta":
        return False
    if "typing.Protocol" in cls.ancestors:
        return False
    parents = [known[name] for name in cls.ancestors if name in known]
    return all(_is_abstract(method) for each in parents for method in each.methods.values())


def _registered(project: Project) -> set[str]:
    """Classes on which others are registered: ``Store.register(dict)``."""
    return {
        call.file.resolve(call.receiver, call.function)
        for file in project.production
        for call in file.calls_named("register")
    }


def _named(project: Project, names: frozenset[str]) -> dict[str, set[str]]:
    """Paths of the files whose annotations name a class, by its canonical name.

    Only files are read that import one of these names, or a module.
    """
    found: dict[str, set[str]] = {}
    for file in project.production if names else ():
        if not _may_name(file, names):
            continue
        for _, expr, function in written_annotations(file):
            for node in tree.walk(expr):
                if isinstance(node, tree.Name) and node.id.rpartition(".")[2] in names:
                    found.setdefault(file.resolve(node, function), set()).add(file.path)
    return found


def _may_name(file: File, names: frozenset[str]) -> bool:
    return any(row.name in names or row.name in {"", "*"} for row in file.facts.imports)
