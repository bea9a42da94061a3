"""Checks of how tests are set up: by fixtures that are shared."""

from __future__ import annotations

from collections import Counter, defaultdict

from checks.check import Answer, At, Sites, check
from checks.facts import tree
from checks.project.project import Project
from checks.project.subjects import File, Function
from checks.project.suite import is_fixture, own_fixtures

_SETUP = frozenset(
    "setup_method setUp setup_module setup_class setup_function setUpClass setUpModule asyncSetUp "
    "setUpTestData setup".split()
)


def _several(project: Project) -> str | None:
    found = [file for file in project.tests if project.suite.collected(file)]
    return None if len(found) > 1 else "fewer than two test files"


@check("shared-fixtures-in-conftest", applies=_several)
def shared_fixtures_in_conftest(project: Project, *, min_repeats: int = 3) -> Answer:
    """Tests are set up by fixtures, and what several files need stands in conftest.py.

    A set-up that is copied is changed in one copy.

    Instead: a fixture in the nearest conftest.py.

    Known problems: a fixture that overrides one of a conftest.py is left alone, and so are two
    of one name that do different things under the same name in different components. Statements
    that begin several tests have to be equal, arguments included.
    """
    files = [file for file in project.tests if project.suite.collected(file)]
    copies = _copies(project)
    found = []
    for file in files:
        answer = _set_up(file) or copies.get(file.path) or _repeated(file, min_repeats)
        if answer is not None:
            found.append(answer)
    conftests = [file for file in project.tests if file.name == "conftest.py"]
    if not any(project.suite.fixtures(file) for file in conftests) and not project.suite.plugins:
        place = next(iter(conftests), None)
        path = files[0].path if place is None else place.path
        found.append(At(1, "No conftest.py offers a fixture", path=path, anchor="conftest"))
        return Sites(len(files) + 1, found)
    return Sites(len(files), found)


def _set_up(file: File) -> At | None:
    """A set-up in the style of xunit."""
    for function in file.functions:
        if function.name not in _SETUP or function.fact.parent >= 0 or is_fixture(function):
            continue
        if not _belongs_to_tests(function):
            continue
        text = f"`{function.name}` sets tests up without a fixture"
        return At(function.line, text, path=file.path, symbol=function.symbol)
    return None


def _belongs_to_tests(function: Function) -> bool:
    cls = function.cls
    if cls is None:
        return function.name in {"setup_module", "setUpModule", "setup_function"}
    return any(name.startswith("test") for name in cls.methods)


def _copies(project: Project) -> dict[str, At]:
    """Fixtures that more than one test file defines, by the file of all but the first."""
    named: dict[str, list[Function]] = defaultdict(list)
    for file in project.tests:
        if file.name != "conftest.py" and project.suite.collected(file):
            for name, fixture in own_fixtures(file).items():
                if fixture.cls is None and not _overrides(file, name):
                    named[name].append(fixture)
    found: dict[str, At] = {}
    for name, fixtures in named.items():
        if len({each.path for each in fixtures}) < 2:
            continue
        first = fixtures[0].path
        for fixture in fixtures:
            if fixture.path != first and fixture.path not in found:
                text = f"The fixture `{name}` is defined in `{first}` too"
                found[fixture.path] = At(
                    fixture.line, text, path=fixture.path, symbol=fixture.symbol, anchor=name
                )
    return found


def _overrides(file: File, name: str) -> bool:
    """Whether a conftest.py above, or a plugin, offers a fixture of this name."""
    suite = file.project.suite
    return any(name in own_fixtures(conftest) for conftest in suite.conftests(file)) or (
        name in suite.plugins
    )


def _repeated(file: File, min_repeats: int) -> At | None:
    """The first of the statements that several tests begin with."""
    starts: dict[tuple[str, ...], list[tuple[Function, int]]] = defaultdict(list)
    for test in file.project.suite.collected(file):
        start = _start(test)
        if len(start) > 1:
            starts[tuple(text for _, text in start)].append((test, start[0][0]))
    counted = Counter({key: len(tests) for key, tests in starts.items()})
    if not counted or counted.most_common(1)[0][1] < min_repeats:
        return None
    key = next(key for key, count in counted.items() if count >= min_repeats)
    test, line = starts[key][0]
    text = f"{counted[key]} tests begin with the same two statements"
    return At(line, text, path=file.path, symbol=test.symbol, measured=str(counted[key]),
              limit=str(min_repeats - 1), anchor="start")  # fmt: skip


def _start(test: Function) -> list[tuple[int, str]]:
    """The first two statements of a test where they prepare: assignments and calls."""
    facts = test.file.facts
    blocks = [block.line for _, block in test.blocks if block.kind not in {"comp", "lambda"}]
    first_block = min(blocks, default=1 << 30)
    rows: list[tuple[int, str, tree.Expr | None]] = []
    for row in test.assigns:
        names = ",".join(tree.dotted(target) for target in row.targets)
        rows.append((row.line, f"{names} {row.op}=", row.value))
    for statement in test.statements:
        if statement.kind == "expr" and isinstance(statement.value, tree.Const):
            continue
        rows.append((statement.line, statement.kind, statement.value))
    rows.sort(key=lambda row: row[0])
    last = rows[2] if len(rows) > 2 else None
    if first_block == 1 << 30 and (last is None or last[1] == "assert"):
        return []  # the second statement acts already
    found: list[tuple[int, str]] = []
    for line, head, value in rows[:2]:
        if line > first_block or head in {"assert", "return", "raise", "pass"}:
            break
        found.append((line, f"{head} {_text(value, facts)}"))
    return found


def _text(value: tree.Expr | None, facts: tree.PyFacts) -> str:
    words = []
    for node in tree.walk(value, facts):
        if isinstance(node, tree.CallRef):
            call = facts.calls[node.index]
            words.append(f"call {len(call.args)} {[item.name for item in call.keywords]}")
        elif isinstance(node, tree.Name | tree.Const):
            words.append(repr(node))
        else:
            words.append(getattr(node, "kind", "") or getattr(node, "attr", type(node).__name__))
    return " ".join(words)
