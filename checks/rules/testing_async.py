"""The check of async tests: that something runs them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from checks.check import Answer, At, Sites, check
from checks.facts import tree
from checks.project.project import Project
from checks.project.subjects import Function

_PLUGIN = "pytest-asyncio"
_RUNNERS = frozenset({"asyncio.run", "asyncio.Runner", "asyncio.runners.run", "anyio.run"})
_LOOPS = frozenset({"run_until_complete"})
_CASES = ("IsolatedAsyncioTestCase", "AsyncTestCase", "AsyncHTTPTestCase", "AioHTTPTestCase")
_OTHERS = frozenset({"anyio", "trio", "tornado", "gen_test"})


def has_async(project: Project) -> str | None:
    """Any async test, or any async function of production code, where there are tests or code."""
    if any(test.is_async for test in project.suite.all):
        return None
    if any(f.is_async for file in project.production for f in file.facts.functions):
        return None
    return "nothing is async"


@check("async-tests-configured", applies=has_async)
def async_tests_configured(project: Project, *, require_mark: bool = False) -> Answer:
    """Async tests run in an event loop, by pytest-asyncio.

    Without the plugin and its mark pytest skips a coroutine, or calls it passed, and tests
    nothing.

    Instead: ``asyncio_mode = "auto"``, or ``@pytest.mark.asyncio``.

    Known problems: a mark that a hook of conftest.py adds is seen only as a call of
    ``add_marker``. Tests that anyio's plugin runs are named, since pytest-asyncio is asked for;
    ``IsolatedAsyncioTestCase`` and
    the cases of Django have a loop of their own. A sync test that only calls ``asyncio.run``
    is a site where it does.
    """
    tests = [test for test in project.suite.all if test.is_async and not _has_own_loop(test)]
    driven = list(_driven(project))
    installed = _installs(project)
    if not tests and not driven:
        if installed:
            return None
        path = next(iter(project.manifests.paths), "")
        return At(1, "pytest-asyncio is no development dependency", path=path, anchor=_PLUGIN)
    found = []
    for test in tests:
        reason = _unmarked(test, require_mark) if installed else "runs without pytest-asyncio"
        if reason:
            message = f"`{test.name}` {reason}"
            found.append(At(test.line, message, path=test.path, symbol=test.symbol))
    found += [
        At(test.line, f"`{test.name}` drives a coroutine itself", path=test.path,
           symbol=test.symbol)
        for test in driven
    ]  # fmt: skip
    return Sites(len(tests) + len(driven), found)


def _has_own_loop(test: Function) -> bool:
    names = () if test.cls is None else test.cls.ancestors
    return any(name.endswith(_CASES) or name.startswith("django.") for name in names)


def _driven(project: Project) -> Iterator[Function]:
    """Sync tests that run a coroutine by hand."""
    for test in project.suite.all:
        if not test.is_async:
            names = {call.last for call in test.calls}
            if names & _LOOPS or (
                "run" in names and any(call.name in _RUNNERS for call in test.calls)
            ):
                yield test


def _installs(project: Project) -> bool:
    """Whether pytest-asyncio is there when the tests run."""
    if any(each.name == _PLUGIN for each in project.manifests.dependencies):
        return True
    if not project.manifests.paths:
        return bool(project.tools.evidence(_PLUGIN)) or _is_auto(project)
    return any(
        _PLUGIN in " ".join(run.words).replace("_", "-") for run in project.ci.runs if run.words
    )


def _unmarked(test: Function, require_mark: bool) -> str:
    project = test.file.project
    marks = project.suite.marks(test)
    if "asyncio" in marks:
        return ""
    if marks & _OTHERS:
        return f"is run by {min(marks & _OTHERS)}, not by pytest-asyncio"
    if not require_mark and (_is_auto(project) or _is_added(project, test)):
        return ""
    return "has no mark `asyncio`"


def _is_auto(project: Project) -> bool:
    """``asyncio_mode = auto`` in a configuration or on a command line."""
    if any(str(table.get("asyncio_mode")) == "auto" for _, _, table in project.tools.pytest):
        return True
    lines = [words for _, _, words in project.tools.pytest_options]
    lines += [list(run.words) for run in project.ci.runs if "pytest" in run.words]
    lines += [list(each.words) for each in project.scripts.commands if "pytest" in each.words]
    return any(_sets_auto(words) for words in lines)


def _sets_auto(words: list[str]) -> bool:
    joined = {f"{first}={second}" for first, second in pairwise(words)} | set(words)
    return bool(joined & {"--asyncio-mode=auto", "asyncio_mode=auto", "-o=asyncio_mode=auto"})


def _is_added(project: Project, test: Function) -> bool:
    """A hook of conftest.py adds the mark to what is collected."""
    for conftest in project.suite.conftests(test.file):
        for call in conftest.calls_named("add_marker"):
            texts = (tree.text_of(arg) or tree.dotted(arg) for arg in call.fact.args)
            if any(text.rpartition(".")[2] == "asyncio" for text in texts):
                return True
    return False
