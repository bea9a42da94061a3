"""Tests: which assertions look at doubles only, and which frameworks they use."""

from __future__ import annotations

import pytest

from checks.model import Outcome
from tests.checks.projects import ask, ask_read, lines

HEAD = "import pytest\nfrom unittest.mock import Mock\n\n\n"


def mocked(body: str) -> Outcome:
    """``mock-only-assertions`` for one test with this body."""
    code = f"{HEAD}def test_it():\n    rate = Mock()\n    {body}\n"
    return ask("mock-only-assertions", {"tests/test_a.py": code})


@pytest.mark.parametrize(
    "body",
    ["rate.assert_called_with(3)", "assert rate.called", "assert rate.call_count == 2",
     "assert not rate.get.called", "assert rate.return_value.get.call_count == 1"],
)  # fmt: skip
def test_assertions_that_count_calls_are_no_behaviour(body: str) -> None:
    assert lines(mocked(body)) == [5]


@pytest.mark.parametrize(
    "body",
    ["assert rate.call_args.kwargs['subject'] == 'x'", "assert rate() == 2",
     "with pytest.raises(ValueError):\n        rate()",
     "check_total(rate)"],
)  # fmt: skip
def test_assertions_that_look_at_content_are_behaviour(body: str) -> None:
    assert lines(mocked(f"{body}\n    rate.assert_called_once()")) == []


def test_what_only_goes_out_weighs_half() -> None:
    code = f"{HEAD}def test_it():\n    mailer = Mock()\n    mailer.send.assert_called_once()\n"
    outcome = ask("mock-only-assertions", {"tests/test_a.py": code})
    assert [each.weight for each in outcome.observations] == [0.5]


def test_a_helper_that_asserts_counts() -> None:
    helper = "def total_is(rate):\n    assert rate.total == 2\n"
    code = f"{HEAD}from tests.help import total_is\n\n\ndef test_it():\n    rate = Mock()\n"
    code += "    total_is(rate)\n    rate.assert_called_once()\n"
    files = {"tests/test_a.py": code, "tests/help.py": helper, "tests/__init__.py": ""}
    assert lines(ask("mock-only-assertions", files)) == []


PYPROJECT = '[dependency-groups]\ndev = ["pytest"]\n'


def other_framework(code: str, **others: str) -> list[int]:
    """Lines of ``pytest-only`` in one test file."""
    return lines(ask_read("pytest-only", {"tests/test_a.py": code, **others}))


def test_a_case_of_any_framework_is_found_through_a_base_of_the_project() -> None:
    code = """from django.test import TestCase


class Base(TestCase):
    pass


class UserTest(Base):
    def test_it(self):
        assert True
"""
    assert other_framework(code, **{"pyproject.toml": PYPROJECT}) == [8]


def test_without_any_trace_of_pytest_each_test_file_is_found() -> None:
    code = "def test_it():\n    assert True\n"
    assert other_framework(code) == [1]
    assert other_framework(code, **{"pyproject.toml": PYPROJECT}) == []
    assert other_framework(f"import pytest\n\n\n{code}") == []
    assert other_framework(code, **{"pytest.ini": "[pytest]\naddopts = -q\n"}) == []


def test_a_handler_that_is_named_like_a_test_is_none() -> None:
    code = (
        "from fastapi import APIRouter\nrouter = APIRouter()\n"
        "@router.post('/test')\nasync def test_mail():\n    return 1\n"
    )

    assert ask_read("pytest-only", {"app/test_mail.py": code}).sites == 0
    assert ask_read("pytest-only", {"app/test_mail.py": code.replace("@router", "#")}).sites == 1
