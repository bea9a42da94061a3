"""Check of what is asked of a file before it is used."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from checks.check import At, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.project import Project
from checks.project.routes import Route
from checks.project.subjects import Call, File, Function
from checks.rules.applies import has_routes
from checks.rules.security_paths import Taint

_LEVELS = 2
_TYPE = re.compile(
    r"content_?type|mime|(?:^|_|\.)ext(?:ension)?s?(?:$|_)|suffix|media_?type|file_?type|format"
    r"|allowed|filename\.r?(?:split|partition)", re.IGNORECASE,
)  # fmt: skip
_NAMED = re.compile(r"file_?name|content_?type|mime|(?:^|_)ext(?:ension)?$|suffix", re.IGNORECASE)
_SIZE = re.compile(
    r"size|length|\blen\b|bytes|total|written|limit|\btell\b|\bread\b", re.IGNORECASE
)
_EQUAL = frozenset({"In", "NotIn", "Eq", "NotEq"})
_ORDER = frozenset({"Gt", "GtE", "Lt", "LtE"})
_ASKING = frozenset({"startswith", "endswith", "match", "fullmatch", "issubset"})
_PARSERS = re.compile(
    r"filetype\.|magic\.|puremagic|imghdr|fleep|python_magic|\.verify$|^PIL\.Image\.open|csv\."
    r"|^json\.loads?|pandas\.read|polars\.read|openpyxl|zipfile\.ZipFile|tarfile\.open|PyPDF|pypdf"
    r"|pdfplumber|fitz\.|docx\.|yaml\.safe_load|from_buffer|is_zipfile|ElementTree|defusedxml",
    re.IGNORECASE,
)
_SCANNERS = re.compile(r"clam|virus|malware|icap|scan_file|file_scan|scan_upload", re.IGNORECASE)
_CLEANING = re.compile(
    r"uuid\d?$|uuid7|secure_filename|basename|splitext|sha\d|md5|blake|token_hex|token_urlsafe"
    r"|slugify|sanitize|nanoid|ulid", re.IGNORECASE,
)  # fmt: skip
_KEYS = frozenset({"key", "object_name", "blob_name", "path", "dest", "destination"})
_STORES = frozenset({"upload_fileobj", "upload_file", "put_object", "blob", "upload_blob"})
_PROXY = ("client_max_body_size", "maxrequestbodybytes", "proxy-body-size", "max_size")
_MIDDLEWARE = ("content-length", "max_body", "body_size", "upload_size")


@check("upload-validation", each="aspects", applies=has_routes)
def upload_validation(
    route: Route, aspect: str, *, aspects: Sequence[str] = ("type", "size")
) -> At | Skip | None:
    """Uploads are validated before they are used.

    A file of any kind, size and name fills the disk, or is served to the next visitor as a page.

    Instead: check type, size, content and name of the upload first.

    Known problems: a check is told by the names that it compares (``content_type``, ``size``,
    ``len``), in the handler, its dependencies and what they call, two levels deep.
    """
    uploads = _uploads(route)
    if not uploads or not route.file.is_production:
        return Skip("takes no upload")
    project = route.file.project
    functions = _reached(project, route)
    if aspect == "filename":
        fine = not _names_files(route, uploads) or _any_call(functions, _CLEANING)
    else:
        fine = _ASPECTS[aspect](project, functions)
    if fine:
        return None
    text = f"`{route.name}` takes an upload and does not check its {aspect}"
    return At(route.line, text, path=route.path, symbol=route.symbol, anchor=aspect)


def _uploads(route: Route) -> list[str]:
    """Names of the parameters that are uploads."""
    project = route.file.project
    found = []
    for slot in project.parameters.of(route):
        if not slot.direct or slot.kind not in {"form", "body"}:
            continue
        inner = project.schemas.inner(slot.type) if slot.type is not None else ()
        kinds = {each.file.resolve(each.expr, each.function) for each in inner}
        marked = any(call.name.rpartition(".")[2] == "File" for call in slot.calls)
        if "fastapi.UploadFile" in kinds or (marked and "builtins.bytes" in kinds):
            found.append(slot.name)
    return found


def _reached(project: Project, route: Route) -> list[Function]:
    """The handler, its dependencies, and what they call."""
    known: dict[str, list[Function]] = route.file.memo.setdefault("uploads", {})
    functions = known.get(route.function.key)
    if functions is None:
        starts = [route.function]
        starts += [dep.function for dep in route.dependencies if dep.function is not None]
        found = {
            each.key: each for start in starts for each in project.calls.reachable(start, _LEVELS)
        }
        functions = known[route.function.key] = list(found.values())
    return functions


# Aspects ------------------------------------------------------------------------------------------


def _checks_type(project: Project, functions: Sequence[Function]) -> bool:
    for function in functions:
        for kinds, operands in _comparisons(function):
            if kinds & _EQUAL and any(_TYPE.search(each) for each in operands):
                return True
        for call in function.calls:
            said = [tree.dotted(call.receiver), *map(tree.dotted, call.arguments)]
            if call.last in _ASKING and any(_NAMED.search(each) for each in said):
                return True
    return False


def _checks_size(project: Project, functions: Sequence[Function]) -> bool:
    if project.surroundings.says(*_MIDDLEWARE):
        return True
    proxies = project.proxies.text.lower()
    if any(word in proxies for word in _PROXY):
        return True
    return any(
        kinds & _ORDER and any(_SIZE.search(each) for each in operands)
        for function in functions
        for kinds, operands in _comparisons(function)
    )


def _checks_content(project: Project, functions: Sequence[Function]) -> bool:
    return _any_call(functions, _PARSERS)


def _scans(project: Project, functions: Sequence[Function]) -> bool:
    return _any_call(functions, _SCANNERS)


_ASPECTS: Mapping[str, Callable[[Project, Sequence[Function]], bool]] = {
    "type": _checks_type,
    "size": _checks_size,
    "content": _checks_content,
    "malware": _scans,
}


def _any_call(functions: Sequence[Function], wanted: re.Pattern[str]) -> bool:
    return any(
        wanted.search(call.name or call.last) or wanted.search(call.last)
        for function in functions
        for call in function.calls
    )


def _comparisons(function: Function) -> Iterator[tuple[set[str], list[str]]]:
    """Operators of each comparison in a function, and the words of its operands."""
    file = function.file
    places = [place.expr for place in file.tables.expressions.get(function.index, ())]
    places += [expr for _, block in function.blocks if block.kind == "comp" for expr in block.exprs]
    for expr in places:
        for node in tree.walk(expr, file.facts):
            if isinstance(node, tree.Op) and node.kind.startswith("Compare:"):
                kinds = set(node.kind.partition(":")[2].split(","))
                if not any(_is_trivial(item, kinds) for item in node.items):
                    yield kinds, [word for item in node.items for word in _said(file, item)]


def _is_trivial(operand: Expr, kinds: set[str]) -> bool:
    """``> 0``, ``"." in name``, ``is None``."""
    if not isinstance(operand, tree.Const):
        return False
    return operand.value in ({0, 1} if kinds & _ORDER else {".", "..", "/", "", None})


def _said(file: File, expr: Expr) -> Iterator[str]:
    """Names, attributes and callees in an operand."""
    for node in tree.walk(expr, file.facts):
        if isinstance(node, tree.Name):
            yield node.id
        elif isinstance(node, tree.Attr):
            yield node.attr
        elif isinstance(node, tree.CallRef):
            yield file.calls[node.index].last


def _names_files(route: Route, uploads: Sequence[str]) -> bool:
    """Whether the name that a client gave becomes a part of a path or of a key."""
    function = route.function
    names = {*uploads, *_looped(function, uploads)}
    taint = Taint(function, {f"{name}.filename" for name in names})
    if any(not place.confined for place in taint.operations(1)):
        return True
    return any(taint.holds(value) for call in function.calls for value in _keys(call))


def _looped(function: Function, uploads: Sequence[str]) -> list[str]:
    """Variables of loops over several uploads."""
    return [
        tree.dotted(block.exprs[0])
        for _, block in function.blocks
        if block.kind == "for" and len(block.exprs) > 1 and tree.dotted(block.exprs[1]) in uploads
    ]


def _keys(call: Call) -> Iterator[Expr]:
    """What a call stores something under."""
    if call.last in _STORES:
        yield from call.fact.args
        yield from (item.value for item in call.fact.keywords if item.name.lower() in _KEYS)
