"""Our own source as the house tests see it: files, modules, imports, functions."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCT = ("checks", "dashboard")


@dataclass(frozen=True)
class Module:
    """One Python file: repository-relative path, dotted name, syntax tree, number of lines."""

    path: str
    name: str
    tree: ast.Module
    lines: int

    @property
    def package(self) -> str:
        """The package that relative names and folders hang from."""
        return self.name if self.path.endswith("__init__.py") else self.name.rpartition(".")[0]


@dataclass(frozen=True, order=True)
class Import:
    """One import statement's target, as a full dotted name, and the line it stands on."""

    importer: str
    imported: str
    line: int
    typing_only: bool = False


@cache
def tracked() -> tuple[str, ...]:
    """Return the paths that git tracks or would track, sorted."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    paths = {path for path in listed.decode().split("\0") if path}
    return tuple(sorted(path for path in paths if (ROOT / path).is_file()))


def parse(path: str, text: str) -> Module:
    """Return the module that lies at a path."""
    name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return Module(path, name, ast.parse(text), text.count("\n"))


@cache
def modules() -> tuple[Module, ...]:
    """Return every Python file of the repository."""
    python = (path for path in tracked() if path.endswith(".py"))
    return tuple(parse(path, (ROOT / path).read_text()) for path in python)


@cache
def product() -> tuple[Module, ...]:
    """Return the modules that run at a customer's: everything but the tests."""
    return tuple(module for module in modules() if module.name.split(".")[0] in PRODUCT)


def imports(module: Module) -> Iterator[Import]:
    """Yield each name that a module imports, wherever the statement stands."""
    for node, typing_only in _statements(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module.name, alias.name, node.lineno, typing_only)
        else:
            base = _base(module, node)
            for alias in node.names:
                yield Import(module.name, f"{base}.{alias.name}", node.lineno, typing_only)


def _statements(tree: ast.Module) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    pending: list[tuple[ast.AST, bool]] = [(tree, False)]
    while pending:
        node, typing_only = pending.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, typing_only
        guarded = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        pending.extend((child, typing_only or guarded) for child in ast.iter_child_nodes(node))


def _base(module: Module, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module or ""
    parts = module.package.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [node.module])])


def inside(imported: str, known: frozenset[str]) -> str | None:
    """Return the module of ours that an imported name belongs to, None for a foreign one."""
    while imported not in known:
        imported, dot, _ = imported.rpartition(".")
        if not dot:
            return None
    return imported


@dataclass(frozen=True)
class Function:
    """One function with its place and length in lines, decorators left out."""

    path: str
    name: str
    line: int
    lines: int


def functions(module: Module) -> Iterator[Function]:
    """Yield every function and method, nested ones included, under its qualified name."""
    pending: list[tuple[ast.AST, str]] = [(module.tree, "")]
    while pending:
        node, prefix = pending.pop()
        for child in ast.iter_child_nodes(node):
            name = prefix
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{prefix}.{child.name}".lstrip(".")
                if not isinstance(child, ast.ClassDef):
                    length = (child.end_lineno or child.lineno) - child.lineno + 1
                    yield Function(module.path, name, child.lineno, length)
            pending.append((child, name))
