"""Where a test acts: the calls of what is tested, apart from preparing and looking."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

import msgspec

from checks.facts import tree

if TYPE_CHECKING:
    from checks.project.assertions import Assertion
    from checks.project.subjects import Call, File, Function

type Act = Literal["", "weak", "strong", "read"]

VERBS = frozenset("get post put patch delete head options request".split())
_LOOKING = re.compile(
    r"(?:get|read|fetch|find|load|list|query|select|count|exists|refresh|is|has|to|as|model_dump"
    r"|dict|json|copy|first|one|all|scalars?|execute|exec|expire|expunge|flush|commit|rollback"
    r"|close|aclose|reset|clear|expect|decode|encode|keys|items|values|split|strip|lower|upper|join"
    r"|format|sort|sleep|print|log|debug|info|raise_for_status|readouterr|isoformat|timestamp"
    r"|startswith|endswith|getvalue|seek|exists|stat|iterdir|glob|assert|check|verify|locator"
    r"|wait|retrieve|lookup|fetchone|fetchall|result|describe|dump|dumps|parse|index)"
    r"(?:_\w+|[a-z]?all|one|many)?|get[A-Z]\w*|assert\w*"
)
_STORE = re.compile(r"redis|cache|memcached?|valkey|s3|mongo|kv")
_MAKING = re.compile(
    r"_*(?:make|create|build|setup|set_up|new|random|fake|seed|generate|add|mock|given|sample"
    r"|prepare|insert|register|login|authenticate|override)(?:_\w+)?"
)
_TOOLS = re.compile(
    r"\w*(?:mock|monkeypatch|mocker|patch|caplog|capsys|capfd|tmp_?path|tmpdir|session|faker|fake"
    r"|freezer|frozen|respx|responses|log|logger|cursor|pool|conn|connection|snapshot|request"
    r"|benchmark|page|settings|config|environ|records|soup|subtests|factory|stub|spy|time_machine)\w*"
    r"|db|_?db_\w+|\w+_db|cache|redis",
    re.IGNORECASE,
)


_BOTH: tuple[Literal["act", "assert"], ...] = ("act", "assert")


class _Event(msgspec.Struct, frozen=True):
    line: int
    kind: Literal["act", "assert"]
    act: Act
    name: str = ""


def second_act(test: Function, rows: Sequence[Assertion], allowed: int) -> int:
    """The line of the act that begins one round more than is allowed, 0 for none.

    What is asserted before anything was done is a precondition, not a round.
    """
    rounds, begun, pending, strength, verb = 0, False, 0, "", ""
    asserted = False
    read: set[str] = set()
    for event in _events(test, rows):
        if event.kind == "assert":
            asserted = True
            if rounds == 0:
                rounds = 1 if begun or pending else 0
            if pending:
                rounds += 1
            if rounds > allowed and pending:
                return pending
            pending, strength = 0, ""
        elif event.act == "read":
            if event.name in read and asserted and not begun and not pending:
                pending, strength = event.line, "read"
            read.add(event.name)
        else:
            again = event.name in {"GET", "HEAD"} and verb not in {"", "GET", "HEAD"}
            verb = event.name or verb
            if not again and rounds and (not pending or strength != "strong" == event.act):
                pending, strength = event.line, event.act
            begun = True
    return 0


def _events(test: Function, rows: Sequence[Assertion]) -> list[_Event]:
    contexts = [row for row in rows if row.kind == "context"]
    tables = test.file.tables
    inside = {index for row in contexts for index in tables.calls_inside(row.block)}
    found = [_Event(row.line, kind, "strong") for row in contexts for kind in _BOTH]
    inner: dict[int, Assertion] = {}
    for row in _uncovered(rows, contexts):
        if row.kind != "context":
            inner.update(dict.fromkeys(range(row.line, row.end_line + 1), row))
            found.append(_Event(row.end_line, "assert", ""))
    expected = _expectations(test)
    own = {row.call for row in rows}
    for call in test.calls:
        if call.index in inside or call.index in own or call.line in expected:
            continue
        act = act_of(call)
        around = inner.get(call.line)
        if act and (around is None or act != "weak"):
            line = call.line if around is None else around.line
            name = call.name if act == "read" else verb_of(call)
            found.append(_Event(line, "act", act, name))
    return sorted(found, key=lambda event: (event.line, event.kind))


def _uncovered(rows: Sequence[Assertion], contexts: Sequence[Assertion]) -> list[Assertion]:
    """The assertions that do not stand in one of the contexts."""
    spans = sorted((each.line, each.end_line) for each in contexts)
    ends = list(accumulate((end for _, end in spans), max))
    found = []
    for row in rows:
        before = bisect_right(spans, row.line, key=lambda span: span[0])
        if not before or ends[before - 1] < row.end_line:
            found.append(row)
    return found


def _expectations(test: Function) -> set[int]:
    """Lines that work out what is expected."""
    return {
        line
        for row in test.assigns
        if any("expect" in tree.dotted(target) for target in row.targets)
        for line in range(row.line, row.end_line + 1)
    }


def verb_of(call: Call) -> str:
    """The method of a request that a test client makes, "" for any other call."""
    if call.last not in VERBS or call.receiver is None:
        return ""
    given = call.arg(1 if call.last == "request" else 0, "url")
    head = tree.dotted(call.receiver).lower()
    is_path = _begins_path(given)
    if not is_path and _STORE.search(head):
        return ""
    if not is_path and "client" not in head and head not in {"ac", "api", "http"}:
        return ""
    if call.last == "request":
        return (tree.text_of(call.arg(0, "method")) or "").upper()
    return call.last.upper()


def _begins_path(given: tree.Expr | None) -> bool:
    if isinstance(given, tree.Fmt) and given.parts:
        given = given.parts[0]
    text = tree.text_of(given) or ""
    return text.startswith(("/", "http://", "https://"))


def act_of(call: Call) -> Act:
    """Whether a call runs what is tested: surely, perhaps, or not."""
    if verb_of(call):
        return "strong"
    if not call.last:
        return ""
    looks = _LOOKING.fullmatch(call.last)
    targets = call.file.project.calls.resolve(call) if not looks or call.receiver is None else []
    if looks:
        return "read" if any(not each.file.is_test for each in targets) else ""
    if targets:
        if any(not each.file.is_test for each in targets):
            made = [each for each in targets if each.name == "__init__"]
            if any(each.file.layer == "repositories" for each in made):
                return ""  # made to look into the database
            return "weak" if made else "strong"
        return "" if _MAKING.fullmatch(call.last) else "weak"
    if call.receiver is None or (call.fact.block < 0 and call.fact.function < 0):
        return "weak" if _is_first_party(call) and not _reads_answer(call) else ""
    return _on_object(call.file, call)


def _reads_answer(call: Call) -> bool:
    """``UserOut(**response.json())``: an answer that is put into a schema to look at it."""
    calls = call.file.facts.calls
    return any(
        isinstance(node, tree.CallRef) and calls[node.index].last == "json"
        for argument in call.arguments
        for node in tree.walk(argument, call.file.facts)
    )


def _is_first_party(call: Call) -> bool:
    """A class of production code without ``__init__`` of its own, such as a schema."""
    cls = call.file.project.classes.by_key.get(call.file.resolve(call.fact.func, call.function))
    return cls is not None and not cls.file.is_test


def _on_object(file: File, call: Call) -> Act:
    receiver = tree.dotted(call.receiver)
    head = receiver.partition(".")[0]
    if not receiver or _TOOLS.fullmatch(receiver.rpartition(".")[2]) or _TOOLS.fullmatch(head):
        return ""
    binding, owner = file.project.names.binding(file, head, call.function)
    if owner is None and head not in {"self", "cls"}:
        return ""
    if isinstance(binding, tree.Import):
        return ""
    return "weak"
