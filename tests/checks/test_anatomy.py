"""What is drawn of a commit: layers, the imports between them, and how large things are."""

from __future__ import annotations

from functools import partial

import pytest

from checks import anatomy
from checks.anatomy import Anatomy, Import, Limit, Rule, dissect
from checks.component import ComponentSource
from checks.facts.store import MemoryFactStore
from checks.fresh import judge_project
from checks.memorysource import MemorySource
from checks.reading import read_project
from checks.review import review
from checks.standard import Standard, parse
from tests.checks.projects import STORE, TIME, parsed

ROUTES = (
    "from fastapi import APIRouter\n"
    "from app.services.orders import place\n"
    "from app.repositories.orders import load\n"
    "router = APIRouter()\n"
    "@router.get('/orders')\n"
    "def orders():\n    if 1:\n        return place()\n    return load()\n"
)
SHOP = {
    "app/api.py": ROUTES,
    "app/services/orders.py": (
        "from typing import TYPE_CHECKING\nfrom app.repositories.orders import load\n"
        "if TYPE_CHECKING:\n    from app.api import router\n\n"
        "def place():\n    return load()\n"
    ),
    "app/repositories/orders.py": (
        "def load():\n    from app.services.orders import place\n    return place\n"
    ),
    "app/core.py": "LIMIT = 3\n",
    "tests/test_api.py": "def test_all(): ...\n",
}
STANDARD = """
slug = "{slug}"
title = "Layers"
summary = "Layers and sizes."

[[clause]]
id = "L-1"
section = "Layers"
requirement = "Imports point inwards."
strength = "must"
area = "layering"
checks = [{{ id = "layer-import-direction", params = {{ forbid_skipping = {skipping} }} }}]

[[clause]]
id = "L-2"
section = "Sizes"
requirement = "Functions are simple and short."
strength = "should"
area = "style"
checks = [
  {{ id = "cyclomatic-complexity", params = {{ max = {most} }} }},
  {{ id = "module-size" }},
]
"""
ORDER = ("routes", "services", "repositories", "models", "schemas")


def standard(slug: str = "strict", skipping: str = "true", most: int = 10) -> Standard:
    """A standard of two clauses."""
    text = STANDARD.format(slug=slug, skipping=skipping, most=most)
    return parse(text.encode(), "test")


def drawn(files: dict[str, str], *standards: Standard) -> Anatomy:
    """What is drawn of these files."""
    return dissect(parsed(files), standards)


def counts(found: Anatomy) -> dict[tuple[str, str], tuple[int, int]]:
    """Imports between layers, and how many of them are against a direction."""
    return {(each.source, each.target): (each.imports, each.against) for each in found.pairs}


def test_modules_are_counted_by_layer_and_imports_by_pair() -> None:
    found = drawn(SHOP, standard())

    assert found.modules == {"routes": 1, "services": 1, "repositories": 1, "": 1}
    assert found.files_of[""] == ("app/core.py",)
    assert counts(found) == {
        ("routes", "services"): (1, 0),
        ("routes", "repositories"): (1, 1),
        ("services", "repositories"): (1, 0),
        ("repositories", "services"): (1, 1),
    }
    (back,) = found.pairs[-1].rows
    assert back == Import(
        "app/repositories/orders.py",
        2,
        "app.services.orders",
        "app/services/orders.py",
        "lies further outside",
        (0,),
    )


def test_what_is_drawn_as_forbidden_is_what_the_check_finds() -> None:
    shop = parsed(SHOP)
    strict = standard()

    outcomes = judge_project(shop, [strict]).values()
    found = next(each for each in outcomes if each.check == anatomy.DIRECTION)
    pairs = dissect(shop, [strict]).pairs

    assert found.sites == sum(each.imports for each in pairs) == 4
    assert [(each.path, each.line) for each in found.observations] == sorted(
        (row.path, row.line) for each in pairs for row in each.rows if row.fault
    )


def test_each_direction_is_judged_for_the_clauses_that_ask_for_it() -> None:
    found = drawn(SHOP, standard(), standard("lax", "false"), standard("same"))

    assert found.rules == (
        Rule(ORDER, True, (("strict", "L-1"), ("same", "L-1"))),
        Rule(ORDER, False, (("lax", "L-1"),)),
    )
    rules = {(each.source, each.target): each.rows[0].rules for each in found.pairs}
    assert rules["routes", "repositories"] == (0,)
    assert rules["repositories", "services"] == (0, 1)


def test_without_a_clause_the_direction_of_the_check_is_drawn() -> None:
    found = drawn(SHOP)

    assert found.rules == (Rule(ORDER, True),)
    assert counts(found)["routes", "repositories"] == (1, 1)
    assert found.limits == ()


def test_functions_and_files_of_production_code_are_measured() -> None:
    found = drawn(SHOP, standard(most=7), standard("same", most=7), standard("lax", most=12))

    assert found.counts == {
        "complexity": {1: 2, 2: 1},
        "length": {1: 1, 2: 1, 3: 1},
        "size": {1: 1, 3: 1, 7: 1, 9: 1},
    }
    assert [(each.path, each.line, each.name, each.complexity) for each in found.functions] == [
        ("app/api.py", 6, "orders", 2),
        ("app/repositories/orders.py", 1, "load", 1),
        ("app/services/orders.py", 6, "place", 1),
    ]
    assert ("app/api.py", 9) in found.files
    assert found.limits == (
        Limit("complexity", 7, (("strict", "L-2"), ("same", "L-2"))),
        Limit("complexity", 12, (("lax", "L-2"),)),
        Limit("size", 500, (("strict", "L-2"), ("same", "L-2"), ("lax", "L-2"))),
    )


def test_of_many_the_worst_keep_their_names_and_all_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(anatomy, "MOST_NAMED", 2)
    long = "def long():\n" + "    x = 1\n" * 9
    branchy = "def branchy(a):\n    return 1 if a else 2\n"
    small = "".join(f"def f{number}():\n    return {number}\n" for number in range(20))

    found = drawn({"a.py": small + long + branchy, "b.py": "x = 1\n", "c.py": "x = 1\ny = 1\n"})

    assert sum(found.counts["complexity"].values()) == 22
    assert {each.name for each in found.functions} >= {"long", "branchy"}
    assert len(found.functions) <= 4
    assert [path for path, _ in found.files] == ["a.py", "c.py"]
    assert (found.modules[""], len(found.files_of[""])) == (3, 2)


def test_of_many_imports_those_against_the_direction_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(anatomy, "MOST_IMPORTS", 1)
    model = "from pydantic import BaseModel\nclass B(BaseModel): ...\n"
    files = {f"app/services/s{number}.py": "def go(): ...\n" for number in range(3)}
    files["app/schemas.py"] = model + "".join(
        f"from app.services import s{number}\n" for number in range(3)
    )

    (pair,) = drawn(files).pairs

    assert (pair.source, pair.imports, pair.against, len(pair.rows)) == ("schemas", 3, 3, 1)


def test_a_folder_is_drawn_with_the_paths_of_the_repository() -> None:
    files = {f"backend/{path}": text for path, text in SHOP.items()} | {"tool.py": "x = 1\n"}
    source = ComponentSource(MemorySource.of(files, time=TIME), "backend")

    found = dissect(read_project(source, STORE).project, [standard()])

    assert found.files_of["routes"] == ("backend/app/api.py",)
    assert found.pairs[-1].rows[0].target == "backend/app/services/orders.py"
    assert {each.path.split("/")[0] for each in found.functions} == {"backend"}
    assert {path.split("/")[0] for path, _ in found.files} == {"backend"}


def test_it_is_kept_as_bytes_and_read_back() -> None:
    found = drawn(SHOP, standard())

    assert anatomy.unpack(anatomy.pack(found)) == found
    for damaged in (b"", b"x", anatomy.pack(found)[:-9]):
        with pytest.raises(ValueError, match="no anatomy"):
            anatomy.unpack(damaged)


def test_a_review_draws_when_it_is_asked_also_of_a_commit_it_knows() -> None:
    source, store = MemorySource.of(SHOP, time=TIME), MemoryFactStore()
    source.commit = "a" * 40
    kept: list[bytes] = []
    worked: set[str] = set()

    def note(turn: str, *_: object) -> None:
        worked.add(turn)

    # The first keeps a report without a drawing, which then is not there to be handed on.
    reports = [
        review(
            source,
            [standard()],
            repository="shop",
            facts_store=store,
            draw=draw,
            progress=partial(note, turn),
        )
        for turn, draw in (("plain", None), ("drawn", kept.append), ("known", kept.append))
    ]

    assert reports[0] == reports[1] == reports[2]
    assert len(kept) == 2
    assert kept[0] == kept[1]
    assert worked == {"plain", "drawn"}
    assert counts(anatomy.unpack(kept[0]))["repositories", "services"] == (1, 1)


def test_a_drawing_that_fails_costs_the_drawing_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(*_: object) -> None:
        raise RecursionError("too deep")

    source = MemorySource.of(SHOP, time=TIME)
    plain = review(source, [], repository="shop")
    monkeypatch.setattr(anatomy, "dissect", breaks)
    drawn = bytearray()

    assert review(source, [], repository="shop", draw=drawn.extend) == plain
    assert not drawn
    assert "too deep" in caplog.text
