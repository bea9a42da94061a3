"""The answers of one review are kept, and judged again without the repository."""

from __future__ import annotations

import pytest

from checks import standard
from checks.compose import compose
from checks.facts.store import MemoryFactStore
from checks.memorysource import MemorySource
from checks.outcomes import pack, unpack
from checks.review import review
from tests.checks.projects import TIME

FILES = {
    "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["fastapi"]\n',
    "app/main.py": "import fastapi\napp = fastapi.FastAPI()\n\n\ndef f():\n    print(1)\n",
    "app/odd.py": "def g(x):\n    try:\n        return x\n    except:\n        pass\n",
}
SHIPPED = tuple(standard.shipped())


def test_kept_answers_make_the_same_report_of_each_standard() -> None:
    source = MemorySource.of(FILES, time=TIME)
    kept: list[bytes] = []
    together = review(source, SHIPPED, repository="shop", take=kept.append)

    for each in SHIPPED:
        alone = review(source, [each], repository="shop")
        names = ("shop", source.commit, "")
        assert compose(names, together.manifest, unpack(kept[0]), [each]) == alone
    assert together.findings


def test_a_remembered_report_hands_on_the_same_answers() -> None:
    source, store = MemorySource.of(FILES, time=TIME), MemoryFactStore()
    source.commit = "a" * 40
    kept: list[bytes] = []
    # The first keeps a report without its answers, which then are not there to be handed on.
    for take in (None, kept.append, kept.append):
        review(source, SHIPPED[:1], repository="shop", facts_store=store, take=take)

    assert len(kept) == 2
    assert kept[0] == kept[1]
    assert pack(unpack(kept[0])) == kept[0]


@pytest.mark.parametrize("data", [b"", b"\x00", pack({})[:-3]])
def test_damaged_answers_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no answers"):
        unpack(data)
