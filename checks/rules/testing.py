"""Checks of tests: that doubles have the shape of what they stand for."""

from __future__ import annotations

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.subjects import Call, File

_BARE = frozenset({"Mock", "MagicMock", "AsyncMock", "NonCallableMock", "NonCallableMagicMock"})
_MODULES = ("unittest.mock.", "mock.")
_MOCKERS = frozenset(
    "pytest_mock.MockerFixture pytest_mock.MockFixture pytest_mock.plugin.MockerFixture".split()
)
_FIXTURES = frozenset(
    {"mocker", "session_mocker", "module_mocker", "class_mocker", "package_mocker"}
)


@check("mock-autospec", scope="test")
def mock_autospec(file: File, *, accept_spec: bool = True, check_bare_mocks: bool = True) -> Answer:
    """A double accepts only what the real thing accepts.

    A double without specification lets a test pass after the real signature has changed.

    Instead: ``autospec=True`` for patch, ``create_autospec(Class)`` for a double.

    Known problems: a patch that a helper of the tests makes is judged where it stands.
    """
    count, found = 0, []
    for call in file.calls:
        kind = _kind(call)
        if not kind or (kind == "bare" and not check_bare_mocks):
            continue
        count += 1
        if not _specified(call, kind, accept_spec=accept_spec):
            name = tree.dotted(call.fact.func)
            stands_in = kind == "bare" and _only_returns(call)
            message = f"`{name}` makes a double without specification"
            weight = 0.5 if stands_in else 1.0
            column = call.fact.column
            found.append(At(call.line, message, column=column, weight=weight, anchor=name))
    return Sites(count, found) if count else Skip("no double")


def _kind(call: Call) -> str:
    """``patch``, ``object`` or ``bare``; "" for anything else."""
    last = call.last
    if last in _BARE and _is_mock(call):
        return "bare"
    if last == "object" and tree.dotted(call.receiver).rpartition(".")[2] in {"patch", "p"}:
        return "object" if _is_mock(call) else ""
    if last == "patch" or call.name == "unittest.mock.patch":
        return "patch" if _is_mock(call) else ""
    if last == "object" and call.name == "unittest.mock.patch.object":
        return "object"
    return ""


def _is_mock(call: Call) -> bool:
    if call.name.startswith(_MODULES) or call.name.startswith(tuple(_MOCKERS)):
        return True
    head = tree.dotted(call.fact.func).partition(".")[0]
    function = call.function
    while function is not None:
        param = function.param(head)
        if param is not None:
            annotated = call.file.type_of(tree.Name(head), function)
            return head in _FIXTURES or annotated in _MOCKERS
        function = function.parent
    return False


def _specified(call: Call, kind: str, *, accept_spec: bool) -> bool:
    if call.spreads:
        return True
    given = {item.name: item.value for item in call.fact.keywords}
    autospec = given.get("autospec")
    if autospec is not None and not _is_off(autospec):
        return True
    if accept_spec and any(name in given for name in ("spec", "spec_set")):
        return True
    if kind == "bare":
        return accept_spec and bool(call.fact.args)
    if "new" in given or "new_callable" in given:
        return True
    return len(call.fact.args) > (2 if kind == "object" else 1)


def _is_off(expr: Expr) -> bool:
    return isinstance(expr, tree.Const) and expr.value in (None, False)


def _only_returns(call: Call) -> bool:
    """A stand-in for a callable: only what it returns or raises is given."""
    names = {item.name for item in call.fact.keywords}
    return bool(names) and names <= {"side_effect", "return_value"}
