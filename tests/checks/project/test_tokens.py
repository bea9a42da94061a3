"""Claims of payloads, as far as they can be followed."""

from __future__ import annotations

import pytest

from checks.project.tokens import claims, decodes, payload, signatures
from tests.checks.projects import parsed


def held(text: str) -> tuple[set[str], bool]:
    """The claims that the only signature of a module signs."""
    file = parsed({"app/a.py": f"import jwt\n{text}"}).by_path["app/a.py"]
    (call,) = signatures(file)
    given = payload(call)
    assert given is not None
    found = claims(given)
    return set(found.names), found.complete


@pytest.mark.parametrize(
    ("text", "names", "complete"),
    [
        ("jwt.encode({'a': 1, **{'b': 2}}, 'k')\n", {"a", "b"}, True),
        ("jwt.encode({'a': 1} | {'b': 2}, 'k')\n", {"a", "b"}, True),
        ("jwt.encode(other(), 'k')\n", set(), False),
        ("jwt.encode(payload=dict(a=1, **{'b': 2}), key='k')\n", {"a", "b"}, True),
        ("def f(x):\n    x['a'] = 1\n    return jwt.encode(x, 'k')\n", {"a"}, False),
        ("def f():\n    x = {}\n    x |= {'a': 1}\n    jwt.encode(x, 'k')\n", {"a"}, True),
        ("def g(m):\n    m['a'] = 1\ndef f():\n    x = {}\n    g(x)\n    jwt.encode(x, 'k')\n",
         {"a"}, True),
        ("EXP = 'exp'\njwt.encode({EXP: 1}, 'k')\n", {"exp"}, True),
        ("def f(**x):\n    jwt.encode(x, 'k')\nf(a=1)\n", set(), False),
        ("def f():\n    x = x0\n    x = {**x}\n    jwt.encode(x, 'k')\n", set(), False),
    ],
)  # fmt: skip
def test_claims_are_followed_to_where_they_are_put_in(
    text: str, names: set[str], complete: bool
) -> None:
    assert held(text) == (names, complete)


def test_only_functions_that_sign_and_read_tokens_are_taken_for_them() -> None:
    text = "from jose import jwt\n'a'.encode()\njwt.encode({}, 'k')\njwt.decode('t', 'k')\n"
    file = parsed({"app/a.py": text}).by_path["app/a.py"]
    assert [call.line for call in signatures(file)] == [3]
    assert [call.line for call in decodes(file)] == [4]
