"""Lines of a text that were edited are told from those that are gone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import edits
from checks.edits import MOST_PAIRS, edit, passages, words

_LINES = st.lists(
    st.sampled_from(["", "a = 1", "b = a + 1", "call(a, b)", "call(a, b, c)", "return a"]),
    max_size=14,
)


@given(_LINES, _LINES)
def test_what_lies_between_the_passages_is_the_same_in_both(
    before: list[str], now: list[str]
) -> None:
    left = right = 0
    for old, new in [
        *passages(before, now),
        (range(len(before), len(before)), range(len(now), len(now))),
    ]:
        assert before[left : old.start] == now[right : new.start]
        left, right = old.stop, new.stop


@given(_LINES, _LINES)
def test_an_edited_line_is_one_to_one_and_in_a_passage(before: list[str], now: list[str]) -> None:
    done = edit(before, now)

    assert len(set(done.became.values())) == len(done.became)
    assert done.became.keys() <= done.gone
    assert set(done.became.values()) <= done.come
    assert all(words(before[old - 1]) & words(now[new - 1]) for old, new in done.became.items())


@given(
    st.lists(st.sampled_from(["a = 1", "call(a, b)", "call(a, b, c)"]), unique=True),
    st.lists(st.text(alphabet="xyz", min_size=3, max_size=5), max_size=5),
)
def test_lines_in_front_shift_what_was_edited_and_change_nothing_else(
    now: list[str], front: list[str]
) -> None:
    before, now = ["start", "call(a, b)", "end of it"], ["start", *now, "end of it"]
    plain, pushed = edit(before, now), edit(before, [*front, *now])

    assert {old: new + len(front) for old, new in plain.became.items()} == pushed.became


def test_the_same_text_was_not_edited() -> None:
    assert not edit(["a", "", "b"], ["a", "", "b"]).gone


def test_a_line_becomes_the_one_that_has_most_of_its_words() -> None:
    before = ["def f():", 'log.warn("no %s", a)', 'log.warn("no %s", b)', "return a"]
    now = [
        "import x",
        "def f():",
        "start(x)",
        'log.warning("no %s", b)',
        'log.warning("no %s", a)',
        "return a",
    ]
    done = edit(before, now)

    assert done.became == {2: 5, 3: 4}
    assert done.gone == {2, 3}
    assert done.come == {1, 3, 4, 5}


def test_a_line_that_shares_little_is_gone() -> None:
    assert edit(["x = first(a)", "end"], ["y = second(b)", "end"]).became == {}
    # One word is not enough, however short the line, but where a line was replaced by one.
    assert edit(["log.info(", "end"], ["x", "log.debug(", "end"]).became == {}
    assert edit(["log.info(", "end"], ["log.debug(", "end"]).became == {1: 1}


def test_what_stands_everywhere_holds_nothing_together() -> None:
    before = ["try:", "first(a)", "pass", "except:", "pass", "price = cost(a, b)", "pass"]
    now = ["pass", "try:", "first(a)", "except:", "pass", "price = cost(a, b, c)", "pass"]

    assert edit(before, now).became == {6: 6}


def rewritten(passages_: int, lines: int, word: str) -> list[str]:
    """Passages of lines that share a word with every other, parted by lines that stand still."""
    return [
        text
        for part in range(passages_)
        for text in (f"stands{part}", *(f"{word}{part}x{n} = same" for n in range(lines)))
    ]


def test_all_passages_of_a_text_share_one_room() -> None:
    before, now = rewritten(6, 300, "old"), rewritten(6, 300, "new")
    done = edit(before, now)

    assert MOST_PAIRS - 300 * 300 < done.pairs <= MOST_PAIRS
    # The first passages take it all, and what was not followed is still known to have gone.
    assert set(done.became) == {old for old in done.gone if old <= 4 * 301}
    assert len(done.gone) == len(done.come) == 6 * 300


def test_long_lines_cost_by_their_words() -> None:
    long = " ".join(f"w{n}" for n in range(1_000))
    done = edit([f"{long} a{n}" for n in range(30)], [f"{long} b{n}" for n in range(30)])

    assert not done.became
    assert done.pairs == 0


def test_a_text_that_parts_a_line_at_a_time_is_not_parted_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Each line stands once only in what is left behind the one before it.
    chain = [each for n in range(2_000) for each in (n + 1, n)]
    before = [f"{side}{n}" for place, n in enumerate(chain) for side in ("l", f"o{place} ")]
    now = [f"{side}{n}" for place, n in enumerate(chain) for side in ("l", f"n{place} ")]
    met = []
    standing = edits._standing

    def counted(
        before: Sequence[str], now: Sequence[str], old: range, new: range
    ) -> list[tuple[int, int]]:
        met.append(len(old))
        return standing(before, now, old, new)

    monkeypatch.setattr(edits, "_standing", counted)
    found = list(passages(before, now))

    assert sum(met) <= 51 * len(before)
    assert found[-1][0].stop == len(before)
