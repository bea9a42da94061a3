"""Checks of how single rows are looked up and written."""

from __future__ import annotations

from checks.check import Answer, At, Sites, Skip, check
from checks.project.lookups import Lookup, is_optional, uses_after
from checks.project.subjects import Except, File

_EXACT = frozenset({"scalar_one", "one"})
_LOOSE = frozenset({"scalar_one_or_none", "one_or_none", "first"})
_TESTS = frozenset({"none", "truth", "given"})
_ENDS = frozenset({"abort", "exit", "_exit", "fail"})
_MISSING = "NoResultFound"


@check("scalar-one-usage")
def scalar_one_usage(file: File) -> Answer:
    """Whether a row must be there shows in how it is asked for.

    ``scalar_one`` that is caught and ``first`` that is believed say the opposite of what they do.

    Instead: ``scalar_one()`` when a row must exist, ``scalar_one_or_none()`` when it may miss.

    Known problems: a row is followed within its function, up to the next assignment to its
    name; a call with the row whose name says ensure, check or require counts as a test.
    """
    count, found = 0, []
    for call in file.calls_named(*_EXACT, *_LOOSE):
        if call.receiver is None or call.arguments:
            continue
        lookup = Lookup(call)
        if not lookup.is_lookup:
            continue
        count += 1
        fault = _doubted(lookup) if call.last in _EXACT else _believed(lookup)
        if fault:
            text = f"`{call.last}()` {fault}"
            found.append(At(call.line, text, column=call.fact.column, anchor=call.last))
    return Sites(count, found) if count else Skip("no lookup of one row")


def _doubted(lookup: Lookup) -> str:
    """What shows that a row which must exist is not expected to."""
    if any(_turns_into_fallback(clause) for clause in _handlers(lookup)):
        return "fails without a row, and that is turned into a fallback"
    if lookup.always_finds:
        return ""
    kinds = {use.kind for use in uses_after(lookup.call)}
    whole = lookup.entity is not None
    if (whole and "truth" in kinds) or ("none" in kinds and (whole or lookup.root is None)):
        return "never gives None, and the result is tested for it"
    return ""


def _handlers(lookup: Lookup) -> list[Except]:
    """Clauses that catch the missing row."""
    call = lookup.call
    around = {
        index for index, block in call.file.blocks_around(call.fact.block) if block.kind == "try"
    }
    if not around:
        return []
    return [clause for index in around for clause in _clauses(call.file).get(index, ())]


def _clauses(file: File) -> dict[int, list[Except]]:
    """Clauses of a file that catch a missing row, by their ``try``."""
    known: dict[int, list[Except]] | None = file.memo.get("missing rows")
    if known is None:
        known = file.memo["missing rows"] = {}
        for clause in file.excepts:
            if any(name.rpartition(".")[2] == _MISSING for name in clause.types):
                known.setdefault(clause.block.peer, []).append(clause)
    return known


def _turns_into_fallback(clause: Except) -> bool:
    if clause.raises or any(call.last in _ENDS for call in clause.calls):
        return False
    return not any(call.last.endswith(("Response", "Exception")) for call in clause.calls)


def _believed(lookup: Lookup) -> str:
    """What is done with a row that may be missing."""
    call = lookup.call
    if lookup.always_finds:
        return ""
    uses = uses_after(call)
    kinds = {use.kind for use in uses}
    if kinds & _TESTS:
        return ""
    if kinds & {"part", "unpacked"}:
        return "may give None, and the result is used without a test"
    if "returned" in kinds and call.function is not None and not is_optional(call.function):
        return f"may give None, and `{call.function.name}` does not say that it returns None"
    return ""
