"""Checks of the level of log calls: does it fit what is told."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import words
from checks.project.given import Given
from checks.project.logs import LogCall
from checks.project.subjects import Except, File, Function
from checks.rules.logging_errors import goes_on, is_expected

_GROUPS = {
    "debug": "debug", "info": "info", "msg": "info", "warning": "warning", "warn": "warning",
    "error": "error", "exception": "error", "critical": "error", "fatal": "error",
}  # fmt: skip
_BY_NUMBER = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "error"}
_FAILURE = re.compile(
    r"fail|error|exception|crash|fatal|unable|cannot|can.?t\b|could ?n.t|couldnt|unexpected"
    r"|unhandled|time[sd]? ?out|abort|corrupt|broken|unreachable|unavailable|refused|panic",
    re.IGNORECASE,
)
"""What makes the text of an error one of a failure."""
_PREDICATES = frozenset("failed failure error exception crash crashed fatal".split())
_ATTRIBUTIVE = frozenset(
    "after on no not without 0 of from for any per if in before until and or unless once when "
    "zero by to into as with log logged expected".split()
)
"""Words before a failure word that make it something other than what happened."""
_CAUSES = frozenset("after on due because despite for of from upon following".split())
_NOUNS = frozenset({"failure", "error", "exception"})
_COUNTS = frozenset("count num number total len failed failures errors failure n cnt".split())
_SUMMARY = re.compile(r"succe|total|passed|processed|completed|skipped|created|updated|sent")
_BUSINESS = frozenset({"created", "deleted", "paid", "shipped"})
_TECHNICAL = frozenset(
    "client session engine pool connection conn table tables index indexes directory folder dir "
    "file files path temp tmp cache instance object thread task logger database db schema bucket "
    "container collection topic queue socket loop app application router lock key image network "
    "volume stream channel context handler worker process transaction event tempfile cursor "
    "executor producer consumer keyspace stack venv environment".split()
)
_TAIL = re.compile(
    r"(\s*[:;,=(\[—–-][\s\x00)\].]*|\s+(for|with|of|to|on|at|in|by|from)(\s+\w+){0,3}[\s=:]*\x00)$"
)
"""A value at the end of a text, with what leads to it."""
_HOLE = re.compile(r"%(?:\(\w+\))?[-+ #0]*\d*(?:\.\d+)?([sdrfixa])|\{[^{}]*\}")
_END = 300
_NEXT = 12
_PROBE = re.compile(r"health|ready|readiness|live|liveness|probe|ping|heartbeat", re.IGNORECASE)
_LEAVES = frozenset({"Return", "Raise", "Continue", "Break"})
_CAUGHT = frozenset({"exc", "err", "error", "exception", "ex", "e"})


@check("log-level-appropriate")
def log_level_appropriate(
    file: File, *, levels: Sequence[str] = ("debug", "info", "warning", "error")
) -> Answer:
    """The level of a log call fits what it tells.

    Alarms hang on levels: an error that is none wakes people up, a failure at info wakes nobody.

    Instead: debug for detail, info for what happened, warning for recoverable surprises, error
    for failures.

    Known problems: what happened is told from the words of a constant text; a text that is
    computed is judged by the clause around it alone. Texts that say that something could not be
    done count as failures like those that say failed; "not found" and "invalid" do not.
    """
    count, found = 0, []
    for each in file.project.logs.calls(file).values():
        group = _group(each)
        if group not in levels or not each.levelled:
            continue
        count += 1
        fault = _FAULTS[group](each)
        if fault:
            text = f"`{each.method}` is used for {fault}"
            found.append(At(each.call.line, text, anchor=each.method))
    return Sites(count, found) if count else Skip("no log call of these levels")


def _group(each: LogCall) -> str:
    return _BY_NUMBER.get(each.level, "") if each.method != "exception" else "error"


def _clause(each: LogCall) -> Except | None:
    """The innermost except clause around a log call."""
    file = each.call.file
    for index, block in file.blocks_around(each.call.fact.block):
        if block.kind == "except":
            known: Except | None = file.memo.get(f"clause {index}")
            if known is None:
                known = file.memo[f"clause {index}"] = Except(file, index)
            return known
    return None


# Errors -----------------------------------------------------------------------------------------


def _error(each: LogCall) -> str:
    """An error outside of an except clause that tells of no failure."""
    text = _text(each)
    if text is None or _clause(each) is not None or _FAILURE.search(text.replace("_", " ")):
        return ""
    if not _is_read(text) or (each.traceback and each.method != "exception"):
        return ""
    if _handles_exception(each.call.function) or _names_exception(each):
        return ""
    return "an event that is no failure"


def _is_read(text: str) -> bool:
    """Whether a text has words, and no language of its own that we cannot read."""
    return bool(words(text.replace("\x00", " "))) and all(
        char.isascii() or not char.isalpha() for char in text
    )


def _handles_exception(function: Function | None) -> bool:
    """Whether a function is given an exception to handle."""
    if function is None:
        return False
    hooks = function.file.project.routes.hooks
    if any(each.function == function for each in hooks.exception_handlers):
        return True
    for param in function.fact.params:
        kind = function.file.resolve(param.annotation) if param.annotation is not None else ""
        if param.name in _CAUGHT or kind.endswith(("Exception", "Error")):
            return True
    return False


def _names_exception(each: LogCall) -> bool:
    facts = each.call.file.facts
    names = {item.name for item in each.call.fact.keywords}
    return bool(names & (_CAUGHT - {"e"})) or any(
        isinstance(node, tree.Name) and not _CAUGHT.isdisjoint(node.id.lower().split("."))
        for argument in each.call.arguments
        for node in tree.walk(argument, facts)
    )


# Warnings ---------------------------------------------------------------------------------------


def _warning(each: LogCall) -> str:
    """A warning in a clause that then re-raises or answers 500."""
    clause = _clause(each)
    if clause is None or _is_probe(each):
        return ""
    block, file = each.call.fact.block, each.call.file
    after = bisect_right(clause.raises, each.call.line, key=lambda raised: raised.line)
    for raised in clause.raises[after : after + _NEXT]:
        if _reaches(file, block, raised.fact.block):
            exc = raised.fact.exc
            if exc is None or (clause.bound and tree.dotted(exc) == clause.bound):
                return "an exception that is raised again"
            if isinstance(exc, tree.CallRef) and _is_500(file, exc.index):
                return "a failure that is answered with 500"
    after = bisect_right(clause.statements, each.call.line, key=lambda row: row.line)
    for statement in clause.statements[after : after + _NEXT]:
        if statement.kind == "return" and isinstance(statement.value, tree.CallRef):
            reached = _reaches(file, block, statement.block)
            if reached and _is_500(file, statement.value.index):
                return "a failure that is answered with 500"
    return ""


def _reaches(file: File, block: int, outer: int) -> bool:
    """Whether what runs in a block comes out of it into an outer one."""
    for index, each in file.blocks_around(block):
        if index == outer:
            return True
        if each.last in _LEAVES:
            return False
    return False


def _is_500(file: File, index: int) -> bool:
    call = file.calls[index]
    value = call.fact.keyword("status_code")
    if value is None and call.last == "HTTPException" and call.fact.args:
        value = call.fact.args[0]
    return value is not None and Given(file, value, call.function).value == 500


def _is_probe(each: LogCall) -> bool:
    function = each.call.function
    text = _text(each) or ""
    return bool(_PROBE.search(text) or (function is not None and _PROBE.search(function.name)))


# Info and debug ---------------------------------------------------------------------------------


def _quiet(each: LogCall) -> str:
    """A failure told at info or debug: swallowed there, or said so by the text."""
    clause = _clause(each)
    swallows = False if clause is None else _swallows(clause)
    if swallows is None:
        return ""
    text = _text(each)
    if text is not None and _ends_in_failure(text):
        return "a failure"
    return "an unexpected exception that is swallowed" if swallows else ""


def _swallows(clause: Except) -> bool | None:
    """Whether a clause swallows in silence what was not expected; None when it was expected."""
    memo = f"swallows {clause.index}"
    if memo not in clause.file.memo:
        expected = is_expected(clause) or _only_timeouts(clause)
        silent = not expected and not goes_on(clause) and not _told_louder(clause)
        clause.file.memo[memo] = None if expected else silent
    found: bool | None = clause.file.memo[memo]
    return found


def _only_timeouts(clause: Except) -> bool:
    """Timeouts, and what is cancelled or not there: each is tried again or given up."""
    names = [name.rpartition(".")[2] for name in clause.types]
    return bool(names) and all("Timeout" in name or "Cancel" in name for name in names)


def _told_louder(clause: Except) -> bool:
    """Whether the clause also logs at warning or above, or reports to an error tracker."""
    logs = clause.file.project.logs
    return logs.captures(clause) or any(each.level >= 30 for each in logs.inside(clause))


def _debug(each: LogCall) -> str:
    found = _quiet(each)
    if found:
        return found
    parts = _parts(_text(each) or "")
    if parts and parts[-1] in _BUSINESS and _TECHNICAL.isdisjoint(parts[:-1]):
        return f"the business event of something {parts[-1]}" if parts[:-1] else ""
    return ""


_FAULTS = {"debug": _debug, "info": _quiet, "warning": _warning, "error": _error}


# Texts ------------------------------------------------------------------------------------------


def _text(each: LogCall) -> str | None:
    """The constant text of a message, values as NUL (counts as 0); None when there is none."""
    message = each.call.file.project.logs.message(each)
    if message is None:
        return None
    if isinstance(message, tree.Fmt):
        return "".join(tree.text_of(part) or _hole(part) for part in message.parts)
    if isinstance(message, tree.Bin) and message.op == "Mod":
        message = message.items[0]
    if isinstance(message, tree.CallRef):
        call = each.call.file.calls[message.index]
        if call.last != "format" or call.receiver is None:
            return None
        message = call.receiver
    value = Given(each.call.file, message, each.call.function).value
    if not isinstance(value, str):
        return None
    return _HOLE.sub(lambda hole: "0" if hole[1] in {"d", "i"} else "\x00", value)


def _hole(part: Expr) -> str:
    names = words(tree.dotted(part).rpartition(".")[2])
    counted = isinstance(part, tree.CallRef) or not _COUNTS.isdisjoint(names)
    return "0" if counted else "\x00"


def _parts(text: str) -> list[str]:
    """The words of a text or event name up to its end, trailing values left out."""
    cut = text[-_END:]
    for _ in range(2):
        cut = _TAIL.sub("", cut.rstrip(" .!…")).rstrip(" \x00.!…")
    return [each.lower() for each in re.findall(r"[A-Za-z]+|\d+|\x00", cut)]


def _ends_in_failure(text: str) -> bool:
    """Whether a failure word is the predicate at the end of a text or event name."""
    parts = _parts(text)
    if len(parts) < 2 or parts[-1] not in _PREDICATES:
        return False
    before = parts[-2]
    if parts[-1] in _NOUNS and not _CAUSES.isdisjoint(parts[-5:-1]):
        return False
    return before not in _ATTRIBUTIVE and not before.isdigit() and not _SUMMARY.search(text.lower())
