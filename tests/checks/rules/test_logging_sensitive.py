"""Sensitive data in logs: which expressions show it, and which only a fact about it."""

from __future__ import annotations

from tests.checks.projects import ask, lines

HEAD = """import hashlib
import logging

from fastapi import FastAPI, Request
from pydantic import BaseModel, SecretStr
from pydantic_settings import BaseSettings

app = FastAPI()
logger = logging.getLogger(__name__)


class Settings(BaseSettings):
    secret_key: SecretStr
    name: str


class Login(BaseModel):
    name: str
    password: str


settings = Settings()


"""


def shown(code: str, **params: object) -> list[int]:
    """Lines of ``no-sensitive-data-in-logs`` below the head, counted from the first of ``code``."""
    found = lines(ask("no-sensitive-data-in-logs", {"app/a.py": HEAD + code}, **params))
    return [line - HEAD.count("\n") for line in found]


def test_arguments_fields_parts_and_keys_are_read() -> None:
    code = """def f(user, token, request: Request):
    logger.info("password reset requested for %s", user.id)
    logger.info("to %s", user.email)
    logger.info(f"with {token}")
    logger.info("with", extra={"token": token, "id": 1})
    logger.info("with", extra={"id": user.get("phone")})
    logger.info("headers %s", dict(request.headers))
    logger.info("trace %s", request.headers.get("X-Request-ID"))
    print("key", user["api_key"])
    logger.info("all %s", [u.email for u in user.friends])
    logger.info("sent %s", user.email.lower())
"""
    assert shown(code) == [3, 4, 5, 6, 7, 9, 10, 11]
    assert shown(code, categories=["pii"]) == [3, 6, 10, 11]


def test_facts_and_masked_values_may_be_shown() -> None:
    code = """def f(user, token, password, email_sent):
    logger.info("a", extra={"token": bool(token), "password": len(password)})
    logger.info("b %s %s", token is None, mask(user.email))
    logger.info("c %s", hashlib.sha256(token.encode()).hexdigest())
    logger.info("d %s", "set" if token else "missing")
    logger.info("e %s...", token[:4])
    logger.info("f", extra={"email": email_sent, "secret": settings.secret_key})
    logger.info("g %s", verify(password))
    logger.error("h", exc_info=token)
    logger.info("i %s", settings.name)
    print("j", file=token)
"""
    assert shown(code) == [7]


def test_bodies_settings_and_dumps_of_request_schemas_are_shown_whole() -> None:
    code = """@app.post("/login")
async def login(form: Login, request: Request, response):
    logger.info("a %s", await request.json())
    body = await request.body()
    logger.info("b %s", body)
    logger.info("c %s", response.json())
    logger.info("d %s", settings)
    logger.info("e %s", form)
    logger.info("f %s", form.model_dump(exclude={"password"}))
    logger.info("g %s", form.name)
    store(form.model_dump())


def store(data: dict) -> None:
    logger.info("h %s", data)
    data.clear()
"""
    assert shown(code) == [3, 5, 7, 8, 15]


def test_a_field_called_after_the_request_body_shows_it() -> None:
    code = """import structlog
log = structlog.get_logger(__name__)
def f(info, body):
    log.error("failed", request_body=info.body)
    log.error("failed", request_body=len(body))
    log.error("failed", request_body=None)
    log.error("failed", body=info.text)
"""
    assert shown(code) == [4]
