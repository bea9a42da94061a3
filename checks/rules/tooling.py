"""Checks of the tools' configuration: type checking and coverage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from checks.check import At, Skip, check
from checks.globs import matcher
from checks.project.coverage import Coverage
from checks.project.mypyconfig import MypyConfig, is_strict, mypy_configs, true
from checks.project.project import Project
from checks.rules.applies import has_python, has_tests


@check("mypy-configured", applies=has_python)
def mypy_configured(project: Project, *, strict: bool = False) -> At | None:
    """Types are checked by mypy, strictly where asked, and it is not silenced for own code.

    Instead: add mypy to the development dependencies and configure it.

    Known problems: comments inside files that loosen mypy are for another check.
    """
    evidence = project.tools.evidence("mypy")
    configs = mypy_configs(project)
    if not evidence:
        return At(0, "mypy is neither a dependency nor a hook, a CI command or configured")
    if strict and not any(is_strict(each.settings) for each in configs) and not _told(project):
        first = configs[0] if configs else None
        path, line = (first.path, first.line) if first else ("", 0)
        return At(line, "mypy is not strict", path=path, anchor="strict")
    for config in configs:
        for line, module in _silenced(project, config):
            text = f"mypy ignores all errors of `{module}`"
            return At(line, text, path=config.path, anchor=module)
    return None


def _told(project: Project) -> bool:
    """Whether a hook or CI runs mypy with --strict."""
    ran = [words for hook in project.ci.hooks.all for words in hook.programs]
    ran += [run.words for run in project.ci.runs]
    return any(words[:1] == ("mypy",) and "--strict" in words for words in ran)


def _silenced(project: Project, config: MypyConfig) -> Iterator[tuple[int, str]]:
    """(line, module pattern) of what mypy is told to be silent about and is production code."""
    if true(config.settings.get("ignore_errors")):
        yield config.line, "everything"
    for line, patterns, table in config.overrides:
        if true(table.get("ignore_errors")):
            for pattern in patterns:
                if any(_covers(pattern, name) for name in _modules(project)):
                    yield line, pattern


def _modules(project: Project) -> list[str]:
    return [project.layout.module_name(file) for file in project.production]


def _covers(pattern: str, name: str) -> bool:
    return fnmatchcase(name, pattern) or (pattern.endswith(".*") and name == pattern[:-2])


@check("coverage-threshold", applies=has_tests)
def coverage_threshold(
    project: Project,
    *,
    min_percent: int = 80,
    include: Sequence[str] = ("**/services/**", "**/repositories/**"),
) -> At | Skip | None:
    """The tests have to cover a fixed part of the code, or the run fails.

    A figure that nothing holds only ever falls.

    Instead: set ``fail_under`` in ``[tool.coverage.report]`` and run ``pytest --cov``.

    Known problems: whether the figure is reached is only known by running the tests.
    """
    coverage = Coverage(project)
    if min_percent <= 0:
        return None if coverage.measured else At(0, "Nothing measures coverage", anchor="coverage")
    best = max(coverage.thresholds, key=lambda each: each.percent, default=None)
    if best is None:
        return At(0, "No threshold of coverage is set", limit=f"{min_percent} %", anchor="none")
    if best.percent < min_percent:
        text = f"The threshold of coverage is {best.percent:g} %"
        return At(best.line, text, path=best.path, measured=f"{best.percent:g} %",
                  limit=f"{min_percent} %", anchor="low")  # fmt: skip
    for pattern in include:
        wanted = matcher((pattern,))
        files = [file.path for file in project.production if wanted(file.path)]
        cut = coverage.omitted(files)
        if cut is not None:
            text = f"`{cut.pattern}` takes `{pattern}` out of what is measured"
            return At(cut.line, text, path=cut.path, anchor=cut.pattern)
    return None
