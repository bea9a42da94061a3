"""Check of file paths that a request has a say in."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given
from checks.project.parameters import Slot
from checks.project.project import Project
from checks.project.routes import Route
from checks.project.subjects import Call, Function
from checks.rules.applies import has_routes

_OPENING = frozenset(
    "builtins.open aiofiles.open anyio.open_file io.open os.remove os.unlink os.rmdir os.rename "
    "os.replace shutil.rmtree shutil.copy shutil.copy2 shutil.copyfile shutil.move shutil.copytree "
    "os.open codecs.open gzip.open aiofiles.os.remove aiofiles.os.unlink "
    "flask.send_file".split()
)
_SENDING = frozenset({"FileResponse"})
_METHODS = frozenset("read_text read_bytes write_text write_bytes open unlink rmdir".split())
_PATH_TYPES = frozenset({"pathlib.Path", "pathlib.PurePath", "anyio.Path", "pathlib.PosixPath"})
_KEEPS = frozenset(
    "Path PurePath PosixPath join joinpath resolve absolute expanduser with_suffix abspath "
    "normpath realpath str format strip lstrip rstrip lower upper format_map removeprefix "
    "removesuffix fspath unquote replace".split()
)
_CONFINES = frozenset(
    "is_relative_to relative_to commonpath commonprefix secure_filename safe_join safe_path "
    "sanitize_filename get_valid_filename validate_filename".split()
)
_FREE = frozenset({"builtins.str", "pathlib.Path", "typing.Any", ""})
_FINAL = frozenset({"name", "suffix", "stem"})
_DEPTH = 12


@check("path-traversal", applies=has_routes)
def path_traversal(project: Project) -> Answer:
    """A path that a request has a say in stays below its folder.

    ``..`` in a name leads to any file that the service may read, overwrite or delete.

    Instead: resolve the path and ask ``is_relative_to``, or use its final name only.

    Known problems: values are followed through assignments and one call; what an object or a
    row of the database holds is not. An id that is looked up before counts as checked.
    """
    found: dict[tuple[str, int], At] = {}
    count = 0
    for route in project.routes.handlers:
        if not route.file.is_production:
            continue
        taint = Taint(route.function, _sources(project, route))
        for place in taint.operations(1):
            count += 1
            if not place.confined:
                text = f"`{place.call.last}` opens a path that a request has a say in"
                key = (place.call.path, place.call.line)
                at = At(key[1], text, path=key[0], anchor=place.call.last)
                found.setdefault(key, at)
    return Sites(max(count, len(found)), list(found.values())) if count else Skip("no such path")


class Place(msgspec.Struct, frozen=True):
    """A file operation on a path that a request has a say in."""

    call: Call
    confined: bool


class Taint:
    """What depends on a request in one function.

    Args:
        function: The function.
        names: Dotted names that a request fills as it likes.
        follows: Whether functions that it calls are looked into.
    """

    def __init__(self, function: Function, names: set[str], *, follows: bool = True) -> None:
        self.function = function
        self.follows = follows
        self.file = function.file
        self.names = set(names)
        for row in function.assigns:  # ``name = Path(name).name`` leaves nothing to follow
            cleaned = {tree.dotted(each) for each in row.targets} & self.names
            if cleaned and row.value is not None and not self.holds(row.value):
                self.names -= cleaned
        for _ in range(_DEPTH):
            before = len(self.names)
            for row in function.assigns:
                if row.value is not None and self.holds(row.value):
                    self.names |= {tree.dotted(each) for each in row.targets} - {""}
            if len(self.names) == before:
                break

    def holds(self, expr: Expr | None) -> bool:
        """Whether a value depends on the request in a way that may leave the folder."""
        stack = [] if expr is None else [expr]
        while stack:
            node = stack.pop()
            match node:
                case tree.Name(id=text):
                    head, dot, last = text.rpartition(".")
                    if text in self.names or (dot and head in self.names and last == "filename"):
                        return True
                case tree.Attr(value=value, attr=attr):
                    if attr not in _FINAL:
                        stack.append(value)
                case tree.Fmt(parts=items) | tree.Bin(items=items):
                    stack += items
                case tree.Op(kind="Or" | "Await" | "IfExp" | "NamedExpr", items=items):
                    stack += items
                case tree.Item(value=value, index=index):
                    if tree.dotted(value).endswith(("query_params", "path_params", "headers")):
                        if tree.dotted(value).partition(".")[0] in self.names:
                            return True
                    elif isinstance(index, tree.Const):
                        stack.append(value)
                case tree.CallRef(index=index):
                    call = self.file.calls[index]
                    if call.last in _KEEPS and not _removes_separators(call):
                        stack += [*call.fact.args, *([call.receiver] if call.receiver else [])]
                    elif self._made_by(call):
                        return True
        return False

    def _made_by(self, call: Call) -> bool:
        """Whether a function of ours makes a path of such a value, without confining it."""
        if not self.follows or not any(self.holds(value) for value in call.arguments):
            return False
        for inner in self._targets(call):
            values = inner.function.returned
            if any(inner.holds(value) for value in values) and not inner.confines:
                return True
        return False

    def operations(self, levels: int) -> list[Place]:
        """Operations of the function, and of those that it hands such values to."""
        if not self.names:
            return []
        confined = self.confines
        found = []
        for call in self.function.calls:
            path = self._path(call)
            if path is not None and self.holds(path):
                found.append(Place(call, confined))
            elif levels and any(self.holds(value) for value in call.arguments):
                inside = self._inside(call)
                found += [Place(each.call, confined or each.confined) for each in inside]
        return found

    def _inside(self, call: Call) -> list[Place]:
        return [place for inner in self._targets(call) for place in inner.operations(0)]

    def _targets(self, call: Call) -> Iterator[Taint]:
        """The functions that a call reaches, with their parameters that hold such values."""
        for target in self.file.project.calls.resolve(call):
            params = [p.name for p in target.fact.params if p.kind in {"pos", "arg"}]
            if target.cls is not None and not target.decorated_by("builtins.staticmethod"):
                params = params[1:]
            pairs = zip(params, call.fact.args, strict=False)
            names = {name for name, value in pairs if self.holds(value)}
            names |= {item.name for item in call.fact.keywords if self.holds(item.value)}
            yield Taint(target, names, follows=False)

    def _path(self, call: Call) -> Expr | None:
        """The path that a call opens, sends or deletes; None when it does none of these."""
        if call.last in _SENDING:
            return call.arg(0, "path")
        if call.last in _METHODS and call.receiver is not None:
            kind = self.file.type_of(call.receiver, self.function)
            if kind in _PATH_TYPES or self.holds(call.receiver):
                return call.receiver
        if call.last in {name.rpartition(".")[2] for name in _OPENING} and call.name in _OPENING:
            first, second = call.arg(0, "file"), call.arg(1, "dst")
            moved = second is not None and call.name.startswith(("shutil", "os.re"))
            return second if moved and not self.holds(first) else first or call.arg(0, "path")
        return None

    @cached_property
    def confines(self) -> bool:
        """Whether the function confines a path, asks an allow-list, or looks the value up."""
        calls = self.function.calls
        if any(call.last in _CONFINES or self._is_helper(call) for call in calls):
            return True
        return any(
            self._is_listed(node)
            for place in self.file.tables.expressions.get(self.function.index, ())
            for node in tree.walk(place.expr, self.file.facts)
            if isinstance(node, tree.Op)
        )

    def _is_helper(self, call: Call) -> bool:
        """A function of ours that confines what it is given, or a query for it."""
        if not any(self.holds(value) or self._matches(value) for value in call.arguments):
            return False
        if call.last in {"match", "fullmatch"}:
            return True
        project = self.file.project
        reached = [
            each
            for target in project.calls.resolve(call)
            for each in project.calls.reachable(target, 1)
        ]
        if any(inner.last in _CONFINES for each in reached for inner in each.calls):
            return True
        return bool(project.database.operation(call)) or any(
            project.database.of_function(each) for each in reached
        )

    def _matches(self, value: Expr) -> bool:
        """Whether a condition on the value is passed: ``where(File.id == file_id)``."""
        return any(
            isinstance(node, tree.Name) and node.id in self.names
            for node in tree.walk(value, self.file.facts)
        )

    def _is_listed(self, node: tree.Op) -> bool:
        """``name in ALLOWED``, or a question about the parents of the path."""
        kind = node.kind.partition(":")[2]
        if kind and any(_is_parent(item) for item in node.items):
            return True
        if kind not in {"In", "NotIn"} or len(node.items) != 2:
            return False
        return self.holds(node.items[0])


def _is_parent(expr: Expr) -> bool:
    last = expr.attr if isinstance(expr, tree.Attr) else tree.dotted(expr).rpartition(".")[2]
    return last in {"parent", "parents"}


def _removes_separators(call: Call) -> bool:
    """``name.replace("/", "")``."""
    text = tree.text_of(call.arg(0, "old")) if call.last == "replace" else None
    return text is not None and not {".", "/", "\\"}.isdisjoint(text)


def _sources(project: Project, route: Route) -> set[str]:
    """Names of the parameters of a handler that a request fills with any text."""
    found: set[str] = set()
    for slot in project.parameters.of(route):
        if not slot.direct:
            continue
        if slot.kind == "framework":
            found.add(slot.name)
        elif slot.kind in {"path", "query", "header", "cookie", "form", "body"}:
            found |= _filled(project, slot)
    return found


def _filled(project: Project, slot: Slot) -> set[str]:
    """The parameter, the name of an upload, or the text fields of a body."""
    if slot.type is None:
        return {slot.name}
    found: set[str] = set()
    for member in project.schemas.members(slot.type):
        kind = member.file.resolve(member.expr, member.function)
        if kind == "fastapi.UploadFile":
            found.add(f"{slot.name}.filename")
        elif kind in _FREE and not _is_limited(slot.calls):
            found.add(slot.name)
        cls = project.classes.by_key.get(kind)
        if cls is not None and project.classes.role(cls) == "schema":
            for field in project.schemas.fields(cls).values():
                if field.type is not None and _is_text(project, field.type):
                    calls = [field.call] if field.call is not None else []
                    if not _is_limited(calls):
                        found.add(f"{slot.name}.{field.name}")
    return found


def _is_text(project: Project, given: Given) -> bool:
    return any(
        member.file.resolve(member.expr, member.function) in {"builtins.str", "pathlib.Path"}
        for member in project.schemas.members(given)
    )


def _is_limited(calls: list[Call]) -> bool:
    """Whether a pattern limits what a value may hold."""
    return any(
        call.fact.keyword(name) is not None for call in calls for name in ("pattern", "regex")
    )
