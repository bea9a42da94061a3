"""Checks of names: those of PEP 8 and those of tests."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.lint import Diagnostic
from checks.project.project import Project
from checks.project.subjects import File, Function
from checks.rules.style import reported

_CODES = {
    "functions": ("N802",),
    "variables": ("N803", "N806", "N815", "N816"),
    "classes": ("N801",),
}
_MODULE = re.compile(r"_*[a-z][a-z0-9_]*|__[a-z0-9_]+__")
_VISITOR = re.compile(r"(visit|leave|depart|do|test)_\w+|(set|tear)(Up|Down)\w*")
_CLASS_NAME = re.compile(r"_*[A-Z]\w*[a-z]\w*")
_CLASS_MAKERS = re.compile(
    r"type|TypeVar|ParamSpec|NewType|getattr|namedtuple|import_string|import_object|locate"
    r"|\w*(sessionmaker|scoped_session|declarative_base|automap_base|dataclass)"
    r"|(get|make|create|build|load|resolve|import)_\w*(model|class|cls|type|schema)"
    r"|new_class|with_polymorphic|aliased"
)
_SNAKE_BASES = (
    "pydantic.", "pydantic_settings.", "sqlalchemy.", "sqlmodel.", "enum.", "abc.", "typing.",
    "fastapi.", "starlette.", "celery.", "httpx.", "beanie.", "tortoise.", "collections.",
    "contextlib.", "dataclasses.", "redis.", "requests.", "aiohttp.", "structlog.", "strawberry.",
)  # fmt: skip
"""Libraries that ask for no name in mixed case to be overridden."""
_MANIFESTS = ("pyproject.toml", "setup.py", "requirements.txt", "Dockerfile", "package.json")
_DICTATED = frozenset({"gunicorn.conf.py"})
"""Names of modules that a tool prescribes."""


@check("pep8-naming", each="kinds")
def pep8_naming(
    project: Project,
    kind: str,
    *,
    kinds: tuple[str, ...] = ("functions", "variables", "classes", "modules"),
) -> Answer:
    """Names are written as PEP 8 writes them.

    Instead: ``snake_case`` for functions, variables and modules, ``PascalCase`` for classes.

    Known problems: a method that overrides one of a library is told by its class having such a
    base, not by reading the library.
    """
    if kind == "modules":
        return _modules(project)
    count, found = 0, []
    for file in project.production:
        count += sum(1 for _ in _defined(file, kind))
        for each in file.lint(*_CODES[kind]):
            if not _allowed(file, each):
                at = reported(each, f"{each.message} ({_LABEL[kind]})")
                found.append(_in(file, at))
    return Sites(max(count, len(found)), found) if count or found else Skip("no such name")


_LABEL = {
    "functions": "functions are snake_case",
    "variables": "variables are snake_case",
    "classes": "classes are PascalCase",
}


def _in(file: File, at: At) -> At:
    return At(
        at.line, at.message, path=file.path, column=at.column, code=at.code, noqa_line=at.noqa_line
    )


def _modules(project: Project) -> Answer:
    """Modules, and folders that hold Python files below the import root."""
    found: list[At] = []
    folders: dict[str, str] = {}
    for file in project.production:
        if not _MODULE.fullmatch(file.stem) and file.name not in _DICTATED:
            found.append(At(1, f"The module name `{file.stem}` is not snake_case", path=file.path))
        for folder in _package_folders(file):
            folders.setdefault(folder, file.path)
    for folder, path in sorted(folders.items()):
        last = folder.rpartition("/")[2]
        if not _MODULE.fullmatch(last) and not _is_project_root(project, folder):
            message = f"The package name `{last}` is not snake_case"
            found.append(At(1, message, path=path, anchor=folder))
    count = len(project.production) + len(folders)
    return Sites(count, found) if count else Skip("no module")


def _package_folders(file: File) -> Iterator[str]:
    """The folders around a file below the one that its imports start from."""
    root = file.key.removesuffix(file.module).rstrip(".")
    for depth in range(1, len(file.segments) + 1):
        if len(".".join(file.segments[:depth])) > len(root):
            yield "/".join(file.segments[:depth])


def _is_project_root(project: Project, folder: str) -> bool:
    """Whether a folder is no package: it holds a distribution or stands at the top."""
    if f"{folder}/__init__.py" in project.by_path:
        return False
    return "/" not in folder or any(f"{folder}/{name}" in project.entries for name in _MANIFESTS)


def _defined(file: File, kind: str) -> Iterator[object]:
    """The names of a kind that a file defines: the sites."""
    facts = file.facts
    if kind == "functions":
        yield from facts.functions
    elif kind == "classes":
        yield from facts.classes
    else:
        for function in facts.functions:
            yield from function.params
        seen = set()
        for assign in facts.assigns:
            for target in assign.targets:
                if isinstance(target, tree.Name) and "." not in target.id:
                    seen.add((assign.function, assign.cls, target.id))
        yield from seen


def _allowed(file: File, each: Diagnostic) -> bool:
    """Whether a report is one that custom or a library's interface excuses."""
    if each.code == "N802":
        function = next((f for f in file.functions if f.line == each.line), None)
        return function is not None and asked_by_library(function)
    if each.code == "N815":
        around = [c for c in file.classes if c.line <= each.line <= c.end_line]
        roles = {file.project.classes.role(cls) for cls in around}
        return bool(roles & {"schema", "settings"})
    if each.code == "N806":
        return any(
            _holds_class(file, assign) for assign in file.facts.assigns if assign.line == each.line
        )
    return False


def asked_by_library(function: Function) -> bool:
    """Whether a method has a name that a library prescribes, as far as its bases tell."""
    cls = function.cls
    if cls is None:
        return False
    if _VISITOR.fullmatch(function.name):
        return True
    project = function.file.project
    foreign = [
        name
        for name in cls.ancestors
        if name not in project.classes.by_key
        and not name.startswith("builtins.")
        and not name.startswith(_SNAKE_BASES)
    ]
    return bool(foreign)


def _holds_class(file: File, assign: tree.Assign) -> bool:
    """Whether a local variable is given a class, so that PascalCase is its custom."""
    names = [target.id for target in assign.targets if isinstance(target, tree.Name)]
    pascal = all(_CLASS_NAME.fullmatch(name) for name in names)
    return bool(names) and pascal and _is_class(file, assign, assign.value)


def _is_class(file: File, assign: tree.Assign, expr: tree.Expr | None) -> bool:
    match expr:
        case tree.CallRef(index=index):
            return _CLASS_MAKERS.fullmatch(file.facts.calls[index].last) is not None
        case tree.Op(kind="IfExp", items=(_, body, orelse)):
            return _is_class(file, assign, body) and _is_class(file, assign, orelse)
        case tree.Name() | tree.Attr():
            name = file.resolve(expr, file.function_of(assign.function))
            last = name.rpartition(".")[2]
            return name in file.project.classes.by_key or (
                _CLASS_NAME.fullmatch(last) is not None and not last.isupper()
            )
    return False


@check("test-naming", scope="test")
def names_of_tests(
    file: File, *, target: str = "file", pattern: str = r"^test_[a-z0-9_]+\.py$"
) -> Answer:
    """Tests are named so that a failure says what broke.

    Instead: rename the test file or function.

    Known problems: tests that a plugin generates are not seen.
    """
    tests = file.project.suite.collected(file)
    if not tests:
        return Skip("no test function")
    wanted = re.compile(pattern)
    if target == "file":
        if wanted.search(file.name):
            return None
        return At(1, f"The test file is named `{file.name}`", limit=pattern, symbol=file.module)
    found = [
        At(test.line, f"The test is named `{test.name}`", symbol=test.symbol, limit=pattern)
        for test in tests
        if not wanted.search(test.name)
    ]
    return Sites(len(tests), found)
