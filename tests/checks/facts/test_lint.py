"""What ruff is asked for, and what its answers mean."""

from __future__ import annotations

import pytest

from checks.facts.lint import (
    LintContext,
    LongLine,
    arguments,
    kind_of_fact,
    selectable,
    shape_of,
)


def _configuration(context: LintContext) -> list[str]:
    words = arguments(context)
    return [words[place + 1] for place, word in enumerate(words) if word == "--config"]


def test_only_codes_of_rules_that_judge_content_are_run() -> None:
    codes = ["T201", "N999", "E501", "T201", "; rm", "PLR2004", "INP001", "ALL", "--fix"]
    assert selectable(codes) == ("E501", "PLR2004", "T201")


def test_ruff_is_isolated_from_every_configuration_and_every_ignore_file() -> None:
    words = arguments(LintContext(("T201",)))
    assert {"--isolated", "--no-cache", "--no-respect-gitignore", "--ignore-noqa"} <= set(words)
    assert words[words.index("--select") + 1] == "T201"


def test_the_options_of_a_projects_import_sorter_are_taken_over() -> None:
    context = LintContext(
        ("I001",),
        target_version="py311",
        first_party=("app", "shop.core"),
        line_length=100,
        isort=(
            ("force-single-line", True),
            ("lines-after-imports", 2),
            ("known-third-party", ("x",)),
        ),
    )
    configuration = _configuration(context)
    assert "line-length=100" in configuration
    assert 'lint.isort.known-first-party=["app","shop.core"]' in configuration
    assert "lint.isort.force-single-line=true" in configuration
    assert "lint.isort.lines-after-imports=2" in configuration
    assert 'lint.isort.known-third-party=["x"]' in configuration
    assert arguments(context)[arguments(context).index("--target-version") + 1] == "py311"


@pytest.mark.parametrize(
    "context",
    [
        LintContext(("I001",), isort=(("extend", "/etc/passwd"), ("force-single-line", "yes"))),
        LintContext(("I001",), isort=(("relative-imports-order", "x]\nextend='/etc/passwd'"),)),
        LintContext(("I001",), first_party=("a b", "../x", "", "a" * 200)),
        LintContext(("I001",), target_version="py39; --fix"),
    ],
)
def test_words_of_a_repository_that_are_no_option_never_reach_ruff(context: LintContext) -> None:
    assert arguments(context) == arguments(LintContext(("I001",)))


@pytest.mark.parametrize(
    ("line", "limit", "exceeds"),
    [
        (LongLine(1, 89, 0, 1), 88, True),
        (LongLine(1, 88, 0, 1), 88, False),
        (LongLine(1, 120, 85, 1), 88, False),
        (LongLine(1, 120, 85, 1), 79, True),
    ],
)
def test_a_long_line_is_judged_by_any_limit(line: LongLine, limit: int, *, exceeds: bool) -> None:
    assert line.exceeds(limit) is exceeds


def test_facts_are_shared_where_nothing_that_matters_differs() -> None:
    context = LintContext(("I001",), first_party=("app",))
    assert kind_of_fact(context, shape_of("a.py")) == kind_of_fact(context, shape_of("test_b.py"))
    kinds = {
        kind_of_fact(context, shape_of(name))
        for name in ("a.py", "__init__.py", "__main__.py", "a.pyi")
    }
    kinds.add(kind_of_fact(LintContext(("I001",)), ""))
    assert len(kinds) == 5
