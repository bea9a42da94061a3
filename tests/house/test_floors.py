"""The floors of the house: arrows only point down, and below the line nobody knows Django."""

from __future__ import annotations

import fnmatch
import subprocess
import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase

import pytest

from tests.house import source_tree
from tests.house.source_tree import ROOT, Import, Module, imports, inside, parse

# From the roof down. A row is a floor, a group of a row is one room: rooms see the floors below,
# never each other. A new module under dashboard/ or checks/ needs a place here.
FLOORS: tuple[tuple[frozenset[str], ...], ...] = tuple(
    tuple(frozenset(room.split()) for room in floor.split("|"))
    for floor in (
        "dashboard.wsgi",
        "dashboard.urls",
        (
            "dashboard.views dashboard.templatetags | dashboard.webhooks | dashboard.tasks"
            " | dashboard.management"
        ),
        "dashboard.services dashboard.forms dashboard.*_forms dashboard.gate_form",
        "dashboard.models dashboard.migrations dashboard.queue",
        "dashboard.celery | dashboard.settings | dashboard.filebroker",
        (
            "dashboard.config | dashboard.log | dashboard.text | dashboard.accounts"
            " | dashboard.busy | dashboard.apps | dashboard.assets | dashboard.words"
        ),
        # ---------------------------------------------------- no Django below this line
        "checks.__main__",
        "checks.review | checks.since | checks.report | checks.opening",
        (
            "checks.remembered | checks.fresh checks.recalled | checks.compose checks.waiverfile"
            " | checks.ledger | checks.weekly"
        ),
        "checks.ground | checks.anatomy | checks.silenced | checks.hidden | checks.outcomes",
        "checks.kinship",
        (
            "checks.fingerprint checks.gain checks.verdict checks.scoring checks.waivers"
            " checks.plan | checks.matching"
        ),
        (
            "checks.standard checks.standardfields checks.rollout checks.waiverrules checks.weights"
            " checks.gate checks.proof"
        ),
        "checks.judge | checks.reading checks.lintcontext",
        "checks.rules",
        "checks.check checks.project | checks.git* checks.mirror checks.cloneurl",
        "checks.authorship | checks.codeowners",
        "checks.source checks.memorysource checks.component | checks.outline",
        "checks.facts | checks.addresses",
        (
            "checks.model | checks.cycles | checks.edits | checks.errors | checks.toml"
            " | checks.globs | checks.pathpatterns"
        ),
    )
)

# The verbs are the only callers of the library.
CALLERS_OF_CHECKS = frozenset(
    {
        "dashboard.clause_forms",
        "dashboard.forms",
        "dashboard.gate_form",
        "dashboard.services",
        "dashboard.waiver_forms",
    }
)

ALLOWED_IN_CHECKS = frozenset(
    {"checks", "git", "msgspec", "packaging", "pathspec", "radon", "ruff", "tomli", "yaml"}
)

type Place = tuple[int, int]


def place_of(name: str) -> Place | None:
    """Return floor (0 is the roof) and room of a module, by itself or by its package."""
    node = ".".join(name.split(".")[:2])
    for level, floor in enumerate(FLOORS):
        for number, room in enumerate(floor):
            if any(fnmatchcase(node, name) for name in room):
                return level, number
    return None


def homeless(modules: Iterable[Module]) -> list[str]:
    """Return the modules that have no floor; the two packages themselves need none."""
    return sorted({m.name for m in modules if "." in m.name and place_of(m.name) is None})


def upward(modules: tuple[Module, ...]) -> list[str]:
    """Return the arrows that point up, or across to another room of the same floor."""
    known = frozenset(module.name for module in modules)
    wrong = set()
    for module in modules:
        for arrow in imports(module):
            target = inside(arrow.imported, known)
            if target is not None and not _points_down(module.name, target):
                wrong.add(f"{module.path}:{arrow.line} imports {target}")
    return sorted(wrong)


def _points_down(importer: str, imported: str) -> bool:
    above, below = place_of(importer), place_of(imported)
    if above is None or below is None:
        return True
    crosses = importer.startswith("dashboard.") and imported.startswith("checks.")
    if crosses and ".".join(importer.split(".")[:2]) not in CALLERS_OF_CHECKS:
        return False
    return above[0] < below[0] or above == below


def foreign(modules: Iterable[Module]) -> list[str]:
    """Return what the library imports beyond the standard library and its few dependencies."""
    allowed = ALLOWED_IN_CHECKS | sys.stdlib_module_names
    return [
        f"{module.path}:{arrow.line} imports {arrow.imported}"
        for module in modules
        if module.name.split(".")[0] == "checks"
        for arrow in imports(module)
        if arrow.imported.split(".")[0] not in allowed
    ]


def circles(arrows: Iterable[Import], known: frozenset[str]) -> list[str]:
    """Return the modules that reach themselves through imports that happen at run time."""
    graph: dict[str, set[str]] = {}
    for arrow in arrows:
        target = inside(arrow.imported, known)
        if target is not None and not arrow.typing_only:
            graph.setdefault(arrow.importer, set()).add(target)
    return sorted(name for name in graph if name in _reached(graph, name))


def _reached(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    pending = [*graph.get(start, ())]
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            pending.extend(graph.get(name, ()))
    return seen


def test_every_module_has_a_floor() -> None:
    assert not homeless(source_tree.product()), "give these a floor in FLOORS"


def test_every_floor_is_lived_in() -> None:
    nodes = {".".join(module.name.split(".")[:2]) for module in source_tree.product()}
    named = {name for floor in FLOORS for room in floor for name in room}
    empty = {name for name in named if not fnmatch.filter(nodes, name)}
    assert not empty, "these modules are gone: take them out of FLOORS"


def test_arrows_only_point_down() -> None:
    assert not upward(source_tree.product())


def test_the_library_knows_no_framework() -> None:
    assert not foreign(source_tree.product())


def test_no_module_imports_itself_in_a_circle() -> None:
    known = frozenset(module.name for module in source_tree.product())
    arrows = [arrow for module in source_tree.product() for arrow in imports(module)]
    assert not circles(arrows, known)


def test_the_whole_library_loads_without_a_framework() -> None:
    names = [m.name for m in source_tree.product() if m.name.startswith("checks.")]
    code = (
        "import importlib, sys\n"
        f"for name in {[name for name in names if not name.endswith('__main__')]!r}:\n"
        "    importlib.import_module(name)\n"
        "print({'django', 'celery', 'kombu', 'redis', 'dashboard'} & {*sys.modules})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "set()"


def test_nothing_of_the_product_imports_the_tests() -> None:
    assert not [
        arrow
        for module in source_tree.product()
        for arrow in imports(module)
        if arrow.imported.split(".")[0] == "tests"
    ]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("checks/model.py", "from checks.verdict import judge"),
        ("checks/verdict.py", "def late():\n    import checks.review"),
        ("checks/facts/syntax.py", "from checks.source import Source"),
        ("checks/gitsource.py", "from checks.project import names"),
        ("dashboard/models/scan.py", "from dashboard.services import scanning"),
        ("dashboard/views/scans.py", "from dashboard import tasks"),
        ("dashboard/views/scans.py", "from checks.verdict import judge"),
        ("dashboard/models/scan.py", "if TYPE_CHECKING:\n    from checks.model import Report"),
    ],
)
def test_an_arrow_that_points_up_or_across_is_seen(path: str, text: str) -> None:
    house = [parse(f"{name.replace('.', '/')}.py", "") for name in _everyone() - {path[:-3]}]
    assert len(upward((*house, parse(path, text)))) == 1


def _everyone() -> set[str]:
    named = {name for floor in FLOORS for room in floor for name in room}
    return {name for name in named if "*" not in name} | {
        "checks.gitsource",
        "dashboard.services.scanning",
        "checks.project.names",
    }


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("checks/review.py", "from checks.verdict import judge"),
        ("dashboard/services/scanning.py", "from checks.review import review"),
        ("dashboard/services/scanning.py", "from dashboard.services import mirrors"),
        ("dashboard/views/scans.py", "import json"),
    ],
)
def test_an_arrow_that_points_down_is_left_alone(path: str, text: str) -> None:
    house = [parse(f"{name.replace('.', '/')}.py", "") for name in _everyone() - {path[:-3]}]
    assert not upward((*house, parse(path, text)))


def test_a_framework_in_the_library_is_seen() -> None:
    hidden = parse("checks/report/html.py", "def render():\n    from django import template")
    assert foreign([hidden]) == ["checks/report/html.py:2 imports django.template"]


def test_a_module_without_a_floor_is_seen() -> None:
    assert homeless([parse("checks/helpers.py", ""), parse("checks/facts/new.py", "")]) == [
        "checks.helpers"
    ]


def test_a_circle_is_seen_and_one_for_types_only_is_not() -> None:
    first = parse("checks/facts/a.py", "import checks.facts.b")
    second = parse("checks/facts/b.py", "if TYPE_CHECKING:\n    import checks.facts.a")
    third = parse("checks/facts/b.py", "def late():\n    import checks.facts.a")
    known = frozenset({first.name, second.name})
    assert not circles([*imports(first), *imports(second)], known)
    assert circles([*imports(first), *imports(third)], known) == sorted(known)
