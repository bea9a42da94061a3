"""Ruff over batches of blobs, with the one file that it dies of found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from checks.facts.lint import LintContext, LintFact, Shape
from checks.facts.ruffrun import LintAnswer, LintFile, LintRun

RULES = ("ANN001", "ANN204", "D205", "E501", "I001", "PLR2004", "T201", "TID252")
CRASHES = b"x = 1" + b"+1" * 20_000 + b"\n"


def _run(
    files: dict[int, bytes], scratch: Path, context: LintContext | None = None, shape: Shape = ""
) -> dict[int, LintAnswer]:
    tasks = [LintFile(task, shape, data) for task, data in files.items()]
    run = LintRun(tasks, context or LintContext(RULES), scratch)
    run.start()
    answers = list(run.finish(lambda: None))
    assert len(answers) == len(files)
    assert list(scratch.iterdir()) == []
    return {answer.task: answer for answer in answers}


def _fact(data: bytes, scratch: Path, context: LintContext | None = None) -> LintFact:
    fact = _run({0: data}, scratch, context)[0].fact
    assert fact is not None
    return fact


def test_each_file_gets_its_own_diagnostics_in_order(tmp_path: Path) -> None:
    answers = _run({7: b"print(1)\nprint(2)\n", 3: b"import b\nimport a\n", 5: b""}, tmp_path)
    codes = {task: [d.code for d in a.fact.diagnostics] for task, a in answers.items() if a.fact}
    assert codes == {7: ["T201", "T201"], 3: ["I001"], 5: []}
    first = answers[7].fact
    assert first is not None
    assert (first.diagnostics[0].line, first.diagnostics[0].column) == (1, 1)
    assert "print" in first.diagnostics[0].message


def test_a_noqa_hides_nothing_and_its_line_is_told(tmp_path: Path) -> None:
    fact = _fact(b'print("""\n""")  # noqa\n# ruff: noqa\n', tmp_path)
    assert [(d.code, d.line, d.noqa_line) for d in fact.diagnostics] == [("T201", 1, 2)]


def test_what_does_not_parse_gives_no_syntax_error_as_a_finding(tmp_path: Path) -> None:
    assert _fact(b"def f(:\n", tmp_path) == LintFact(reformatted=())


def test_a_legacy_encoding_is_read_and_a_binary_is_refused_with_its_reason(tmp_path: Path) -> None:
    answers = _run({0: b"# coding: latin-1\nprint('\xe9')\n", 1: b"x = '\0'\n"}, tmp_path)
    assert answers[0].fact is not None
    assert [d.code for d in answers[0].fact.diagnostics] == ["T201"]
    assert (answers[1].fact, answers[1].note) == (None, "contains NUL bytes")


def test_the_file_that_ruff_dies_of_is_found_and_the_rest_is_kept(tmp_path: Path) -> None:
    files = dict.fromkeys(range(40), b"print(1)\n")
    answers = _run({**files, 13: CRASHES, 31: CRASHES}, tmp_path)
    notes = {task: answer.note for task, answer in answers.items() if answer.note}
    assert notes == {13: "ruff crashed on it", 31: "ruff crashed on it"}
    assert all(a.fact and a.fact.diagnostics for task, a in answers.items() if task not in notes)


@pytest.mark.parametrize("option", [("known-third-party", ("a[",)), ("lines-between-types", -1)])
def test_an_option_that_ruff_refuses_costs_that_option_only(
    option: tuple[str, tuple[str, ...] | int], tmp_path: Path
) -> None:
    fact = _fact(b"print(1)\nimport b\nimport a\n", tmp_path, LintContext(RULES, isort=(option,)))
    assert [each.code for each in fact.diagnostics] == ["T201", "I001"]


def test_rules_that_ruff_does_not_know_are_told_of_each_file_and_not_kept(tmp_path: Path) -> None:
    answer = _run({0: b"x = 1\n"}, tmp_path, LintContext(("XYZ999",)))[0]
    assert answer.fact is None
    assert "refused" in answer.note
    assert not answer.lasting


@pytest.mark.parametrize(
    ("context", "ordered"),
    [
        (LintContext(("I001",)), b"import app\nimport fastapi\n"),
        (LintContext(("I001",), first_party=("app",)), b"import fastapi\n\nimport app\n"),
        (
            LintContext(("I001",), isort=(("force-single-line", True),)),
            b"from a import b\nfrom a import c\n",
        ),
    ],
)
def test_import_order_follows_the_project(
    context: LintContext, ordered: bytes, tmp_path: Path
) -> None:
    assert _fact(ordered, tmp_path, context).diagnostics == ()
    others = [LintContext(("I001",)), LintContext(("I001",), first_party=("app",))]
    others = [other for other in others if other != context]
    assert any(_fact(ordered, tmp_path, other).diagnostics for other in others)


@pytest.mark.parametrize(("shape", "code"), [("", "D100"), ("init", "D104")])
def test_an_init_file_is_one_to_ruff(shape: Shape, code: str, tmp_path: Path) -> None:
    context = LintContext(("D100", "D104"))
    fact = _run({0: b"x = 1\n"}, tmp_path, context, shape)[0].fact
    assert fact is not None
    assert [d.code for d in fact.diagnostics] == [code]


_LINES = [
    'x = "%s"' % ("word " * 20),
    "# short https://example.com/" + "a" * 90,
    "# " + "filler " * 11 + "https://example.com/" + "a" * 40,
    "# " + "filler " * 13 + "https://example.com/" + "a" * 40,
    "#" + "a" * 120,
    'y = "' + "wort ä " * 12 + '"  # noqa: E501',
    'z = "' + "日本語 " * 12 + '"',
    "\tw = [" + "1, " * 26 + "]",
    "# see https://example.com/ and then " + "more words " * 7,
    'u = "' + "filler " * 9 + 'https://example.com/日本語日本語日本語"',
]


@pytest.mark.parametrize("limit", [79, 80, 88, 100, 120])
def test_long_lines_agree_with_ruff_at_every_limit(limit: int, tmp_path: Path) -> None:
    text = "\n".join(_LINES) + "\n"
    fact = _fact(text.encode(), tmp_path)
    source = tmp_path / "x.py"
    source.write_text(text)
    words = ["check", "--isolated", "--no-cache", "--ignore-noqa", "--output-format", "concise"]
    words += [
        "--select",
        "E501",
        "--config",
        f"lint.pycodestyle.max-line-length={limit}",
        str(source),
    ]
    ruff = Path(sys.executable).parent / "ruff"
    run = subprocess.run([ruff, *words], capture_output=True, text=True, check=False)
    theirs = [int(line.split(":")[1]) for line in run.stdout.splitlines() if " E501 " in line]
    assert [line.line for line in fact.long_lines if line.exceeds(limit)] == theirs
    source.unlink()


def test_more_output_than_is_kept_is_a_note_of_that_file(tmp_path: Path) -> None:
    """The child's own limit on files ends ruff; here it is set on this process's children."""
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from checks.facts.ruffrun import *; from checks.facts.lint import LintContext\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "files = [LintFile(0, '', b'print(1)\\n'), LintFile(1, '', b'print(1)\\n' * 9_000)]\n"
        "run = LintRun(files, LintContext(('T201',)), Path(sys.argv[1])); run.start()\n"
        "print(sorted((a.task, a.note, bool(a.fact)) for a in run.finish(lambda: None)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == (
        "[(0, '', True), (1, 'ruff reported more than is kept of one file', False)]"
    )


def test_sections_of_docstrings_are_judged_by_the_convention_of_their_file(tmp_path: Path) -> None:
    numpy = b'''"""Do.

Returns
-------
int
    One.
"""
'''
    google = numpy.replace(b"Returns\n-------\nint\n    One.", b"Returns\n    One.")
    answers = _run({1: numpy, 2: google}, tmp_path, LintContext(("D410", "D416")))
    found = {task: [d.code for d in a.fact.diagnostics] for task, a in answers.items() if a.fact}
    assert found == {1: [], 2: ["D416"]}
