"""Checks of names: what belongs to a class alone begins with an underscore."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.project.project import Project
from checks.project.subjects import Call, Class, File, Function
from checks.rules.naming import asked_by_library

_PLAIN_DECORATORS = frozenset({"builtins.staticmethod", "builtins.classmethod"})
_SUNDER = re.compile(r"_(?:[a-z0-9]\w*[a-z0-9]|[a-z0-9])_|_")
_DOCUMENTED = frozenset(
    "_asdict _replace _fields _make _field_defaults _mapping _meta _exit _getframe _MEIPASS "
    "_sa_instance_state".split()
)
"""Names that a library documents in spite of their underscore."""
_BY_TEXT = tuple(
    "patch object multiple spy stub setattr delattr getattr hasattr methodcaller".split()
)
_DUNDER = re.compile(r"__\w+__")
_FRAMEWORKS = ("fastapi", "flask", "django", "celery", "starlette", "aiohttp", "litestar", "sanic")


@check("private-underscore-prefix")
def private_underscore_prefix(
    project: Project, *, check_methods: bool = True, check_access: bool = True
) -> Answer:
    """What only its own class uses begins with one underscore, and nobody else touches that.

    The underscore tells what may be changed without looking for users.

    Instead: prefix the internal method with one underscore; ask for what you need by a public
    method of the other class.

    Known problems: a method counts as used elsewhere when an object of unknown class is asked for
    a method of its name, when an attribute of its name is used without calling it, or when it is
    named by text, as tests do that replace it. In a library
    every public method is for users, so that only accesses are judged. Of attributes only those
    with an underscore are counted.
    """
    count, found = 0, list[At]()
    if check_methods:
        classes = [cls for file in project.production for cls in file.classes]
        usage = _Usage(project)
        public = bool(project.manifests.paths) and not any(
            project.manifests.depends_on(name) for name in _FRAMEWORKS
        )
        for cls in classes:
            names = (*cls.methods, *cls.own_assigns)
            private = [name for name in names if name[0] == "_" and "." not in name]
            count += sum(not _DUNDER.fullmatch(name) for name in private)
            found += _mangled(cls, private)
            if not public:
                mistaken = [_unmarked(each) for each in usage.only_own(cls)]
                count += len(mistaken)
                found += mistaken
    if check_access:
        for file in project.production:
            count += len(file.facts.accesses)
            found += _accesses(file)
    return Sites(max(count, len(found)), found) if count or found else Skip("nothing private")


def _unmarked(method: Function) -> At:
    message = f"`{method.name}` is called by its own class only and has no leading underscore"
    return At(method.line, message, path=method.path, symbol=method.symbol, anchor=method.name)


def _mangled(cls: Class, names: Iterable[str]) -> Iterator[At]:
    """Names with two underscores that no class around needs to be kept apart."""
    by_key = cls.file.project.classes.by_key
    for name in dict.fromkeys(names):
        if not name.startswith("__") or _DUNDER.fullmatch(name):
            continue
        others = [by_key[key] for key in cls.ancestors if key in by_key]
        taken = {name, name[1:]}
        if any(taken & {*other.methods, *other.own_assigns} for other in others):
            continue
        method = cls.methods.get(name)
        line = method.line if method is not None else cls.own_assigns[name][0][1].line
        message = f"`{name}` is mangled where one underscore would do"
        yield At(line, message, path=cls.path, symbol=cls.symbol, anchor=name)


# Methods ------------------------------------------------------------------------------------------


class _Users(msgspec.Struct):
    """Who calls methods of one name: through self in a class, on a known class, on anything."""

    own: set[str] = msgspec.field(default_factory=set)
    others: set[str] = msgspec.field(default_factory=set)
    unknown: bool = False


class _Usage:
    """Which methods are called by their own class alone."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._users: dict[str, _Users] = {}

    def only_own(self, cls: Class) -> Iterator[Function]:
        """Methods of a class without an underscore that only ``self`` is asked for."""
        for name, method in cls.methods.items():
            if (
                name[0] == "_"
                or name not in self._asked_of_self
                or not self._may_be_private(cls, method)
            ):
                continue
            users = self._of(name)
            if cls.key not in users.own or users.unknown:
                continue
            if name in self._referenced or name in self._spelled:
                continue
            family = {cls.key, *cls.ancestors, *self._heirs.get(cls.key, ())}
            if not family & users.others and not (family - {cls.key}) & users.own:
                yield method

    def _may_be_private(self, cls: Class, method: Function) -> bool:
        """Whether no base, heir, decorator, interface or ``__all__`` fixes the name."""
        file, classes = cls.file, self.project.classes
        decorators = {file.resolve(each.value) for each in method.fact.decorators}
        if decorators - _PLAIN_DECORATORS or classes.role(cls) in {"protocol", "enum"}:
            return False
        if asked_by_library(method) or cls.name in self._exported(file):
            return False
        family = [*cls.ancestors, *self._heirs.get(cls.key, ())]
        return not any(
            method.name in classes.by_key[key].methods for key in family if key in classes.by_key
        )

    @cached_property
    def _heirs(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for key, cls in self.project.classes.by_key.items():
            for name in cls.ancestors:
                found.setdefault(name, []).append(key)
        return found

    @cached_property
    def _asked_of_self(self) -> frozenset[str]:
        """Names of all methods that production code calls on ``self`` or ``cls``."""
        return frozenset(
            call.last
            for file in self.project.production
            for call in file.facts.calls
            if isinstance(call.func, tree.Name)
            and call.func.id.count(".") == 1
            and call.func.id.startswith(("self.", "cls."))
        )

    @cached_property
    def _referenced(self) -> frozenset[str]:
        """Names of attributes that any file uses without calling them at once."""
        return frozenset(name for file in self.project.analysed for name in file.facts.attributes)

    @cached_property
    def _spelled(self) -> frozenset[str]:
        """Names that calls look up or replace by text: ``patch("app.cart.Cart.total")``."""
        return frozenset(
            text.rpartition(".")[2]
            for file in self.project.analysed
            for call in file.calls_named(*_BY_TEXT)
            for argument in call.fact.args[:2]
            if (text := tree.text_of(argument))
        )

    def _exported(self, file: File) -> frozenset[str]:
        """What a module lists in ``__all__``."""
        known: frozenset[str] | None = file.memo.get("exported")
        if known is None:
            listed = (row.value for row in file.tables.assigns_to.get("__all__", ()))
            known = file.memo["exported"] = frozenset(
                text
                for value in listed
                for node in tree.walk(value)
                if (text := tree.text_of(node)) is not None
            )
        return known

    def _of(self, name: str) -> _Users:
        """Who calls methods of a name, in all files; worked out once."""
        known = self._users.get(name)
        if known is None:
            known = self._users[name] = _Users()
            for file in self.project.analysed:
                for call in file.calls_by_name.get(name, ()):
                    self._enter(known, call)
        return known

    def _enter(self, users: _Users, call: Call) -> None:
        receiver = call.receiver
        if receiver is None:
            return
        owner = _class_around(call)
        if tree.dotted(receiver) in {"self", "cls"} and owner is not None:
            users.own.add(owner.key)
            return
        named = call.file.resolve(receiver, call.function)
        if named in self.project.classes.by_key:
            # ``Cart.sum_lines()``: of its own class, or of another one
            inside = owner is not None and owner.key == named
            (users.own if inside else users.others).add(named)
            return
        kind = call.file.type_of(receiver, call.function)
        if kind in self.project.classes.by_key:
            users.others.add(kind)
        elif kind:
            users.others.update(_given_inside(call, receiver))
        elif named not in self.project.layout.modules:
            imported = named.partition(".")[0] in self.project.manifests.imported
            users.unknown = users.unknown or not (imported or self._is_foreign(call, receiver))

    def _is_foreign(self, call: Call, receiver: tree.Expr) -> bool:
        """Whether a library's object holds the receiver: ``client.chat.completions``."""
        text = tree.dotted(receiver)
        while "." in text:
            text = text.rpartition(".")[0]
            kind = call.file.type_of(tree.Name(text), call.function)
            if kind:
                return kind not in self.project.classes.by_key
        return False


def _given_inside(call: Call, receiver: tree.Expr) -> Iterator[str]:
    """First-party classes in the annotation of a parameter: ``cart: Injected[Cart]``."""
    function, known = call.function, call.file.project.classes.by_key
    for param in function.fact.params if function is not None else ():
        if param.name == tree.dotted(receiver):
            for node in tree.walk(param.annotation):
                name = call.file.resolve(node, function) if isinstance(node, tree.Name) else ""
                if name in known:
                    yield name


def _class_around(call: Call) -> Class | None:
    """The class whose method a call stands in, through nested functions."""
    function = call.function
    while function is not None:
        if function.cls is not None:
            return function.cls
        function = function.parent
    return None


# Accesses -----------------------------------------------------------------------------------------


def _accesses(file: File) -> Iterator[At]:
    """Uses of what is private to another module's class, or to another module."""
    seen: set[tuple[int, str]] = set()
    for each in file.facts.accesses:
        function = file.function_of(each.function)
        if each.name in _DOCUMENTED or _SUNDER.fullmatch(each.name):
            continue
        if (each.line, each.name) in seen:
            continue
        seen.add((each.line, each.name))
        if _is_own(file, each, function) or each.name in _defined_here(file):
            continue
        message = f"`{each.name}` is private to what it is read from"
        yield At(each.line, message, path=file.path, anchor=each.name)


def _is_own(file: File, access: tree.Access, function: Function | None) -> bool:
    """Whether the object is self, the class, super() or of a class that this file defines."""
    base = access.base
    if isinstance(base, tree.CallRef):
        call = file.facts.calls[base.index]
        if call.last in {"super", "type"}:
            return True
    text = tree.dotted(base)
    if text in {"self.__class__", "cls.__class__", "mcs", "type(self)"}:
        return True
    outer = function
    while outer is not None:
        if outer.cls is not None and outer.fact.params and outer.fact.params[0].name == text:
            return True
        outer = outer.parent
    kind = file.type_of(base, function) or file.resolve(base, function)
    return kind.startswith(f"{file.key}.") and kind in file.project.classes.by_key


def _defined_here(file: File) -> frozenset[str]:
    """Private names that classes of a file define: an unknown object may be one of theirs."""
    known: frozenset[str] | None = file.memo.get("private names")
    if known is None:
        names = (
            name
            for cls in file.classes
            for name in (*cls.methods, *cls.attributes, *cls.own_assigns)
            if name[0] == "_"
        )
        known = file.memo["private names"] = frozenset(names)
    return known
