"""What services raise, and the hierarchy of domain exceptions: traps of the definitions."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

ERRORS = "class AppError(Exception):\n    pass\n\n\nclass GoneError(AppError):\n    pass\n"


def raised(code: str, **others: str) -> list[int]:
    """Lines where ``services-raise-domain-exceptions`` finds something in a service."""
    files = {"app/services/a.py": code, "app/errors.py": ERRORS, **others}
    return lines(ask("services-raise-domain-exceptions", files))


@pytest.mark.parametrize(
    "statement",
    [
        "raise NotImplementedError",
        "raise StopIteration",
        "raise GoneError('x')",
        "raise errors.GoneError('x') from None",
        "raise missing.OtherError('x')",
        "raise self.retry()",
    ],
)
def test_what_a_service_may_raise(statement: str) -> None:
    head = "from app import errors, missing\nfrom app.errors import GoneError\n"
    assert raised(f"{head}def f(self):\n    {statement}\n") == []


@pytest.mark.parametrize(
    ("head", "statement"),
    [
        ("", "raise Exception('x')"),
        ("", "raise ValueError"),
        ("from fastapi import HTTPException as Oops", "raise Oops(404)"),
        ("import httpx", "raise httpx.HTTPError('x')"),
        ("from pydantic import ValidationError", "raise ValidationError.from_exception_data('a')"),
    ],
)
def test_built_in_http_and_foreign_exceptions_are_found(head: str, statement: str) -> None:
    assert raised(f"{head}\ndef f(self):\n    {statement}\n") == [3]


def test_a_bare_raise_and_a_bound_name_raise_no_class() -> None:
    code = (
        "def f():\n    try:\n        g()\n    except ValueError as exc:\n        raise exc\n"
        "    except KeyError:\n        raise\n"
    )
    assert raised(code) == []


def test_a_variable_is_followed_to_its_assignment() -> None:
    code = "def f():\n    error = KeyError('a')\n    raise error\n"
    assert raised(code) == [3]
    own = (
        "from app.errors import GoneError\ndef f():\n    error = GoneError('a')\n    raise error\n"
    )
    assert raised(own) == []


def test_a_class_of_ours_that_is_an_http_exception_is_one() -> None:
    code = (
        "from fastapi import HTTPException\nclass NotFoundError(HTTPException):\n    pass\n"
        "def f():\n    raise NotFoundError(404)\n"
    )
    assert raised(code) == [5]


def test_a_class_imported_inside_the_function_is_resolved() -> None:
    code = (
        "def f():\n    from app.errors import GoneError as ValueError\n    raise ValueError('a')\n"
    )
    assert raised(code) == []


def test_validators_raise_what_pydantic_expects() -> None:
    code = (
        "from pydantic import BaseModel, field_validator\nclass Body(BaseModel):\n    a: int\n"
        "    @field_validator('a')\n    def check(cls, a):\n        raise ValueError('a')\n"
        "def parse(text):\n    raise ValueError(text)\n"
        "class Other(BaseModel):\n    @field_validator('a')\n    def check(cls, a):\n"
        "        return parse(a)\n"
    )
    assert raised(code) == []


def test_a_service_class_in_any_module_is_judged_and_a_worker_is_not() -> None:
    code = "class UserService:\n    def f(self):\n        raise ValueError('a')\n"
    files = {"app/users.py": code, "app/workers/a.py": "def f():\n    raise ValueError('a')\n"}
    outcome = ask("services-raise-domain-exceptions", files)
    assert [(each.path, each.line) for each in outcome.observations] == [("app/users.py", 3)]


# exception-hierarchy ------------------------------------------------------------------------------

APP = "from fastapi import FastAPI\napp = FastAPI()\n"


def lacking(code: str, **params: object) -> list[tuple[int, str]]:
    """Lines and anchors of what ``exception-hierarchy`` finds."""
    outcome = ask("exception-hierarchy", {"app/main.py": APP, "app/errors.py": code}, **params)
    return [(each.line, each.anchor) for each in outcome.observations]


CODES = """import enum
class Code(enum.Enum):
    RATE_LIMITED = 'a'
class AppError(Exception):
    def __init__(self, code: Code):
        ...
"""


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("class UserNotFound(Exception): pass\n", "not-found"),
        ("class Taken(Exception):\n    status_code = 409\n", "conflict"),
        (
            "class Gone(Exception):\n    def __init__(self):\n        self.status = 404\n",
            "not-found",
        ),
        (
            "class A(Exception):\n    def __init__(self):\n        super().__init__(status=403)\n",
            "forbidden",
        ),
        (CODES, "rate-limited"),
        ("class A(Exception):\n    def __init__(self, code=400): ...\n", "bad-request"),
    ],
)
def test_a_kind_is_covered_by_name_status_or_code(code: str, kind: str) -> None:
    assert lacking(code, kinds=[kind]) == []
    assert lacking("class OtherError(Exception): pass\n", kinds=[kind]) == [(0, kind)]


def test_an_http_exception_covers_no_kind() -> None:
    code = "from fastapi import HTTPException\nclass NotFoundError(HTTPException): pass\n"
    assert lacking(code) == [(0, "not-found")]


def test_the_base_needs_no_base_and_second_bases_may_stand_beside_it() -> None:
    code = (
        f"{ERRORS}class BadError(ValueError, AppError): pass\nclass LoneError(ValueError): pass\n"
    )
    assert lacking(code, kinds=[], require=["base"]) == [(8, "base")]


def test_code_and_message_are_inherited() -> None:
    code = (
        "class AppError(Exception):\n    code = 'x'\n    def __init__(self, message):\n"
        "        super().__init__(message)\nclass GoneError(AppError): pass\n"
    )
    assert lacking(code, kinds=[], require=["code", "message"]) == []
    bare = "class AppError(Exception): pass\n"
    assert lacking(bare, kinds=[], require=["code", "message"]) == [(1, "code"), (1, "message")]


def test_what_one_module_raises_and_catches_is_its_own() -> None:
    code = (
        "class StopError(Exception): pass\nclass _Hidden(Exception): pass\n"
        "def f():\n    try:\n        raise StopError\n    except StopError:\n        pass\n"
    )
    assert lacking(code, kinds=[], require=["base"]) == []


def test_too_many_classes_are_one_finding_of_the_repository() -> None:
    assert lacking(ERRORS, kinds=[], max_count=1) == [(0, "count")]
    assert lacking(ERRORS, kinds=[], max_count=2) == []


def test_a_library_without_services_is_not_asked() -> None:
    assert ask("exception-hierarchy", {"lib/a.py": ERRORS}).state == "not-applicable"
