"""Caches, and what is done with them."""

from __future__ import annotations

import pytest

from checks.project.caches import words
from tests.checks.projects import parsed

HEAD = """import redis
from cachetools import TTLCache as T
from functools import lru_cache
own = T(9, 9)
PREFIX = "order:item"
"""


def operations(code: str) -> list[tuple[str, str]]:
    """Kind and backend of each operation."""
    project = parsed({"app/a.py": HEAD + code})
    return [(each.kind, each.backend) for each in project.caches.operations]


def test_caches_in_the_process_are_objects_dicts_and_memoised_functions() -> None:
    code = "user_cache = {}\nusers = {}\n@lru_cache\ndef load(x): ...\n"
    code += (
        "class A:\n    def __init__(self):\n        self._cache: dict = {}\n        cache = {}\n"
    )
    held = parsed({"app/a.py": HEAD + code}).caches.held
    assert [(each.name, each.kind) for each in held] == [
        ("own", "cachetools"),
        ("user_cache", "dict"),
        ("self._cache", "dict"),
        ("load", "lru_cache"),
    ]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("own[k] = 1", [("write", "cachetools")]),
        ("return own.get(k)", [("read", "cachetools")]),
        ("del own[k]", [("delete", "cachetools")]),
        ("r.setex(k, 5, 1)", [("write", "redis")]),
        ("r.expire(k, 5)", [("expire", "redis")]),
        ("r.set(f'lock:{k}', 1)", []),
        ("r.set(k, 1, nx=True)", []),
        ("r.get(session_key)", []),
        ("other.get(k)", []),
        ("{}.get(k)", []),
    ],
)
def test_operations_are_told_by_what_they_are_called_on(
    code: str, expected: list[tuple[str, str]]
) -> None:
    assert operations(f"def f(r: redis.Redis, k, session_key, other):\n    {code}\n") == expected


def test_the_words_of_a_key_come_from_texts_and_constants() -> None:
    code = "def f(r: redis.Redis, k):\n    key = f'{PREFIX}:{k}:openTabs'\n    r.get(key)\n"
    caches = parsed({"app/a.py": HEAD + code}).caches
    assert caches.key_words(caches.operations[0]) == ["order", "item", "open", "tabs"]


def test_names_are_taken_apart_into_words() -> None:
    assert words("getUserByID_now:v2") == ["get", "user", "by", "id", "now", "v"]
