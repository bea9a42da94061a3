"""How sizes are spread: bars, limits, the sentence, and what stands behind each bar."""

from __future__ import annotations

import re

import pytest

from checks.anatomy import Limit, Sized
from dashboard.services.sizes_page import Spread, read_sizes
from tests.dashboard import rows
from tests.dashboard.views.conftest import House

NONE: tuple[Limit, ...] = ()


def _spread(house: House, measure: str = "complexity", **fields: object) -> Spread:
    house.scan(anatomy=rows.anatomy(**fields))
    spreads = read_sizes(house.repository, {}).spreads
    return next(each for each in spreads if each.measure == measure)


def _counts(**measures: dict[int, int]) -> dict[str, dict[int, int]]:
    return {"complexity": {1: 1}, "length": {1: 1}, "size": {1: 1}} | measures


def test_every_value_is_in_one_bar_and_no_bar_crosses_a_limit(house: House) -> None:
    limits = (Limit("complexity", 4, (("house-rules", "HR-1"),)), Limit("complexity", 10, ()))
    counts = _counts(complexity={1: 5, 2: 4, 4: 3, 5: 2, 11: 1, 80: 1})

    spread = _spread(house, counts=counts, limits=limits)

    assert [(bar.words, bar.count) for bar in spread.bars] == [
        ("1", 5), ("2", 4), ("3", 0), ("4", 3), ("5", 2), ("6–7", 0), ("8–10", 0), ("11–15", 1),
        ("16–20", 0), ("21–30", 0), ("31–50", 0), ("51 or more", 1),
    ]  # fmt: skip
    assert sum(bar.count for bar in spread.bars) == spread.total == 16
    assert [bar.words for bar in spread.bars if bar.limits] == ["4", "8–10"]
    assert [bar.words for bar in spread.bars if bar.over and bar.count] == [
        "5", "11–15", "51 or more",
    ]  # fmt: skip
    assert [(limit.most, over) for limit, over in spread.limits] == [(4, 4), (10, 2)]


def test_bars_reach_as_far_as_the_largest_value_or_limit(house: House) -> None:
    limit = Limit("size", 500, ())

    small = _spread(house, "size", counts=_counts(size={3: 1}), limits=(limit,))
    assert [bar.words for bar in small.bars] == ["1–50", "51–100", "101–200", "201–300", "301–500"]
    assert small.bars[-1].limits == [limit]

    bare = _spread(house, "length", counts=_counts(length={0: 1, 5: 2}), limits=NONE)
    assert [bar.words for bar in bare.bars] == ["0–5"]
    assert not bare.bars[0].over


def test_the_sentence_says_what_half_and_nine_in_ten_do_not_exceed(house: House) -> None:
    spread = _spread(house, counts=_counts(complexity={1: 5, 2: 4, 9: 1}), limits=NONE)
    assert (spread.middle, spread.nine_tenths, spread.most) == (1, 2, 9)

    page = house.client(house.viewer).get(house.page("sizes/")).content.decode()
    assert "Half have a complexity of at most 1, nine in ten of at most 2; the most is 9." in page
    assert page.count("No adopted standard sets a limit") == 3


def test_each_bar_leads_to_what_is_in_it_the_largest_first(house: House) -> None:
    house.scan(anatomy=rows.anatomy())
    client = house.client(house.owner)

    page = client.get(house.page("sizes/")).content.decode()

    bars = re.findall(r'href="(\?of=complexity&amp;bar=\d+)#list">(\d+)</a>', page)
    assert [int(number) for _, number in bars] == [6, 2, 1]
    for query, number in bars:
        asked = client.get(house.page("sizes/") + query.replace("&amp;", "&")).content.decode()
        assert len(re.findall(r"code/app/api\.py\?at=a{40}#L\d+", asked)) == int(number)
    assert re.findall(r"#L(\d+)", page)[0] == "1"
    assert 'href="/standards/house-rules/HR-2/">HR-2</a>' in page
    assert "findings/?check=cyclomatic-complexity" in page


@pytest.mark.parametrize(
    ("query", "first"),
    [({"of": "size"}, "app/api.py"), ({"of": "length"}, "f1"), ({"of": "<b>", "bar": "x"}, "f1")],
)
def test_the_largest_of_a_measure_are_listed(
    house: House, query: dict[str, str], first: str
) -> None:
    house.scan(anatomy=rows.anatomy())

    page = read_sizes(house.repository, query).page

    assert page
    largest = page.object_list[0]
    assert (largest.name if isinstance(largest, Sized) else largest[0]) == first


def test_what_is_counted_and_not_kept_by_name_is_said(house: House) -> None:
    house.scan(anatomy=rows.anatomy(counts=_counts(complexity={1: 900, 12: 1}), functions=()))

    page = house.client(house.owner).get(house.page("sizes/"), {"bar": "1"}).content.decode()

    assert "None of them is kept by name" in page
    assert "900 more are counted" in page


def test_states_without_sizes_say_why_and_what_to_do(house: House) -> None:
    def shown() -> str:
        return house.client(house.viewer).get(house.page("sizes/")).content.decode()

    assert "Never scanned" in shown()
    house.scan()
    assert "a release that did not keep" in shown()
    house.scan(anatomy=rows.anatomy(counts=_counts(complexity={}, length={}, size={})))
    assert "No production code" in shown()
    house.scan(anatomy=rows.anatomy(counts=_counts(complexity={}, length={})))
    assert "Length of files" in shown()
    assert "Complexity of functions" not in shown()
