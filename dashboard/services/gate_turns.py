"""Which gates a proposal would turn, and the sentences that say why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from checks.gate import ANALYSED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

type Conditions = Sequence[Mapping[str, Any]]
type Turn = Literal["fails", "passes", "gone"]


def turns(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, origin: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return each gate that would newly fail, or that fails and would no longer.

    Args:
        before: What the gates say now, as it is stored; None when none was asked.
        after: The same under a proposal.
        origin: By the slug of a proposed standard the one whose place it takes.

    Returns:
        The slug of the standard that asks, "" for the repository; how its gate turns, ``gone``
        when it would be asked no longer; and a sentence for each condition behind it.
    """
    was, becomes = _by_gate(before), _by_gate(after)
    found: list[dict[str, Any]] = []
    for slug, conditions in becomes.items():
        held = was.pop(origin.get(slug, slug), None) or was.pop(slug, None) or ()
        failed, fails = _failing(held), _failing(conditions)
        if fails and not failed:
            found.append(_turn(slug, "fails", [each["sentence"] for each in fails]))
        elif failed and not fails:
            now = {each["name"]: each["sentence"] for each in conditions}
            sentences = [now.get(e["name"], f"Asked no longer: {e['sentence']}") for e in failed]
            found.append(_turn(slug, "passes", sentences))
    for slug, conditions in was.items():
        if failed := _failing(conditions):
            found.append(_turn(slug, "gone", [each["sentence"] for each in failed]))
    return found


def _by_gate(result: Mapping[str, Any] | None) -> dict[str, list[Mapping[str, Any]]]:
    """The conditions of each gate; that something was analysed is asked by all of them."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for each in result["conditions"] if result else ():
        if each["name"] != ANALYSED:
            found.setdefault(each["standard"], []).append(each)
    return found


def _failing(conditions: Conditions) -> list[Mapping[str, Any]]:
    return [each for each in conditions if each["passed"] is False]


def _turn(slug: str, turn: Turn, sentences: Sequence[str]) -> dict[str, Any]:
    return {"standard": slug, "turn": turn, "sentences": sentences}
