"""Checks of secrets in settings: what a secret is must come from outside."""

from __future__ import annotations

import re
from collections.abc import Callable

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given
from checks.project.schemas import Field
from checks.project.secretnames import URL_PASSWORD, holds_address, holds_secret
from checks.project.subjects import Class, Function

_WRAPPER = re.compile(r"Secret(?:Str|Bytes)|\w*(?:Dsn|Url)|str")
_VALIDATORS = frozenset(
    "pydantic.field_validator pydantic.model_validator pydantic.validator pydantic.root_validator "
    "pydantic.functional_validators.field_validator "
    "pydantic.functional_validators.model_validator".split()
)
_ENVIRONMENTS = re.compile(
    r"(?:prod|production|live|local|localhost|dev|develop|development|stag\w*|test\w*|before|after"
    r"|wrap|plain|\*|environment|env|debug)",
    re.IGNORECASE,
)


@check("secret-setting-without-default")
def secret_setting_without_default(
    cls: Class, *, allow_none: bool = True, allow_empty: bool = False
) -> Answer:
    """A secret setting has no default.

    A default that everyone can read is the key of every installation that forgot to set its own.

    Instead: remove the default, so that a start without the value fails; type it ``SecretStr``.

    Known problems: a secret is told by the name of its field. A default that comes from a
    function is not followed; one read from the environment with a literal fallback counts as that
    literal. A validator is believed to refuse a default when it asks for the field and raises,
    unless it compares it with other texts only.
    """
    classes = cls.file.project.classes
    if classes.role(cls) != "settings" and cls.key not in classes.settings_parts:
        return Skip("no settings class")
    count, found = 0, []
    for field in cls.file.project.schemas.own_fields(cls):
        address = holds_address(field.name)
        if not address and not holds_secret(field.name):
            continue
        default = _default(field)
        if address and not (isinstance(default, str) and URL_PASSWORD.search(default)):
            count += not isinstance(default, str)
            continue
        if isinstance(default, (bool, int, float)):
            continue
        count += 1
        if default is ...:
            continue
        bare = default is None and not allow_none
        empty = default == "" and not allow_empty
        if (bare or empty or default) and not _refused(cls, field.name, default):
            what = "an empty default" if empty else f"the default {default!r}" if bare else ""
            message = f"The secret `{field.name}` has {what or 'a literal default'}"
            found.append(At(field.line, message, symbol=cls.symbol, anchor=field.name))
    return Sites(count, found) if count else Skip("no secret")


def _default(field: Field) -> object:
    """The default as plain data, ``...`` where there is none or it is made by code."""
    given = field.cls.file.project.literals.default(field.cls, field.name)
    if given is None:
        return ...
    for _ in range(3):
        expr = given.expr
        if not isinstance(expr, tree.CallRef):
            break
        call = given.file.calls[expr.index]
        if not _WRAPPER.fullmatch(call.last) or not call.fact.args:
            break
        given = given.at(call.fact.args[0])
    value = given.value
    return value if value is None or isinstance(value, (str, bool, int, float)) else ...


def _refused(cls: Class, name: str, default: object) -> bool:
    """Whether a validator names the field and refuses its default.

    It may stand in the class, in an heir, or in the settings class that the class is a part of.
    """
    classes = cls.file.project.classes
    part = cls.key in classes.settings_parts
    heirs = [each for each in classes.settings if part or cls.key in each.ancestors]
    owners = [cls, *(each for each in heirs if each != cls)]
    return any(
        _refuses(method, name, default)
        for owner in owners
        for method in owner.methods.values()
        if method.decorated_by(*_VALIDATORS)
    )


def _refuses(method: Function, name: str, default: object) -> bool:
    """Whether a validator raises on a condition that the default of a field meets."""
    declared = any(
        tree.text_of(node) == name
        for decorator in method.fact.decorators
        for node in tree.walk(decorator.value, method.file.facts)
    )
    values = {param.name for param in method.fact.params[1:2]} if declared else set()

    def is_field(expr: Expr) -> bool:
        last = tree.dotted(expr).rpartition(".")[2]
        return bool(last) and (last == name or last in values)

    if method.raises:
        for expr in _conditions(method):
            if any(_meets(method, node, is_field, default) for node in tree.walk(expr)):
                return True
    for call in method.calls:
        if any(is_field(each) or tree.text_of(each) == name for each in call.arguments):
            checker = method.file.project.names.function_named(call.name)
            if checker is not None and checker.raises:
                compared = [node for expr in _conditions(checker) for node in tree.walk(expr)]
                if _among(default, [_text(checker, node) for node in compared]):
                    return True
    return False


def _conditions(function: Function) -> list[Expr]:
    return [expr for _, block in function.blocks if block.kind == "if" for expr in block.exprs]


def _meets(
    function: Function, node: Expr, is_field: Callable[[Expr], bool], default: object
) -> bool:
    """Whether a part of a condition asks for the field and would be true of the default."""
    match node:
        case tree.Op(kind="Not", items=(operand,)):
            return default == "" and is_field(operand)
        case tree.Op(kind=kind, items=items) if kind.startswith("Compare:"):
            if any(is_field(item) for item in items):
                rest = [item for item in items if not is_field(item)]
                others = [each for item in rest for each in tree.walk(item)]
                return _among(default, [_text(function, each) for each in others])
        case tree.CallRef(index=index):
            return any(is_field(each) for each in function.file.calls[index].arguments)
    return False


def _among(default: object, texts: list[str | None]) -> bool:
    """Whether a default is one of some texts; where there are none, what is asked is unknown."""
    known = [text for text in texts if text is not None and not _ENVIRONMENTS.fullmatch(text)]
    return not known or default in known


def _text(function: Function, expr: Expr) -> str | None:
    if not isinstance(expr, (tree.Name, tree.Const)):
        return None
    value = Given(function.file, expr, function).value
    return value if isinstance(value, str) else None
