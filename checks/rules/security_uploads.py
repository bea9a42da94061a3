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
_SIZE = re.compile(r"size|length|bytes|written|\btell\b|upload|max_file", re.IGNORECASE)
_AMOUNT = re.compile(r"total|limit|max|\bread\b|count", re.IGNORECASE)
_CONTENT = re.compile(
    r"(?:^|_)(?:contents?|data|raw|bod(?:y|ies)|chunks?|buf(?:fer)?|files?|uploads?|payload|blob"
    r"|bytes|image|photo|picture|avatar|document|pdf|csv|read)(?:$|_)", re.IGNORECASE,
)  # fmt: skip
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
            if call.last in _ASKING and _asks_name(call):
                return True
    return False


def _asks_name(call: Call) -> bool:
    """``file.filename.endswith(...)``, also of a variable that was made from it."""
    for expr in (call.receiver, *call.arguments):
        if expr is None:
            continue
        rows = () if call.function is None else call.file.tables.assigns_in.get(
            (tree.dotted(expr), call.function.index), ()
        )  # fmt: skip
        values = [row.value for row in rows if row.value is not None]
        if any(
            _NAMED.search(word) for value in (expr, *values) for word in _said(call.file, value)
        ):
            return True
    return False


def _checks_size(project: Project, functions: Sequence[Function]) -> bool:
    if project.surroundings.says(*_MIDDLEWARE):
        return True
    proxies = project.proxies.text.lower()
    if any(word in proxies for word in _PROXY):
        return True
    return any(
        kinds & _ORDER and _is_size(function, operands)
        for function in functions
        for kinds, operands in _comparisons(function)
    )


def _is_size(function: Function, words: Sequence[str]) -> bool:
    """Whether a comparison is of a size of bytes, and not of the length of any list."""
    if any(_SIZE.search(each) for each in words):
        return True
    if "len" in words:
        read = {call.last for word in words for call in _made_by(function, word)}
        return "read" in read or any(_CONTENT.search(each) for each in words)
    return sum(1 for each in words if _AMOUNT.search(each)) > 1


def _made_by(function: Function, name: str) -> Iterator[Call]:
    """The calls in what is assigned to a name."""
    file = function.file
    for row in file.tables.assigns_in.get((name, function.index), ()):
        for node in () if row.value is None else tree.walk(row.value, file.facts):
            if isinstance(node, tree.CallRef):
                yield file.calls[node.index]


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
