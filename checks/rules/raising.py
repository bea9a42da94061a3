"""Checks of raise statements: that an error says what failed."""

from __future__ import annotations

from collections.abc import Sequence

from checks.check import Answer, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.subjects import Call, Class, Raise

_HTTP = "fastapi.HTTPException"
_CONTROL = frozenset(
    "NotImplementedError StopIteration StopAsyncIteration CancelledError KeyboardInterrupt "
    "SystemExit GeneratorExit Exit Abort".split()
)


@check("raise-with-message", each="kinds")
def raise_with_message(raised: Raise, kind: str, *, kinds: Sequence[str] = ("http",)) -> Answer:
    """An error says what failed.

    Who reads the answer or the log has nothing else to go by.

    Instead: pass a detail or a message that names the object.

    Known problems: any ``__init__``, ``__str__`` or text attribute of a first-party class is
    taken for its message.
    """
    name = raised.name
    if (kind == "http") != (name == _HTTP):
        return Skip("not of this kind")
    exc = raised.fact.exc
    call = raised.file.calls[exc.index] if isinstance(exc, tree.CallRef) else None
    if kind == "http":
        detail = None if call is None else call.arg(1, "detail")
        told = call is not None and (_is_open(call) or not _is_empty(detail))
        return None if told else "The HTTPException is raised without a detail"
    cls = raised.file.project.classes.by_key.get(name)
    last = name.rpartition(".")[2]
    if last in _CONTROL or not (name.startswith("builtins.") or _is_error(cls)):
        return Skip("no error, or one that only steers")
    if cls is not None and _has_message(cls):
        return None
    if call is None or not (call.fact.args or call.fact.keywords):
        return f"`{last}` is raised without a message"
    text = tree.text_of(call.fact.args[0]) if call.fact.args else None
    if text is None or len(call.fact.args) > 1 or call.fact.keywords or _is_sentence(text):
        return None
    return f"`{last}` is raised with the single word {text!r}"


def _is_sentence(text: str) -> bool:
    """Whether a text has two words; scripts that put no space between words count as such."""
    return len(text.split()) > 1 or not text.isascii()


def _is_open(call: Call) -> bool:
    """Whether arguments are spread, so that a detail may be among them."""
    starred = (isinstance(item, tree.Op) and item.kind == "Starred" for item in call.fact.args)
    return call.spreads or any(starred)


def _is_empty(detail: Expr | None) -> bool:
    if isinstance(detail, tree.Const):
        return detail.kind == "NoneType" or (
            isinstance(detail.value, str) and not detail.value.strip()
        )
    return detail is None


def _is_error(cls: Class | None) -> bool:
    roles = {"exception", "http-exception"}
    return cls is not None and cls.file.project.classes.role(cls) in roles


def _has_message(cls: Class) -> bool:
    """Whether a class, or a first-party base, makes its message or holds one."""
    by_key = cls.file.project.classes.by_key
    lineage = [cls, *(by_key[name] for name in cls.ancestors if name in by_key)]
    foreign = any(name not in by_key and not name.startswith("builtins.") for name in cls.ancestors)
    return foreign or any(
        "__init__" in each.methods
        or "__str__" in each.methods
        or bool(each.fact.decorators)
        or any(_is_text(assign.value) for assign in each.attributes.values())
        for each in lineage
    )


def _is_text(value: Expr | None) -> bool:
    return (
        isinstance(value, tree.Fmt) or bool(tree.text_of(value)) or isinstance(value, tree.CallRef)
    )
