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
_CLASS_MAKERS = frozenset(
    "sessionmaker async_sessionmaker declarative_base type namedtuple create_model get_model "
    "TypeVar ParamSpec NewType getattr import_string make_dataclass new_class".split()
)
_OWN_BASES = ("pydantic.", "pydantic_settings.", "sqlalchemy.", "enum.", "abc.", "typing.")


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
        if not _MODULE.fullmatch(file.stem):
            found.append(At(1, f"The module name `{file.stem}` is not snake_case", path=file.path))
        package = file.module.split(".")[: None if file.is_package else -1]
        for depth in range(1, len(package) + 1):
            folders.setdefault(".".join(package[:depth]), file.path)
    for name, path in sorted(folders.items()):
        last = name.rpartition(".")[2]
        if not _MODULE.fullmatch(last):
            found.append(
                At(1, f"The package name `{last}` is not snake_case", path=path, anchor=name)
            )
    count = len(project.production) + len(folders)
    return Sites(count, found) if count else Skip("no module")


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
        return function is not None and _overrides(function)
    if each.code == "N815":
        around = [c for c in file.classes if c.line <= each.line <= c.end_line]
        roles = {file.project.classes.role(cls) for cls in around}
        return bool(roles & {"schema", "settings"})
    if each.code == "N806":
        return any(
            _holds_class(file, assign) for assign in file.facts.assigns if assign.line == each.line
        )
    return False


def _overrides(function: Function) -> bool:
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
        and not name.startswith(_OWN_BASES)
    ]
    return bool(foreign)


def _holds_class(file: File, assign: tree.Assign) -> bool:
    """Whether a local variable is given a class, so that PascalCase is its custom."""
    function = file.function_of(assign.function)
    if isinstance(assign.value, tree.CallRef):
        return file.facts.calls[assign.value.index].last in _CLASS_MAKERS
    name = file.resolve(assign.value, function)
    last = name.rpartition(".")[2]
    return name in file.project.classes.by_key or (last[:1].isupper() and not last.isupper())


@check("test-naming", scope="test")
def names_of_tests(
    file: File, *, target: str = "file", pattern: str = r"^test_[a-z0-9_]+\.py$"
) -> Answer:
    """Tests are named so that a failure says what broke.

    Instead: rename the test file or function.

    Known problems: tests that a plugin generates are not seen.
    """
    tests = list(collected(file))
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


def collected(file: File) -> Iterator[Function]:
    """Test functions as pytest collects them: in modules, ``Test`` classes and unittest cases."""
    if file.name == "conftest.py" or file.is_package:
        return
    for function in file.functions:
        if not function.name.startswith("test") or function.fact.parent >= 0:
            continue
        if function.decorated_by("pytest.fixture"):
            continue
        cls = function.cls
        if (
            cls is None
            or cls.name.startswith("Test")
            or cls.inherits("unittest.TestCase")
            or any(name.endswith("TestCase") for name in cls.ancestors)
        ):
            yield function
