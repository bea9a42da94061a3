"""Checks of what an application shows and sends to browsers: documentation and cookies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import development
from checks.project.given import Given, argument, source
from checks.project.literals import Unknown
from checks.project.project import Project
from checks.project.routers import Router
from checks.project.subjects import Call

_PAGES = ("get_swagger_ui_html", "get_redoc_html")
_SESSIONS = "SessionMiddleware"
_READ_BY_SCRIPTS = re.compile(
    r"(?:^|_)(?:csrf|xsrf|theme|locale|lang|language|i18n|preferences?|time_?zone|tz|sidebar"
    r"|consent|colou?r|dark_?mode|layout)(?:_|$)|csrf|xsrf",
    re.IGNORECASE,
)
_POSITIONS = {"secure": 6, "httponly": 7, "samesite": 8}
_DEPTH = 6


# Documentation ------------------------------------------------------------------------------------


@check("docs-disabled-in-production")
def docs_disabled_in_production(
    project: Project, *, urls: Sequence[str] = ("docs_url", "redoc_url")
) -> Answer:
    """The interactive documentation is switched off in production.

    It hands every visitor a map of the API with a form to try each part of it.

    Instead: pass ``docs_url`` and ``redoc_url`` as a path or None, depending on a setting.

    Known problems: a setting that is passed as it is counts, whatever its default says; a path
    that is only joined from settings (``f"{prefix}/docs"``) is never off and does not. What a
    parameter, or a mapping that cannot be read, gives is not known and passes.
    """
    apps = [a for a in project.routes.applications if a.call is not None and a.file.is_production]
    if not apps:
        return Skip("no FastAPI application")
    return Sites(len(apps), [at for app in apps if (at := _shown(app, urls)) is not None])


def _shown(app: Router, urls: Sequence[str]) -> At | None:
    call = app.call
    if call is None or _made_per_environment(call) or _is_switched(app, "openapi_url"):
        return None
    failing = [name for name in urls if not _is_switched(app, name)]
    if failing and _has_guarded_page(app.file.project):
        failing = [name for name in failing if not _is_off(app, name)]
    if not failing:
        return None
    names = " and ".join(f"`{name}`" for name in failing)
    verb = "does" if len(failing) == 1 else "do"
    text = f"{names} of the application {verb} not depend on a setting"
    return At(call.line, text, path=call.path, anchor="docs")


def _made_per_environment(call: Call) -> bool:
    """Whether the application is made differently in development."""
    return any(
        block.kind in {"if", "else"} and development(block.exprs[0], call.file) is not None
        for _, block in call.file.blocks_around(call.fact.block)
        if block.exprs
    )


def _is_off(app: Router, name: str) -> bool:
    given = app.option(name)
    return given is not None and given.value is None


def _is_switched(app: Router, name: str) -> bool:
    """Whether an argument depends on a setting, as far as can be seen."""
    given = app.option(name)
    if given is not None:
        return _depends(given)
    call = app.call
    return call is not None and any(
        not item.name and _may_hold(Given(call.file, item.value, call.function), name)
        for item in call.fact.keywords
    )


def _depends(given: Given, depth: int = 0) -> bool:
    """Whether an expression takes its value from settings, the environment or a condition."""
    given = given.behind
    if depth > _DEPTH or _assigned_in_branch(given):
        return True
    found = source(given)
    expr = found.expr
    match expr:
        case tree.Const() | tree.Fmt() | tree.Bin():
            return False
        case tree.Op(kind="IfExp", items=(test, *_)):
            return not isinstance(test, tree.Const)
        case tree.Op(items=items):
            return any(_depends(found.at(item), depth + 1) for item in items)
        case tree.CallRef(index=index):
            name = found.file.calls[index].name
            made = found.file.project.names.function_named(name) if name else None
            if made is None or any(block.kind == "if" for _, block in made.blocks):
                return True
            values = made.returned
            return any(_depends(Given(made.file, each, made), depth + 1) for each in values)
    return True


def _assigned_in_branch(given: Given) -> bool:
    """Whether a name gets its value below an ``if``, or a second one there."""
    name = tree.dotted(given.expr)
    rows = given.file.tables.assigns_to.get(name, ()) if name else ()
    blocks = given.file.facts.blocks
    return any(
        row.block >= 0 and blocks[row.block].kind in {"if", "else", "case", "except"}
        for row in rows
    )


def _may_hold(spread: Given, name: str) -> bool:
    """Whether ``**mapping`` may give an argument depending on a setting."""
    found = source(spread)
    mapping = tree.dotted(spread.expr)
    if any(_sets_item(row.targets, mapping, name) for row in spread.file.facts.assigns):
        return True
    if isinstance(found.expr, tree.Map):
        return any(key is None for key in found.expr.keys)
    if isinstance(found.expr, tree.CallRef):
        return found.file.calls[found.expr.index].name != "builtins.dict"
    return True


def _sets_item(targets: Sequence[Expr], mapping: str, name: str) -> bool:
    return bool(mapping) and any(
        isinstance(each, tree.Item)
        and tree.dotted(each.value) == mapping
        and tree.text_of(each.index) == name
        for each in targets
    )


def _has_guarded_page(project: Project) -> bool:
    """Whether the documentation is shown by a handler that asks who wants to see it."""
    for file in project.production:
        for call in file.calls_named(*_PAGES):
            route = project.routes.of(call.function)
            if route is not None and (
                project.authentication.protects(route)
                or project.authentication.checks_itself(route)
            ):
                return True
    return False


# Cookies ------------------------------------------------------------------------------------------


@check("cookie-flags")
def cookie_flags(
    project: Project, *, require: Sequence[str] = ("httponly", "secure", "samesite")
) -> Answer:
    """Cookies are set with their security flags.

    Without them scripts read the cookie, it travels unencrypted, and other sites may send it.

    Instead: pass ``httponly=True``, ``secure=True`` and ``samesite="lax"`` or ``"strict"``.

    Known problems: a value that is no literal counts as set. A flag has to be given, also where
    the framework's own default would do. Arguments spread from a mapping that cannot be read pass.
    """
    count, found = 0, list[At]()
    for call in _cookies(project):
        count += 1
        missing = [flag for flag in require if not _has_flag(call, flag)]
        if missing:
            names = ", ".join(f"`{flag}`" for flag in missing)
            text = f"A cookie is set without {names}"
            found.append(At(call.line, text, path=call.path, anchor=_cookie_name(call)))
    for call in _session_cookies(project):
        count += 1
        if "secure" in require and not _is_true(call, "https_only"):
            text = "`SessionMiddleware` sends its cookie without `https_only`"
            found.append(At(call.line, text, path=call.path, anchor=_SESSIONS))
    return Sites(count, found) if count else Skip("no cookie is set")


def _cookies(project: Project) -> Iterator[Call]:
    """Calls that set a cookie; those of first-party functions are judged inside of them."""
    for file in project.production:
        for call in file.calls_named("set_cookie"):
            if call.receiver is not None and not project.calls.resolve(call):
                yield call


def _session_cookies(project: Project) -> Iterator[Call]:
    for each in project.routes.middleware:
        foreign = each.name.endswith(f".{_SESSIONS}") and project.layout.split(each.name) is None
        if foreign and each.call.file.is_production:
            yield each.call


def _cookie_name(call: Call) -> str:
    key = call.arg(0, "key")
    text = None if key is None else Given(call.file, key, call.function).text
    return text or tree.dotted(key).rpartition(".")[2]


def _has_flag(call: Call, flag: str) -> bool:
    if flag == "httponly" and _READ_BY_SCRIPTS.search(_cookie_name(call)):
        return True
    if flag != "samesite":
        return _is_true(call, flag)
    given = _flag(call, flag)
    if given is None:
        return _is_unreadable(call)
    value = source(given).value
    if isinstance(value, str):
        same = value.lower()
        return same in {"lax", "strict"} or (same == "none" and _is_true(call, "secure"))
    return isinstance(value, Unknown)


def _is_true(call: Call, flag: str) -> bool:
    """Whether a flag is True, or an expression that may be."""
    given = _flag(call, flag)
    if given is None:
        return _is_unreadable(call)
    expr = source(given).expr
    return bool(expr.value) if isinstance(expr, tree.Const) else True


def _flag(call: Call, flag: str) -> Given | None:
    found = argument(call, (flag,))
    position = _POSITIONS.get(flag, -1)
    if found is None and 0 <= position < len(call.fact.args):
        found = Given(call.file, call.fact.args[position], call.function)
    return found


def _is_unreadable(call: Call) -> bool:
    """Whether it spreads a mapping whose keys are not written where we can see them."""
    for item in call.fact.keywords:
        if not item.name:
            found = source(Given(call.file, item.value, call.function))
            made = isinstance(found.expr, tree.CallRef) and (
                found.file.calls[found.expr.index].name == "builtins.dict"
            )
            if not isinstance(found.expr, tree.Map) and not made:
                return True
    return False
