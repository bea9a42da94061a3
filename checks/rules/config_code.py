"""Checks of configuration as code reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.globs import any_match
from checks.project.subjects import Call, File, Function

_READS = frozenset(
    "os.getenv os.getenvb os.environ.get os.environb.get os.environ.__getitem__ decouple.config "
    "dotenv.dotenv_values dotenv.get_key starlette.config.Config.get environ.get os.environ.copy "
    "os.environ.items os.environ.keys os.environ.values".split()
)
_NAMES = ("getenv", "get", "config", "dotenv_values", "getenvb", "get_key")
_PLATFORM = re.compile(
    r"(PATH|HOME|TZ|CI|USER|PWD|SHELL|LANG|TMPDIR|HOSTNAME|PYTEST_\w+|PYTHON\w*|KUBERNETES_\w+"
    r"|AWS_LAMBDA_\w+|GITHUB_ACTIONS|VIRTUAL_ENV)"
)


@check("no-direct-environ-access")
def no_direct_environ_access(
    file: File,
    *,
    allowed_paths: Sequence[str] = (
        "**/config.py", "**/settings.py", "**/config/**", "**/settings/**", "gunicorn.conf.py",
        "**/gunicorn.conf.py",
    ),
    strict: bool = False,
) -> Answer:  # fmt: skip
    """Environment variables are read in one place.

    Reads scattered over the code have no type, no default in common and no list of what is
    needed to start.

    Instead: add a field to the settings class and use it.

    Known problems: a read through a wrapper is followed one level.
    """
    tolerated = any_match(file.path, tuple(allowed_paths))
    count, found = 0, []
    for line, name, function in environment_reads(file):
        if _PLATFORM.fullmatch(name):
            continue
        count += 1
        if (tolerated and not strict) or _in_settings_class(file, line):
            continue
        what = f"`{name}`" if name else "the environment"
        symbol = function.symbol if function is not None else file.module
        found.append(At(line, f"{what} is read outside the settings", symbol=symbol, anchor=name))
    return Sites(count, found) if count else Skip("no environment variable is read")


def environment_reads(file: File) -> Iterator[tuple[int, str, Function | None]]:
    """Each read: line, name of the variable ("" when computed), function around it."""
    for call in file.calls_named(*_NAMES):
        if call.name in _READS or _wraps_read(call):
            yield call.line, _name(file, call.arg(0, "key")), call.function
    if not any(row.fact.module.partition(".")[0] == "os" for row in file.imports):
        return
    for line, expr, function in _expressions(file):
        for node in tree.walk(expr):
            if isinstance(node, tree.Item) and _is_environ(file, node.value, function):
                yield line, _name(file, node.index), function
            elif _is_membership(node) and _is_environ(file, tree.children(node)[1], function):
                yield line, _name(file, tree.children(node)[0]), function


def _expressions(file: File) -> Iterator[tuple[int, Expr, Function | None]]:
    """Every expression of the file that can read something; assignment targets are none."""
    facts = file.facts
    for assign in facts.assigns:
        if assign.value is not None:
            yield assign.line, assign.value, file.function_of(assign.function)
    for statement in facts.statements:
        if statement.value is not None and statement.kind not in {"delete", "yield"}:
            yield statement.line, statement.value, file.function_of(statement.function)
    for block in facts.blocks:
        exprs = block.exprs[1:] if block.kind in {"for", "async for", "comp"} else block.exprs
        if block.kind != "else":
            for expr in exprs:
                yield block.line, expr, file.function_of(block.function)
    for call in facts.calls:
        for argument in (*call.args, *(item.value for item in call.keywords)):
            yield call.line, argument, file.function_of(call.function)
    for function in file.functions:
        for param in function.fact.params:
            if param.default is not None:
                yield param.line, param.default, function.parent


def _is_membership(node: Expr) -> bool:
    return isinstance(node, tree.Op) and node.kind in {"Compare:In", "Compare:NotIn"}


def _is_environ(file: File, expr: Expr, function: Function | None) -> bool:
    return file.resolve(expr, function) in {"os.environ", "os.environb"}


def _name(file: File, expr: Expr | None) -> str:
    """Name of the variable, followed through a module constant."""
    text = tree.text_of(expr)
    if text is None and isinstance(expr, tree.Name):
        constant = file.project.names.assignment_named(file.resolve(expr))
        text = tree.text_of(constant[1].value) if constant is not None else None
    return text or ""


def _wraps_read(call: Call) -> bool:
    """A first-party function that only hands on an environment variable."""
    function = call.file.project.names.function_named(call.name)
    if function is None or len(function.calls) > 3:
        return False
    return any(inner.name in _READS for inner in function.calls)


def _in_settings_class(file: File, line: int) -> bool:
    classes = file.project.classes
    return any(
        cls.line <= line <= cls.end_line and classes.role(cls) == "settings" for cls in file.classes
    )
