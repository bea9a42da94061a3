"""Checks of modules and their tests: that there are some, where they lie, what they show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from checks.check import Answer, At, Sites, Skip, check
from checks.project.project import Project
from checks.project.subjects import File
from checks.rules.applies import has_tests

_DATA = frozenset("schema orm orm-base document enum exception http-exception settings".split())
_CROSS = re.compile(
    r"(architecture|smoke|imports?|layers?|conventions?|regressions?|main|app|sanity|version|docs"
    r"|readme|packaging|migrations?|health(check)?)(_\w+)?"
)
_UNIT = re.compile(r"unit(?:_?tests?)?")
_SUPPORT = re.compile(
    r"conftest|(?:.*_)?(?:fixtures?|factor(?:y|ies)|helpers?|utils?|mocks?|fakes?)"
)


def _behaves(project: Project) -> str | None:
    if any(_has_behaviour(file) for file in project.production):
        return None
    return "no function in production code"


@check("package-has-tests", applies=_behaves)
def package_has_tests(
    project: Project,
    *,
    level: str = "module",
    max_depth: int = 1,
    exempt: Sequence[str] = (
        "**/__init__.py", "**/main.py", "**/asgi.py", "**/wsgi.py", "**/settings.py",
        "**/config.py",
    ),
) -> Answer:  # fmt: skip
    """Each module with behaviour is tested.

    What no test imports or requests breaks without anybody noticing.

    Instead: a test file for the module.

    Known problems: an import says that a module is tested, not how well. A routes module counts
    as tested when one of its routes is requested; what is imported by a module that tests import
    counts too; of what the application imports only routes modules do.
    """
    tested = _tested(project, max_depth)
    files = [
        file
        for file in project.production
        if _has_behaviour(file) and not any(_matches(file.path, each) for each in exempt)
    ]
    if not files:
        return Skip("no module with behaviour")
    if level == "package":
        return _packages(project, files, tested)
    found = [
        At(1, f"No test reaches `{file.module}`", path=file.path, symbol=file.module)
        for file in files
        if file.path not in tested
    ]
    return Sites(len(files), found)


def _packages(project: Project, files: list[File], tested: set[str]) -> Sites:
    folders: dict[str, list[File]] = {}
    for file in files:
        folders.setdefault(file.path.rpartition("/")[0], []).append(file)
    found = [
        At(1, f"No test reaches the package `{folder or '.'}`", path=members[0].path,
           symbol=members[0].module, anchor=folder)
        for folder, members in folders.items()
        if not any(file.path in tested for file in members)
    ]  # fmt: skip
    return Sites(len(folders), found)


def _matches(path: str, pattern: str) -> bool:
    return fnmatchcase(path, pattern) or (
        pattern.startswith("**/") and fnmatchcase(path, pattern[3:])
    )


def _has_behaviour(file: File) -> bool:
    """A function or a class with methods, stubs and the ``__init__`` of data left out."""
    classes = file.project.classes
    for function in file.functions:
        if function.fact.parent >= 0 or function.fact.shape == "stub":
            continue
        owner = function.cls
        if owner is None:
            return True
        dunder = function.name.startswith("__") and function.name not in {"__call__", "__init__"}
        if not dunder and (function.name != "__init__" or classes.role(owner) not in _DATA):
            return True
    return False


def _tested(project: Project, max_depth: int) -> set[str]:
    """Files that tests reach: by import, by request, and through what they import."""
    suite = project.suite
    direct = {
        other.path
        for file in project.tests
        for other, _ in suite.imported(file)
        if not other.is_test
    }
    for method_path in project.requests.covered:
        direct |= project.requests.handlers.get(method_path, set())
    if project.requests.fuzzed:
        direct |= project.routes.modules
    if any("--doctest-modules" in words for _, _, words in project.tools.pytest_options):
        direct |= {f.path for f in project.production if ">>>" in _docstrings(f)}
    reached = set(direct)
    front = direct
    for _ in range(max_depth):
        wider: set[str] = set()
        for path in sorted(front):
            file = project.by_path[path]
            named = {other.path for other, _ in suite.imported(file)}
            is_app = path in project.routes.app_modules
            wider |= named & project.routes.modules if is_app else named
        front = wider - reached
        reached |= front
    return reached


def _docstrings(file: File) -> str:
    facts = file.facts
    texts = [facts.docstring, *(row.docstring for row in facts.functions)]
    return "\n".join(text for text in (*texts, *(row.docstring for row in facts.classes)) if text)


# Where tests lie ----------------------------------------------------------------------------------


@check("tests-mirror-source", applies=has_tests)
def mirrored_tests(
    project: Project,
    *,
    roots: Sequence[str] = ("tests/unit", "tests"),
    exempt: Sequence[str] = ("integration", "e2e", "functional", "performance"),
) -> Answer:
    """Unit tests lie where the modules lie that they test.

    So the test of a module is found without searching, and a missing one is seen.

    Instead: ``tests/unit/services/test_prices.py`` for ``app/services/prices.py``.

    Known problems: the first root that holds tests is asked about, in every component. The
    source root and the name of the package may be left out on both sides; plural and singular
    agree; a topic may follow the module's name. Tests of the whole project, by names such as
    smoke and architecture, are no sites. The name of the folder may be repeated.
    """
    packages = {file.path.rpartition("/")[0] for file in project.production}
    if len(packages) < 2:
        return Skip("fewer than two production packages")
    places = _places(project)
    count, found = 0, []
    for file, below in _unit_tests(project, roots):
        folders = [part for part in below.split("/")[:-1] if not _UNIT.fullmatch(part)]
        stem = _bare(file.stem)
        words = {word for part in (*folders, stem) for word in (part, *part.split("_")[:1])}
        if not stem or not words.isdisjoint(exempt) or file.stem in exempt:
            continue
        if _SUPPORT.fullmatch(file.stem) or _CROSS.fullmatch(stem):
            continue
        if not project.suite.collected(file):
            continue
        count += 1
        if not _corresponds(places, folders, stem):
            text = f"`{below}` mirrors no module"
            found.append(At(1, text, path=file.path, symbol=file.module))
    return Sites(count, found) if count else Skip("no unit test")


def _unit_tests(project: Project, roots: Sequence[str]) -> Iterator[tuple[File, str]]:
    """Test files with their path below the nearest unit test directory of their component."""
    given = [file for file in project.tests if file.name.startswith("test_")
             or file.name.endswith("_test.py")]  # fmt: skip
    done: set[str] = set()
    for root in roots:
        bases: set[str] = set()
        for file in given:
            head, slash, below = f"/{file.path}".partition(f"/{root}/")
            if slash and head not in done:
                bases.add(head)
                yield file, below
        done |= bases


def _bare(stem: str) -> str:
    return stem.removeprefix("test_").removesuffix("_test")


def _single(word: str) -> str:
    """A word in the singular, as far as file names go."""
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _places(project: Project) -> set[tuple[str, ...]]:
    """Every tail of every module and package path, in the singular."""
    found: set[tuple[str, ...]] = set()
    for file in project.analysed:
        if file.is_test or file.is_migration:
            continue
        parts = [_single(part) for part in file.module.split(".")]
        found.update(tuple(parts[start:]) for start in range(min(2, len(parts))))
        found.update(tuple(parts[start:-1]) for start in range(min(2, len(parts) - 1)))
    return found


def _corresponds(places: set[tuple[str, ...]], folders: list[str], stem: str) -> bool:
    mirrored = [_single(_bare(each)) for each in folders]
    if mirrored and tuple(mirrored) in places and stem.startswith(f"{folders[-1]}_"):
        stem = stem.removeprefix(f"{folders[-1]}_")  # case/test_case_service.py: case.service
    words = stem.split("_")
    for end in range(len(words), 0, -1):
        name = "_".join(words[:end])
        tails = ((*mirrored, prefix + _single(name)) for prefix in ("", "_"))
        if any(tail in places for tail in tails):
            return True
    return bool(mirrored) and mirrored[-1] == _single(words[0]) and tuple(mirrored) in places
