"""Programs that Python code starts, where name and arguments are written out."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from checks.facts import tree
from checks.facts.tree import Expr, PyFacts

_RUNNERS = frozenset({"run", "call", "check_call", "check_output", "Popen", "system"})
_HEADS = frozenset({"subprocess", "os", "sp", "c", "ctx", "context", "session"})
_MAX_RUNS = 60


def literal_runs(facts: PyFacts, function: str = "") -> Iterator[str]:
    """Shell text of what a script starts; with ``function``, only of what that one starts.

    Understood are ``subprocess.run(["x", "y"])`` and its kin, ``os.system("x y")`` and
    ``pytest.main([...])``.
    """
    wanted = {i for i, each in enumerate(facts.functions) if each.qualname == function}
    found = 0
    for call in facts.calls:
        if wanted and call.function not in wanted:
            continue
        head, _, last = tree.dotted(call.func).rpartition(".")
        if last == "main" and head == "pytest":
            text = "pytest " + " ".join(_words(call.args[:1]))
        elif last in _RUNNERS and (head.rpartition(".")[2] in _HEADS or not head):
            text = _text(call.args[:1])
        else:
            continue
        if text and found < _MAX_RUNS:
            found += 1
            yield text


def session_runs(facts: PyFacts, wanted: Sequence[str]) -> Iterator[str]:
    """Shell text of what the sessions of a noxfile run: all, or those that are named."""
    for index, function in enumerate(facts.functions):
        names = {function.name, function.name.replace("_", "-")} | _session_names(facts, function)
        if not names or not _is_session(facts, function):
            continue
        if wanted and not any(
            name.partition("-3.")[0].partition("(")[0] in names for name in wanted
        ):
            continue
        for call in facts.calls:
            if call.function == index and call.last in {"run", "run_always"}:
                words = _words(call.args)
                if words:
                    yield " ".join(words)


def _is_session(facts: PyFacts, function: tree.Function) -> bool:
    for decorator in function.decorators:
        value = decorator.value
        expr = facts.calls[value.index].func if isinstance(value, tree.CallRef) else value
        if tree.dotted(expr).rpartition(".")[2] == "session":
            return True
    return False


def _session_names(facts: PyFacts, function: tree.Function) -> set[str]:
    found = set()
    for decorator in function.decorators:
        if isinstance(decorator.value, tree.CallRef):
            name = tree.text_of(facts.calls[decorator.value.index].keyword("name"))
            if name:
                found.add(name)
    return found


def _text(args: Sequence[Expr]) -> str:
    """A command given as one text or as a list of words."""
    if args and (text := tree.text_of(args[0])) is not None:
        return text
    return " ".join(_words(args))


def _words(args: Sequence[Expr]) -> list[str]:
    """Literal words among arguments and the displays they are; anything else is left out."""
    found: list[str] = []
    for expr in args:
        items = expr.items if isinstance(expr, tree.Seq) else (expr,)
        for item in items:
            text = tree.text_of(item)
            if text is not None:
                found.append(shlex.quote(text))
            elif tree.dotted(item) == "sys.executable":
                found.append("python")
    return found
