"""Work that is done once."""

from __future__ import annotations

from checks.project.once import once
from tests.checks.projects import project

ASKED: list[tuple[str, int]] = []


@once
def size(subject: object, factor: int = 1) -> int:
    ASKED.append((str(subject), factor))
    return factor * len(str(subject))


@once
def nothing(subject: object) -> None:
    ASKED.append((str(subject), 0))


def test_an_answer_is_worked_out_once_for_each_subject_and_limit() -> None:
    ASKED.clear()
    made = project({"a.py": "x = 1\n", "b.py": "y = 2\n"})
    one, other = made.files
    assert size(one) == size(one)
    assert size(one, 2) == 2 * size(one) == size(one, 2)
    assert size(other) == size(other)
    assert len(ASKED) == 3


def test_an_answer_that_is_none_is_remembered_too() -> None:
    ASKED.clear()
    [file] = project({"a.py": "x = 1\n"}).files
    assert nothing(file) is nothing(file)
    assert len(ASKED) == 1
