"""Style that ruff reports: what the definitions excuse."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read, lines


def found(check: str, code: str, path: str = "app/a.py", **others: str) -> list[int]:
    """Lines of a check's findings in a project of one module and others."""
    return lines(ask_read(check, {path: code, **others}))


@pytest.mark.parametrize(
    "condition",
    ["answer.status_code == 418", "len(parts) == 7", "sys.version_info.minor == 13", "n == 404"],
)
def test_numbers_that_explain_themselves_need_no_name(condition: str) -> None:
    code = f"import sys\n\n\ndef f(answer, parts, n):\n    return {condition}\n"
    assert found("magic-numbers", code) == []


def test_a_length_is_compared_with_a_limit_that_has_a_name() -> None:
    assert found("magic-numbers", "def f(word):\n    return len(word) < 8\n") == [2]


def test_a_signed_number_is_read_with_its_sign() -> None:
    assert found("magic-numbers", "def f(n):\n    return n == -1 or n == -7\n") == [2]


def test_imports_may_follow_what_prepares_the_path_or_the_environment() -> None:
    path = "import sys\n\nROOT = '.'\nsys.path.insert(0, ROOT)\n\nimport os\n"
    environment = "from dotenv import load_dotenv\n\nload_dotenv()\n\nimport os\n"
    other = "import sys\n\nsys.setrecursionlimit(9)\n\nimport os\n"
    assert found("pep8-conformance", path) == []
    assert found("pep8-conformance", environment) == []
    assert found("pep8-conformance", other) == [5]


def test_a_comparison_with_a_column_is_query_syntax() -> None:
    model = """from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    active: Mapped[bool]
"""
    code = """from sqlalchemy import select

from app.models import User

ACTIVE = User.active == True


def f(query, other, flag):
    select(User).where(
        User.active == True,
        other.gone == None,
    )
    return flag == True
"""
    assert found("pep8-conformance", code, **{"app/models.py": model}) == [13]


def test_a_file_violates_once_with_a_place_for_each_line() -> None:
    outcome = ask_read("pep8-conformance", {"app/a.py": "a = 1 ; b = 2 \nc = 3 \n"})
    assert (outcome.sites, lines(outcome)) == (1, [1, 2])
    assert len({each.site for each in outcome.observations}) == 1


def test_a_list_that_existed_before_the_loop_and_async_loops_stay() -> None:
    code = """def f(items, out):
    for item in items:
        out.append(item * 2)


async def g(items):
    found = []
    async for item in items:
        found.append(item * 2)
    return found


def h(items):
    found = []
    for item in items:
        found.append(item * 2)
    return found
"""
    assert found("prefer-comprehensions", code) == [15]


def test_relative_imports_of_a_package_for_its_users_are_left_out() -> None:
    files = {
        "app/__init__.py": "from .a import b, c\n",
        "app/a.py": "from . import (\n    d,\n    e,\n)\n",
    }
    outcome = ask_read("absolute-imports", files)
    assert [(each.path, each.line) for each in outcome.observations] == [("app/a.py", 1)]
    parents = ask_read("absolute-imports", files, exempt_init=False, ban_relative_imports="parents")
    assert lines(parents) == []


def test_codes_of_other_tools_and_text_in_strings_are_no_bare_noqa() -> None:
    code = 'a = 1  # noqa: WPS432\nb = "# noqa"\n# ruff: noqa\nc = 1  # noqa\n'
    outcome = ask_read("noqa-with-code", {"tests/test_a.py": code})
    assert (outcome.sites, lines(outcome)) == (3, [3, 4])
