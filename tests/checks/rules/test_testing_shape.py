"""How a test is built: acts, rounds and assertions."""

from __future__ import annotations

import pytest

from checks.model import Outcome
from tests.checks.projects import ask, lines

REPO = (
    "class UserRepo:\n    def __init__(self, db):\n        self.db = db\n\n"
    "    def get_one(self, n):\n        return self.db\n"
)
APP = (
    "class Out:\n    a: int\n\n\ndef half(n):\n    return n // 2\n\n\n"
    "def load(n):\n    return n\n\n\ndef get_one():\n    return 1\n"
)
HEAD = (
    "import pytest\nfrom app.main import Out, get_one, half, load\n"
    "from app.repositories.user import UserRepo\n\n"
)


def shaped(check: str, body: str, name: str = "test_it", folder: str = "tests") -> Outcome:
    """What a check says of one test with this body, which begins in line 6."""
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    code = f"{HEAD}def {name}(client, items, mailer):\n{indented}"
    files = {"app/main.py": APP, "app/repositories/user.py": REPO, f"{folder}/test_a.py": code}
    return ask(check, files)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("assert half(4) == 2\nassert half(2) == 1", [7]),
        ("items.append(1)\nassert items\nitems.append(2)\nassert items", [8]),
        (("with pytest.raises(ValueError):\n    half(0)\nwith pytest.raises(ValueError):\n"
         "    half(1)"), [8]),
        ("r = client.post('/a')\nassert r\nr = client.delete('/a')\nassert r", [8]),
        ("half(4)", [5]),
        ("for n in items:\n    assert half(n)", [5]),
        ("if items:\n    assert half(1)", [5]),
    ],
)  # fmt: skip
def test_rounds_loops_and_silence_are_found(body: str, expected: list[int]) -> None:
    assert lines(shaped("arrange-act-assert", body)) == expected


@pytest.mark.parametrize(
    "body",
    [
        "assert items\nitems.append(1)\nassert len(items) == 1",
        "r = client.put('/a')\nassert r\nr = client.get('/a')\nassert r",
        "r = client.put('/a')\nassert r\nout = Out(**r.json())\nassert out.a",
        "half(4)\nassert redis_client.get('a')\nassert redis_client.get('b')",
        "r = client.put('/a')\nassert r\nusers = UserRepo(items)\nassert users.get_one(1)",
        "half(4)\nmailer.send.assert_called_once()",
        "half(4)  # must not raise",
        "check_half(half(4))",
        "with pytest.raises(ValueError) as caught:\n    half(0)\nassert caught.value",
        "a = get_one()\nb = get_one()\nassert a is b",
        "got = half(4)\nexpected = half(2)\nassert got\nassert expected",
    ],
)
def test_one_act_with_all_that_belongs_to_it_is_one_round(body: str) -> None:
    assert lines(shaped("arrange-act-assert", body)) == []


def test_a_name_may_say_that_nothing_is_raised() -> None:
    assert lines(shaped("arrange-act-assert", "half(4)", name="test_half_does_not_raise")) == []


def test_wide_tests_may_have_one_round_more() -> None:
    body = "a = client.post('/a')\nassert a\nb = client.post('/b')\nassert b"
    assert lines(shaped("arrange-act-assert", body, folder="tests/integration")) == []
    body += "\nc = client.post('/c')\nassert c"
    assert lines(shaped("arrange-act-assert", body, folder="tests/integration")) == [10]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a, b, c, d, e = items\nassert a and b and c and d and e", [5]),
        (("r = client.get('/')\nassert r.status_code == 200\ndata = r.json()\n"
         "assert data['a'] == 1\nassert data['b'] == 1\nassert len(data) == 2\n"
         "assert 'a' in r.text"), []),
        ("\n".join(f"assert half({n}) == {n}" for n in range(5)), [5]),
        ("\n".join(f"with pytest.raises(ValueError):\n    half({n})" for n in range(5)), [5]),
        ("\n".join(f"mailer.m{n}.assert_called_once()" for n in range(5)), []),
    ],
)  # fmt: skip
def test_assertions_are_counted_by_the_object_they_examine(body: str, expected: list[int]) -> None:
    assert lines(shaped("test-assertion-count", body)) == expected
