"""Checks of error answers: that the status fits the meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from checks.check import At, Sites, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given, source
from checks.project.once import once
from checks.project.project import Project
from checks.project.responses import JSON_CLASSES, number
from checks.project.subjects import Call, Except, File, Raise

HTTP_EXCEPTION = "fastapi.HTTPException"
_TEXT_KEYS = frozenset({"detail", "message", "error", "msg", "title", "error_message"})
_UPSTREAM = ("httpx.", "requests.", "aiohttp.", "urllib3.", "urllib.error.", "grpc.", "botocore.")
_BROAD = frozenset({"builtins.Exception", "builtins.BaseException"})
_DATABASE = frozenset(
    f"sqlalchemy.exc.{name}"
    for name in "SQLAlchemyError DBAPIError DatabaseError OperationalError InterfaceError "
    "InternalError TimeoutError".split()
)
"""What a database throws that is no answer to what the client sent."""
_OTHER_MEDIA = frozenset({406, 413, 415})


class Meaning(msgspec.Struct, frozen=True):
    """What an error means, and how it may be answered.

    Attributes:
        name: In words.
        main: The statuses that a clause may list for it.
        codes: All statuses that fit.
        named: Names of exceptions that mean it.
        told: Texts that mean it.
    """

    name: str
    main: frozenset[int]
    codes: frozenset[int]
    named: re.Pattern[str]
    told: re.Pattern[str]


def _meaning(name: str, main: Sequence[int], also: Sequence[int], named: str, told: str) -> Meaning:
    codes = frozenset({*main, *also})
    return Meaning(name, frozenset(main), codes, re.compile(named), re.compile(told, re.IGNORECASE))


_KEYS = r"(access|refresh|bearer|auth|authentication|id|api|jwt|security|csrf|session)"
_SPOILT = r"(invalid|incorrect|wrong|expired|bad|missing|malformed|revoked|no)"
_NONE = r"(?!)"
# in the order in which names and, at the same place of a text, words are tried
_MEANINGS = (
    _meaning("a bad authorization code", (401,), (400, 422), _NONE,
             rf"\b{_SPOILT} authori[sz]ation (code|header)\b"),
    _meaning("a security code", (), (), _NONE, r"csrf|(invalid|wrong|incorrect|expired)"
             r"( or (invalid|expired))?( (?!api )\w+)?"
             r" (code|otp|pin|signature|key|link|totp|password)\b"),
    _meaning("a missing resource", (404,), (410,),
             r"No\w*Found|DoesNotExist|NoSuch", r"\bnot found\b|n[o']t exist|\bno such\b"
             r"|\bno\b[^.]{0,40}\bfound\b|(could ?n[o']t|cannot|unable to) find"),
    _meaning("bad credentials", (401,), (),
             r"Unauthori[sz]ed|Unauthenticated|Authentication|Credential|Token|JWT|JWS|Jwt"
             r"|ExpiredSignature",
             rf"\b{_SPOILT}\b[^.]{{0,30}}\b(tokens?|credentials?|api.?key|jwt|authentication|session)\b"
             rf"|\b{_KEYS} tokens?\b|\btoken (is |has |was )?(been |not )?{_SPOILT[:-1]}|valid)\b"
             r"|(validate|decode|verify|parse)[^.]{0,20} token|\btoken$|^token\b(?!.*found)"
             rf"|({_SPOILT} )?(e-?mail|user ?name|login|user)( address)? ?(or|and|/) ?password"
             r"|unauthori[sz]ed|unauthenticated|not authenticated|\bcredentials?\b"
             r"|authentication (is )?(required|failed)"),
    _meaning("a missing permission", (403,), (404,),
             r"Forbidden|Permission|AccessDenied", r"\bforbidden\b|\bpermissions?\b|access denied"
             r"|privileges?\b"),
    _meaning("a conflict", (409,), (400,),
             r"Conflict|Already|Duplicate|Unique|^IntegrityError$",
             r"\bconflict(s|ing)?\b|\bduplicated?\b|already (exist|registered|taken|in use|used)"),
    _meaning("too many requests", (429,), (), r"RateLimit|TooMany",
             r"rate.?limit|too many (\w+ )?(requests|attempts|calls|logins?|tries)"),
    _meaning("invalid input", (422, 400), (), r"(?<!Response)Validation|Invalid",
             r"\bvalidation\b|\binvalid\b"),
    _meaning("an unexpected failure", (500,), (502, 503, 504), r"ResponseValidation",
             r"unexpected (\w+ )?(error|exception|failure)|internal (server )?error"
             r"|something went wrong"),
)  # fmt: skip
_UNEXPECTED = _MEANINGS[-1]


def _answers_errors(project: Project) -> str | None:
    if project.routes.exception_handlers or http_errors(project):
        return None
    return "raises no HTTPException and registers no exception handler"


@check("error-status-semantics", applies=_answers_errors, advisory=True)
def error_status_semantics(
    project: Project, *, statuses: Sequence[int] = (400, 401, 403, 404, 409, 422, 429, 500)
) -> Sites:
    """The status of an error says what kind of error it is.

    Clients, proxies and monitoring act on the status alone.

    Instead: use the status that fits the meaning of the error.

    Known problems: the meaning is read from English names and texts. A clause that catches
    everything, or any error of the database, means an unexpected failure where its text says
    nothing else; an IntegrityError means a conflict. A wrong
    password by itself, a code, a signature or a link is not judged: 400, 401 and 403 all fit.
    """
    count, found = 0, list[At]()
    wanted = frozenset(statuses)
    for each, status, meanings in _understood(project):
        if status is None or not meanings or wanted.isdisjoint(meanings[0].main):
            continue
        if status in _OTHER_MEDIA or (_is_upstream(each) and status >= 500):
            continue
        count += 1
        if not any(status in meaning.codes for meaning in meanings):
            message = f"Status {status} answers {meanings[0].name}"
            allowed = ", ".join(str(code) for code in sorted(meanings[0].codes))
            found.append(
                At(each.line, message, path=each.file.path, measured=str(status), limit=allowed)
            )
    return Sites(count, found)


@once
def _understood(project: Project) -> tuple[tuple[_Error, int | None, list[Meaning]], ...]:
    """Every error that is answered, with its status and what it means."""
    return tuple(
        (each, number(each.status.value) if each.status is not None else None, _recognised(each))
        for each in _errors(project)
    )


class _Error(msgspec.Struct, frozen=True):
    """One place that answers an error: raised, or built as a response."""

    file: File
    line: int
    status: Given | None
    text: str
    caught: tuple[str, ...]


def _errors(project: Project) -> Iterator[_Error]:
    for raised, call in http_errors(project):
        given = call.arg(0, "status_code")
        yield _Error(
            raised.file,
            raised.line,
            None if given is None else Given(call.file, given, call.function),
            _told(call, call.arg(1, "detail")),
            _caught(raised.handler),
        )
    handled = {
        each.function.key: each.types
        for each in project.routes.exception_handlers
        if each.function.file.is_production
    }
    for call in json_responses(project):
        given = call.arg(1, "status_code")
        function = call.function
        types = handled.get(function.key if function is not None else "", ())
        clause = _clause(call)
        status = None if given is None else Given(call.file, given, function)
        code = number(status.value) if status is not None else 200
        if types or clause is not None or (code is not None and code >= 400):
            text = _told(call, call.arg(0, "content"))
            caught = _caught(clause) or types
            yield _Error(call.file, call.line, status, text, caught)


@once
def http_errors(project: Project) -> tuple[tuple[Raise, Call], ...]:
    """Every HTTPException that is raised, with the call that makes it."""
    return tuple(_http_errors(project))


def _http_errors(project: Project) -> Iterator[tuple[Raise, Call]]:
    for file in project.production:
        for raised in file.raises:
            if raised.fact.exc is None or project.exceptions.raised(raised) != HTTP_EXCEPTION:
                continue
            made = source(Given(file, raised.fact.exc, raised.function))
            if isinstance(made.expr, tree.CallRef):
                yield raised, made.file.calls[made.expr.index]


def json_responses(project: Project) -> Iterator[Call]:
    """Every JSON response that production code makes."""
    responses = project.routes.responses
    own = {key.rpartition(".")[2] for key in project.classes.by_key if key.endswith("Response")}
    for file in project.production:
        aliases = {row.alias for row in file.facts.imports if row.name in JSON_CLASSES}
        for call in file.calls_named(*sorted(JSON_CLASSES | own | aliases - {""})):
            if responses.kind_of(call.name) in JSON_CLASSES:
                yield call


def _clause(call: Call) -> Except | None:
    """The innermost except clause around a call."""
    for index, block in call.file.blocks_around(call.fact.block):
        if block.kind == "except":
            return Except(call.file, index)
    return None


def _caught(clause: Except | None) -> tuple[str, ...]:
    if clause is None:
        return ()
    return tuple(clause.types) or ("builtins.BaseException",)


# What it means ------------------------------------------------------------------------------------


def _recognised(each: _Error) -> list[Meaning]:
    """By the exception that was caught, else by what the text says first.

    A text that says one thing only may say it better than the exception.
    """
    told = _by_text(each.text)
    named = [_by_name(name) for name in each.caught]
    if named and named[0] is not None and all(meaning is named[0] for meaning in named):
        return [named[0], *(told if len(told) == 1 else ())]
    if told:
        return told[:1]
    broad = not _BROAD.isdisjoint(each.caught) or "500" in each.caught
    failed = bool(each.caught) and _DATABASE.issuperset(each.caught)
    return [_UNEXPECTED] if broad or failed else []


def _is_upstream(each: _Error) -> bool:
    return any(name.startswith(_UPSTREAM) for name in each.caught)


def _by_name(name: str) -> Meaning | None:
    last = name.rpartition(".")[2]
    return next((meaning for meaning in _MEANINGS if meaning.named.search(last)), None)


def _by_text(text: str) -> list[Meaning]:
    """What a text says, in the order in which it says it."""
    found = [(match.start(), place, meaning) for place, meaning in enumerate(_MEANINGS)
             if (match := meaning.told.search(text))]  # fmt: skip
    found.sort(key=lambda each: each[:2])
    return [meaning for _, _, meaning in found]


def _told(call: Call, expr: Expr | None) -> str:
    """The text of a detail or body: a text, what is fixed in an f-string, values of a dict."""
    if expr is None:
        return ""
    given = source(Given(call.file, expr, call.function))
    return " ".join(part for part in _texts(given, 0) if part)


def _texts(given: Given, depth: int) -> Iterator[str]:
    match given.expr:
        case tree.Fmt(parts=parts):
            yield " ".join((tree.text_of(part) or "").strip() for part in parts)
        case tree.Bin(items=items) if depth < 3:
            for item in items[:2]:
                yield from _texts(given.at(item), depth + 1)
        case tree.Map(keys=keys, values=values) if depth < 3:
            told = [v for k, v in zip(keys, values, strict=True) if tree.text_of(k) in _TEXT_KEYS]
            for value in told or values[:1]:
                yield from _texts(source(given.at(value)), depth + 1)
        case tree.Seq(items=items) if depth < 3:
            for item in items[:2]:
                yield from _texts(given.at(item), depth + 1)
        case tree.CallRef(index=index) if given.file.calls[index].last == "format":
            receiver = given.file.calls[index].receiver
            if receiver is not None:
                yield given.at(receiver).text or ""
        case tree.CallRef():
            return
        case _:
            yield given.text or ""
