"""The tests of a project: what pytest collects, the fixtures of each test, and how it is marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Expr

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import File, Function

_WIDE = frozenset({"e2e", "integration", "live", "external", "functional", "acceptance"})
_MOST_FIXTURES = 50
_METHODS = frozenset("get post put patch delete head options route api_route websocket".split())
_BY_TEXT = ("patch", "object", "setattr", "import_module", "reload", "patch_object", "delattr")
_AT_FILES = frozenset(
    "open read_text read_bytes glob rglob iterdir run Popen check_output check_call".split()
)
_ASKING = ("requests.", "httpx.", "urllib.request.", "aiohttp.", "subprocess.", "schemathesis.")


class Suite:
    """All test functions of a project, with what pytest hands to them."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._collected: dict[str, list[Function]] = {}
        self._fixtures: dict[str, dict[str, Function]] = {}
        self._around: dict[Function, list[Function]] = {}
        self._imported: dict[str, list[tuple[File, int]]] = {}
        self._reaching: dict[str, bool] = {}
        self._folders: dict[str, dict[str, Function]] = {}
        self._automatic_of: dict[tuple[str, int], list[str]] = {}
        self._marks_of: dict[tuple[str, int], list[Expr]] = {}

    def collected(self, file: File) -> list[Function]:
        """Test functions of a file as pytest collects them, unittest cases included."""
        known = self._collected.get(file.path)
        if known is None:
            known = self._collected[file.path] = list(_collected(file))
        return known

    @cached_property
    def all(self) -> list[Function]:
        """The test functions of all test files."""
        return [test for file in self.project.tests for test in self.collected(file)]

    # Fixtures -------------------------------------------------------------------------------------

    @cached_property
    def _conftests(self) -> dict[str, File]:
        """Every conftest.py by its folder."""
        return {
            file.path.rpartition("/")[0]: file
            for file in self.project.tests
            if file.name == "conftest.py"
        }

    @cached_property
    def plugins(self) -> dict[str, Function]:
        """Fixtures of the modules that some ``pytest_plugins`` names."""
        found: dict[str, Function] = {}
        for file in self.project.tests:
            for row in file.tables.assigns.get(-1, ()):
                if any(tree.dotted(target) == "pytest_plugins" for target in row.targets):
                    for node in tree.walk(row.value):
                        found |= self._named(file, tree.text_of(node) or "")
        return found

    def _named(self, file: File, module: str) -> dict[str, Function]:
        if not module:
            return {}
        row = tree.Import(0, 0, 0, module, 0, "", "", False, -1, -1, -1)
        other = self.project.layout.modules.get(self.project.layout.absolute(file, row))
        return {} if other is None else own_fixtures(other)

    def conftests(self, file: File) -> list[File]:
        """The conftest.py files above a file, the farthest first."""
        folders = ["/".join(file.segments[:end]) for end in range(len(file.segments) + 1)]
        return [self._conftests[folder] for folder in folders if folder in self._conftests]

    def fixtures(self, file: File) -> dict[str, Function]:
        """Fixtures that tests of a file can ask for, by name; the nearest definition wins."""
        known = self._fixtures.get(file.path)
        if known is None:
            known = dict(self.plugins)
            for conftest in self.conftests(file):
                known |= self._offered(conftest)
            known = self._fixtures[file.path] = known | self._offered(file)
        return known

    def _offered(self, file: File) -> dict[str, Function]:
        """Fixtures that a file defines or imports."""
        known = self._folders.get(file.path)
        if known is None:
            known = {}
            for row in file.imports:
                definer = row.definer
                if definer is None or definer is file or not definer.parsed:
                    continue
                own = own_fixtures(definer)
                bound = row.fact.alias or row.fact.name
                known |= own if row.fact.name == "*" else {}
                if row.fact.name in own:
                    known[bound] = own[row.fact.name]
            known = self._folders[file.path] = known | own_fixtures(file)
        return known

    def around(self, test: Function) -> list[Function]:
        """The fixtures that run for a test: asked for, autouse, and what these ask for."""
        known = self._around.get(test)
        if known is not None:
            return known
        found: list[Function] = []
        fixtures = self.fixtures(test.file)
        names = [*self._asked(test), *self._automatic(test)]
        done: set[tuple[str, Function | None]] = set()
        queue: list[tuple[str, Function | None]] = [(name, None) for name in names]
        while queue and len(done) < _MOST_FIXTURES:
            name, by = queue.pop(0)
            fixture = fixtures.get(name)
            if fixture is not None and fixture == by:  # it overrides one of the same name
                fixture = self._overridden(test.file, name, by)
            if fixture is None or fixture in found:
                continue
            done.add((name, by))
            found.append(fixture)
            queue.extend((param.name, fixture) for param in fixture.fact.params)
            queue.extend((text, fixture) for text in _used(fixture.file, fixture.fact.decorators))
        self._around[test] = found
        return found

    def _overridden(self, file: File, name: str, by: Function | None) -> Function | None:
        for conftest in reversed(self.conftests(file)):
            other = self._offered(conftest).get(name)
            if other is not None and other != by:
                return other
        return None

    def _asked(self, test: Function) -> Iterator[str]:
        """Names that a test asks for: its parameters, and ``usefixtures`` around it."""
        for param in test.fact.params:
            yield param.name
        yield from _used(test.file, test.fact.decorators)
        if test.cls is not None:
            yield from _used(test.file, test.cls.fact.decorators)
        for mark in self._listed(test):
            yield from _texts_of(test.file, mark)

    def _automatic(self, test: Function) -> list[str]:
        """Fixtures that run for every test of the file, or of the class."""
        key = (test.file.path, test.fact.cls)
        known = self._automatic_of.get(key)
        if known is None:
            methods = {} if test.cls is None else test.cls.methods
            known = [each.name for each in methods.values()
                     if is_fixture(each) and _is_automatic(each)]  # fmt: skip
            known += [name for name, each in self.fixtures(test.file).items()
                      if each.cls is None and _is_automatic(each)]  # fmt: skip
            self._automatic_of[key] = known
        return known

    # What it reaches ------------------------------------------------------------------------------

    def imported(self, file: File) -> list[tuple[File, int]]:
        """First-party files that a file names, with the line: imports, and texts as for patch."""
        known = self._imported.get(file.path)
        if known is None:
            known = self._imported[file.path] = list(self._names_of(file))
        return known

    def _names_of(self, file: File) -> Iterator[tuple[File, int]]:
        names = self.project.names
        for row in file.imports:
            definer = row.definer
            module = None if row.fact.name else names.definer(row.target)
            for other in (definer, module, self.project.layout.modules.get(row.target)):
                if other is not None:
                    yield other, row.line
        for call in file.calls_named(*_BY_TEXT):
            text = tree.text_of(call.arg(0, "target")) or ""
            if "." in text or call.last in {"import_module", "reload"}:
                row_of = tree.Import(0, 0, 0, text, 0, "", "", False, -1, -1, -1)
                target = names.definer(self.project.layout.absolute(file, row_of))
                if target is not None:
                    yield target, call.line

    def reaches(self, file: File) -> bool:
        """Whether a test file reaches code of the project, or reads and runs what is there."""
        known = self._reaching.get(file.path)
        if known is not None:
            return known
        seen = {file.path}
        front = [file]
        while front:
            each = front.pop()
            if self._touches(each):
                break
            for other, _ in self.imported(each):
                if other.path not in seen:
                    seen.add(other.path)
                    front.append(other)
        else:
            self._reaching[file.path] = False
            return False
        self._reaching[file.path] = True
        return True

    def _touches(self, file: File) -> bool:
        if any(not other.is_test for other, _ in self.imported(file)):
            return True
        if any(call.last in _AT_FILES for call in file.calls):
            return True
        declared = self.project.manifests.declared_modules
        return any(
            row.distribution in self._own_names and row.distribution not in declared
            for row in file.imports
        ) or any(call.name.startswith(_ASKING) for call in file.calls)

    @cached_property
    def _own_names(self) -> frozenset[str]:
        """Names of modules and folders of the project's own code, as a changed path sees them."""
        own = [file for file in self.project.analysed if not file.is_test]
        return frozenset(name for file in own for name in (file.stem, *file.segments))

    # Marks ----------------------------------------------------------------------------------------

    def marks(self, test: Function) -> set[str]:
        """Names of the marks of a test: its own, its class's, its module's."""
        found = set()
        owner = test.cls
        decorators = [*test.fact.decorators, *(owner.fact.decorators if owner else ())]
        for expr in (*(each.value for each in decorators), *self._listed(test)):
            name = test.file.resolve(expr, test)
            if ".mark." in f".{name}":
                found.add(f".{name}".partition(".mark.")[2].partition(".")[0])
        return found

    def _listed(self, test: Function) -> list[Expr]:
        """The marks of ``pytestmark`` of a module and of a class."""
        key = (test.file.path, test.fact.cls)
        known = self._marks_of.get(key)
        if known is None:
            known = self._marks_of[key] = list(self._read_marks(test))
        return known

    def _read_marks(self, test: Function) -> Iterator[Expr]:
        file = test.file
        rows = [*file.tables.assigns.get(-1, ())]
        if test.cls is not None:
            rows += file.tables.class_assigns.get(test.cls.index, ())
        for row in rows:
            if row.value is not None and any(tree.dotted(t) == "pytestmark" for t in row.targets):
                items = row.value.items if isinstance(row.value, tree.Seq) else (row.value,)
                yield from items

    def is_wide(self, test: Function) -> bool:
        """Whether a test is an integration or end-to-end test, by its marks or its folder."""
        if not _WIDE.isdisjoint(test.file.segments):
            return True
        return not _WIDE.isdisjoint(mark.lower() for mark in self.marks(test))


def own_fixtures(file: File) -> dict[str, Function]:
    """Fixtures that a file defines, by the name that tests ask for."""
    return {fixture_name(function): function for function in file.functions if is_fixture(function)}


def fixture_name(function: Function) -> str:
    """The name by which tests ask for a fixture."""
    for each in function.fact.decorators:
        if isinstance(each.value, tree.CallRef):
            given = function.file.facts.calls[each.value.index].keyword("name")
            if tree.text_of(given):
                return tree.text_of(given) or function.name
    return function.name


def is_fixture(function: Function) -> bool:
    """Whether a function is decorated as a fixture of pytest or of a plugin of it."""
    decorators = (function.file.resolve(each.value) for each in function.fact.decorators)
    return any(name.rpartition(".")[2].endswith("fixture") for name in decorators)


def keyword_of(function: Function, name: str) -> Expr | None:
    """What the decorator of a fixture gives for an option."""
    for each in function.fact.decorators:
        if isinstance(each.value, tree.CallRef):
            given = function.file.facts.calls[each.value.index].keyword(name)
            if given is not None:
                return given
    return None


def _is_automatic(function: Function) -> bool:
    given = keyword_of(function, "autouse")
    return isinstance(given, tree.Const) and given.value is True


def _used(file: File, decorators: Sequence[tree.Decorator]) -> Iterator[str]:
    for each in decorators:
        yield from _texts_of(file, each.value)


def _texts_of(file: File, expr: Expr) -> Iterator[str]:
    """The names in ``usefixtures("a", "b")``."""
    if isinstance(expr, tree.CallRef) and file.facts.calls[expr.index].last == "usefixtures":
        for arg in file.facts.calls[expr.index].args:
            yield tree.text_of(arg) or ""


def _collected(file: File) -> Iterator[Function]:
    if file.name == "conftest.py" or file.is_package:
        return
    patterns = file.project.tools.test_functions
    for function in file.functions:
        if function.fact.parent >= 0 or is_fixture(function):
            continue
        cls = function.cls
        case = cls is not None and any(name.endswith("TestCase") for name in cls.ancestors)
        if case:
            wanted = function.name.startswith("test")
        else:
            wanted = any(fnmatchcase(function.name, pattern) for pattern in patterns)
            wanted = wanted and (cls is None or cls.name.startswith("Test"))
        if wanted and not _is_registered(function):
            yield function


def _is_registered(function: Function) -> bool:
    """Whether a router, not pytest, calls a function that is named like a test."""
    for each in function.fact.decorators:
        if isinstance(each.value, tree.CallRef):
            call = function.file.calls[each.value.index]
            path = tree.text_of(call.fact.args[0]) if call.fact.args else None
            if call.last in _METHODS and path is not None and path[:1] in {"", "/"}:
                return True
    return False
