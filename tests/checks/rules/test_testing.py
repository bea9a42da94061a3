"""Doubles: traps of the definition."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

HEAD = """import unittest.mock
from unittest import mock
from unittest.mock import AsyncMock, MagicMock, Mock, PropertyMock, patch
from unittest.mock import patch as p

import pytest
from pytest_mock import MockerFixture


def test_it(mocker, other: MockerFixture, monkeypatch, client):
"""


def doubles(line: str, **params: object) -> str:
    """``none``, ``good``, ``weak`` or ``bad`` for one line of a test."""
    outcome = ask("mock-autospec", {"tests/test_a.py": f"{HEAD}    {line}\n"}, **params)
    if not outcome.sites:
        return "none"
    if not outcome.observations:
        return "good"
    return "weak" if outcome.observations[0].weight < 1 else "bad"


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("patch('a.b')", "bad"),
        ("patch('a.b', autospec=True)", "good"),
        ("patch('a.b', autospec=False)", "bad"),
        ("patch('a.b', spec=X)", "good"),
        ("patch('a.b', fake)", "good"),
        ("patch('a.b', new=fake)", "good"),
        ("patch('a.b', new_callable=PropertyMock)", "good"),
        ("patch('a.b', return_value=1)", "bad"),
        ("patch('a.b', **options)", "good"),
        ("p('a.b')", "bad"),
        ("p.object(X, 'b')", "bad"),
        ("mock.patch('a.b')", "bad"),
        ("unittest.mock.patch.object(X, 'b')", "bad"),
        ("patch.object(X, 'b', fake)", "good"),
        ("patch.dict(os.environ, {'A': '1'})", "none"),
        ("patch.multiple(X, a=1)", "none"),
        ("mocker.patch('a.b')", "bad"),
        ("mocker.patch.object(X, 'b', autospec=True)", "good"),
        ("other.patch('a.b')", "bad"),
        ("mocker.spy(X, 'b')", "none"),
        ("mocker.MagicMock()", "bad"),
        ("monkeypatch.setattr(X, 'b', 1)", "none"),
        ("client.patch('/users/1')", "none"),
        ("Mock()", "bad"),
        ("MagicMock(X)", "good"),
        ("MagicMock(spec=X)", "good"),
        ("AsyncMock(spec_set=X)", "good"),
        ("AsyncMock(name='x')", "bad"),
        ("Mock(return_value=1)", "weak"),
        ("mock.create_autospec(X)", "none"),
    ],
)
def test_a_double_is_told_by_how_it_is_made(line: str, verdict: str) -> None:
    assert doubles(line) == verdict


def test_a_specification_and_bare_mocks_count_on_demand_only() -> None:
    assert doubles("Mock()", check_bare_mocks=False) == "none"
    assert doubles("patch('a.b', spec=X)", accept_spec=False) == "bad"


def test_decorators_are_seen() -> None:
    code = "from unittest.mock import patch\n\n\n@patch('a.b')\ndef test_it(b): ...\n"
    outcome = ask("mock-autospec", {"tests/test_a.py": code})
    assert [each.line for each in outcome.observations] == [4]
