"""What stays in memory of a commit that was judged."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from checks.facts.store import MemoryFactStore
from checks.fresh import ask
from checks.memorysource import MemorySource
from checks.project.rows import Call, Class, Function
from checks.standard import shipped
from tests.checks.projects import TIME

FILES = {
    "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["fastapi", "sqlalchemy"]\n',
    "app/main.py": (
        "import fastapi\nfrom app.store import Store\n\napp = fastapi.FastAPI()\n\n\n"
        "@app.get('/items')\ndef items() -> list[str]:\n    return Store().load()\n"
    ),
    "app/store.py": "class Store:\n    def load(self) -> list[str]:\n        return sorted('ab')\n",
}


@pytest.fixture
def _no_search_by_itself() -> Iterator[None]:
    """Cycles are searched as far as anybody can tell, and never at a moment of their own."""
    enabled, thresholds = gc.isenabled(), gc.get_threshold()
    gc.collect()
    gc.set_threshold(1_000_000_000)
    gc.enable()
    yield
    gc.set_threshold(*thresholds)
    if not enabled:
        gc.disable()


@pytest.mark.usefixtures("_no_search_by_itself")
def test_a_project_is_gone_before_anybody_searches_for_cycles() -> None:
    before = _rows()

    _, outcomes = ask(
        MemorySource.of(FILES, time=TIME), shipped(), "", MemoryFactStore(), {}, jobs=1,
        progress=None,
    )  # fmt: skip

    assert any(outcome.sites for outcome in outcomes.values())
    assert _rows() == before


def _rows() -> int:
    return sum(isinstance(each, Function | Class | Call) for each in gc.get_objects())
