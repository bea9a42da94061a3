"""What a name means: imports, aliases, re-exports and scopes, resolved once for all checks.

A canonical name is ``<key of the file>.<qualified name>`` for what is defined here and the
documented dotted name for what a library defines. What cannot be resolved keeps the name as
written after following what could be followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

import msgspec

from checks.facts import tree
from checks.facts.tree import Assign, Expr, Import
from checks.project import wellknown

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Class, File, Function

_DEPTH = 16
_MOST_MEMBERS = 200
BUILTINS = frozenset(
    "ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup "
    "BlockingIOError BrokenPipeError BufferError ChildProcessError ConnectionAbortedError "
    "ConnectionError ConnectionRefusedError ConnectionResetError EOFError EnvironmentError "
    "Exception ExceptionGroup FileExistsError FileNotFoundError FloatingPointError GeneratorExit "
    "IOError ImportError IndentationError IndexError InterruptedError IsADirectoryError KeyError "
    "KeyboardInterrupt LookupError MemoryError ModuleNotFoundError NameError NotADirectoryError "
    "NotImplementedError OSError OverflowError PermissionError ProcessLookupError RecursionError "
    "ReferenceError RuntimeError StopAsyncIteration StopIteration SyntaxError SystemError "
    "SystemExit TabError TimeoutError TypeError UnboundLocalError UnicodeDecodeError "
    "UnicodeEncodeError UnicodeError UnicodeTranslateError ValueError Warning ZeroDivisionError "
    "DeprecationWarning UserWarning RuntimeWarning FutureWarning ResourceWarning SyntaxWarning "
    "bool bytearray bytes classmethod complex dict float frozenset int list memoryview object "
    "property range set slice staticmethod str super tuple type abs all any breakpoint callable "
    "chr compile delattr dir divmod enumerate eval exec filter format getattr globals hasattr "
    "hash help hex id input isinstance issubclass iter len locals map max min next oct open ord "
    "aiter anext pow print repr reversed round setattr sorted sum vars zip __import__".split()
)


class Target(msgspec.Struct, frozen=True):
    """A name bound by a block: ``with e as name``, ``for name in e``, ``except T as name``."""

    kind: str
    expr: Expr | None


type Binding = Import | Assign | Target | tree.Function | tree.Class


class Scope:
    """Tables of one file by function (-1: the module).

    Attributes:
        module: What the module binds.
        stars: Its star imports.
        local: What each function binds.
        calls: Which calls each function makes.
        resolved: Canonical names that were asked for, by function and text.
        class_level: Names that only one class assigns in its body, with that class.
    """

    def __init__(self, file: File) -> None:
        facts = file.facts
        self.module: dict[str, Binding] = {}
        self.stars: list[Import] = []
        self.local: dict[int, dict[str, Binding]] = {}
        self.calls: dict[int, list[int]] = {}
        self.resolved: dict[int, dict[str, str]] = {}
        for index, call in enumerate(facts.calls):
            self.calls.setdefault(call.function, []).append(index)
        for assign in facts.assigns:
            if assign.cls < 0:
                for target in assign.targets:
                    self._bind_target(assign, target)
        for block in facts.blocks:
            self._bind_block(block)
        for row in facts.imports:
            if row.cls >= 0:
                continue
            if row.name == "*":
                self.stars.append(row)
            else:
                bound = row.alias or row.module.partition(".")[0]
                self._table(row.function)[bound] = row
        for function in facts.functions:
            if function.cls < 0:
                self._table(function.parent)[function.name] = function
        for cls in facts.classes:
            if cls.parent < 0:
                self._table(cls.function)[cls.name] = cls
        self.class_level = _class_level(facts)

    def _bind_block(self, block: tree.Block) -> None:
        pairs: list[tuple[Expr | None, Expr | None]] = []
        if block.kind in {"with", "async with"}:
            pairs = list(zip(block.targets, block.exprs, strict=True))
        elif block.kind in {"for", "async for", "comp"}:
            pairs = [(block.exprs[0], block.exprs[1])]
        elif block.kind == "except" and block.name:
            pairs = [(tree.Name(block.name), block.exprs[0] if block.exprs else None)]
        for target, value in pairs:
            if isinstance(target, tree.Name) and "." not in target.id:
                self._table(block.function).setdefault(target.id, Target(block.kind, value))

    def _table(self, function: int) -> dict[str, Binding]:
        return self.module if function < 0 else self.local.setdefault(function, {})

    def _bind_target(self, assign: Assign, target: Expr) -> None:
        if isinstance(target, tree.Name) and "." not in target.id:
            table = self._table(assign.function)
            known = table.get(target.id)
            empty = isinstance(assign.value, tree.Const) and assign.value.kind == "NoneType"
            if known is None or (not assign.op and not empty and _is_none(known)):
                table[target.id] = assign
        elif isinstance(target, tree.Seq):
            for item in target.items:
                if isinstance(item, tree.Name):
                    self._table(assign.function).setdefault(item.id, assign)


def _is_display(expr: Expr | None) -> TypeGuard[tree.Seq | tree.Bin]:
    return isinstance(expr, tree.Seq) or (isinstance(expr, tree.Bin) and expr.op == "Add")


def _is_none(binding: Binding) -> bool:
    value = binding.value if isinstance(binding, Assign) else binding
    return value is None or (isinstance(value, tree.Const) and value.kind == "NoneType")


def _class_level(facts: tree.PyFacts) -> dict[str, str]:
    """Names assigned in the body of exactly one class, with that class: what its decorators use."""
    found: dict[str, str] = {}
    for assign in facts.assigns:
        if assign.cls >= 0 and assign.function < 0:
            owner = facts.classes[assign.cls].qualname
            for target in assign.targets:
                if isinstance(target, tree.Name):
                    other = found.setdefault(target.id, owner)
                    if other != owner:
                        found[target.id] = ""
    return found


class Names:
    """Resolves names over all files of a project; every answer is remembered."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._canonical: dict[str, str] = {}
        self._targets: dict[tuple[str, str, int], str] = {}

    # Asking ---------------------------------------------------------------------------------------

    def resolve(self, file: File, expr: Expr | str | None, function: Function | None = None) -> str:
        """Canonical dotted name of an expression, "" when it is no name.

        A call resolves to its callee, ``X[...]`` to X, so that ``Depends(x)``, ``Page[User]``
        and ``APIRouter`` can be asked alike.
        """
        # Asked hundreds of thousands of times; isinstance takes twice as long as ``is``.
        for _ in range(_DEPTH):
            if type(expr) is tree.Name:
                return self._name(file, expr.id, function)
            if type(expr) is tree.CallRef:
                expr = file.facts.calls[expr.index].func
            elif type(expr) is tree.Item:
                expr = expr.value
            elif type(expr) is str:
                return self._name(file, expr, function)
            elif type(expr) is tree.Attr:
                base = self.resolve(file, expr.value, function)
                return f"{base}.{expr.attr}" if base else ""
            else:
                break
        return ""

    def _name(self, file: File, text: str, function: Function | None) -> str:
        index = -1 if function is None else function.index
        resolved = file.scope.resolved
        answers = resolved.get(index)
        if answers is None:
            answers = resolved[index] = {}
        known = answers.get(text)
        if known is None:
            answers[text] = text  # a cycle answers the name as written
            known = answers[text] = self._found(file, text, function)
        return known

    def _found(self, file: File, text: str, function: Function | None) -> str:
        head, _, rest = text.partition(".")
        binding, owner = self.binding(file, head, function)
        if owner is not None:
            return self._of_local(file, owner, head, rest, binding)
        if function is not None:
            return self._name(file, text, None)
        return self._of_module(file, head, rest, binding)

    def binding(
        self, file: File, name: str, function: Function | None
    ) -> tuple[Binding | tree.Param | None, Function | None]:
        """What binds a name as seen in a function, and the function that owns the binding."""
        scope = file.scope
        while function is not None:
            table = scope.local.get(function.index)
            if table is not None and name in table:
                return table[name], function
            param = function.param(name)
            if param is not None:
                return param, function
            function = function.parent
        return scope.module.get(name), None

    def _of_local(
        self,
        file: File,
        owner: Function,
        head: str,
        rest: str,
        binding: Binding | tree.Param | None,
    ) -> str:
        tail = f".{rest}" if rest else ""
        match binding:
            case Import():
                return self.canonical(self._import(file, binding) + tail)
            case tree.Function() | tree.Class():
                return f"{file.key}.{binding.qualname}{tail}"
            case Assign(value=tree.Name(id=other)) if other.partition(".")[0] != head:
                return self._name(file, other + tail, owner)
            case _:
                return f"{owner.key}.{head}{tail}"

    def _of_module(
        self, file: File, head: str, rest: str, binding: Binding | tree.Param | None
    ) -> str:
        tail = f".{rest}" if rest else ""
        match binding:
            case Import():
                return self.canonical(self._import(file, binding) + tail)
            case tree.Function() | tree.Class() | Assign() | Target():
                return self.canonical(f"{file.key}.{head}{tail}")
        scope = file.scope
        for star in scope.stars:
            target = self.import_target(file, star)
            module = self.project.layout.modules.get(target)
            if module is not None and self._defines(module, head):
                return self.canonical(f"{target}.{head}{tail}")
        if head in BUILTINS:
            return f"builtins.{head}{tail}"
        owner = scope.class_level.get(head)
        return f"{file.key}.{owner}.{head}{tail}" if owner else f"{head}{tail}"

    def _defines(self, file: File, name: str, depth: int = 0) -> bool:
        scope = file.scope
        if name in scope.module:
            return True
        if depth > 4:
            return False
        modules = self.project.layout.modules
        targets = (self.import_target(file, star) for star in scope.stars)
        found = (modules[target] for target in targets if target in modules)
        return any(other is not file and self._defines(other, name, depth + 1) for other in found)

    def members(
        self, file: File, expr: Expr, function: Function | None
    ) -> list[tuple[File, Expr, Function | None]]:
        """The entries of a tuple or list, with where each is written: ``(A, *MORE)``, ``ERRORS``.

        Names of constants are followed to their displays, across files; anything else is its own
        only entry.
        """
        found: list[tuple[File, Expr, Function | None]] = []
        queue = [(file, expr, function)]
        for _ in range(_MOST_MEMBERS):
            if not queue:
                break
            place = queue.pop(0)
            match place[1]:
                case tree.Seq(items=items) | tree.Bin(op="Add", items=items):
                    queue[:0] = [(place[0], item, place[2]) for item in items]
                case tree.Op(kind="Starred", items=(inner,)):
                    queue.insert(0, (place[0], inner, place[2]))
                case _:
                    constant = self.assignment_named(self.resolve(*place))
                    if constant is not None and _is_display(constant[1].value):
                        queue.insert(0, (constant[0], constant[1].value, None))
                    else:
                        found.append(place)
        return found

    # Imports --------------------------------------------------------------------------------------

    def import_target(self, file: File, row: Import) -> str:
        """Absolute name that an import statement names; keys for first-party modules."""
        memo = (file.path, f"{row.module}:{row.name}", row.level)
        known = self._targets.get(memo)
        if known is None:
            module = self.project.layout.absolute(file, row)
            name = "" if row.name in {"", "*"} else f".{row.name}"
            known = self._targets[memo] = f"{module}{name}".lstrip(".")
        return known

    def _import(self, file: File, row: Import) -> str:
        """The name that the binding of an import stands for."""
        target = self.import_target(file, row)
        if row.name or row.alias:
            return target
        depth = row.module.count(".")
        return target.rsplit(".", depth)[0] if depth else target

    def definer(self, target: str) -> File | None:
        """First-party file that defines a canonical name (or is the module it names)."""
        name = self.canonical(target)
        modules = self.project.layout.modules
        while name:
            if name in modules:
                return modules[name]
            name = name.rpartition(".")[0]
        return None

    # Canonical names ------------------------------------------------------------------------------

    def canonical(self, name: str, depth: int = 0) -> str:
        """Follow re-exports and aliases of an absolute name to where it is defined."""
        known = self._canonical.get(name)
        if known is not None:
            return known
        if depth > _DEPTH:
            return name
        self._canonical[name] = name
        found = self._follow(name, depth)
        self._canonical[name] = found
        return found

    def _follow(self, name: str, depth: int) -> str:
        split = self.project.layout.split(name)
        if split is None:
            return wellknown.canonical(name)
        file, rest = split
        if not rest:
            return name
        head, _, tail = rest.partition(".")
        tail = f".{tail}" if tail else ""
        binding = file.scope.module.get(head)
        match binding:
            case Import():
                target = self._import(file, binding)
                return name if target == name else self.canonical(target + tail, depth + 1)
            case Assign(value=tree.Name(id=other)) if other.partition(".")[0] != head:
                return self.canonical(self._name(file, other, None) + tail, depth + 1)
            case None:
                return self._through_star(file, head, tail, name, depth)
        return name

    def _through_star(self, file: File, head: str, tail: str, name: str, depth: int) -> str:
        for star in file.scope.stars:
            target = self.import_target(file, star)
            module = self.project.layout.modules.get(target)
            if module is not None and module is not file and self._defines(module, head):
                return self.canonical(f"{target}.{head}{tail}", depth + 1)
        return name

    # Definitions ----------------------------------------------------------------------------------

    def class_named(self, name: str) -> Class | None:
        """The first-party class of a canonical name."""
        split = self.project.layout.split(name)
        if split is None:
            return None
        file, rest = split
        index = file.tables.classes_named.get(rest)
        return None if index is None else file.classes[index]

    def function_named(self, name: str) -> Function | None:
        """The first-party function or method of a canonical name, inherited ones included."""
        split = self.project.layout.split(name)
        if split is None:
            return None
        file, rest = split
        index = file.tables.functions_named.get(rest)
        if index is not None:
            return file.functions[index]
        head, dot, method = name.rpartition(".")
        owner = self.class_named(head) if dot else None
        return None if owner is None else self.project.classes.method(owner, method)

    def assignment_named(self, name: str) -> tuple[File, Assign] | None:
        """The module-level assignment of a canonical name."""
        split = self.project.layout.split(name)
        if split is None:
            return None
        file, rest = split
        binding = file.scope.module.get(rest)
        return (file, binding) if isinstance(binding, Assign) else None
