"""Check of audit records: which operations need one, and what counts as one."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read, lines


def found(text: str, path: str = "app/services/users.py", **files: str) -> list[int]:
    given = {path: text} | {f"app/{name}.py": content for name, content in files.items()}
    return lines(ask_read("audit-logging", given))


@pytest.mark.parametrize(
    "name",
    ["login", "handle_logout", "change_password", "update_password", "delete_user_by_id",
     "grant_access", "revoke_token", "export_orders", "create_api_key"],
)  # fmt: skip
def test_an_operation_of_a_service_needs_a_record(name: str) -> None:
    assert found(f"def {name}(repo):\n    repo.store()\n") == [1]


@pytest.mark.parametrize(
    "name",
    ["login_url", "get_login", "delete_user_group", "revoke_task", "payload", "exports",
     "is_logout", "_login"],
)  # fmt: skip
def test_a_function_that_only_sounds_like_one_needs_none(name: str) -> None:
    assert found(f"def {name}(repo):\n    repo.store()\n") == []


@pytest.mark.parametrize(
    "body",
    [
        "    session.add(AuditLog(actor=1))\n",
        "    audit_logger.info('login')\n",
        "    first()\ndef first():\n    second()\ndef second():\n    write_audit()\n",
        "    event_store.append(actor, 'login')\n",
    ],
)
def test_a_record_is_written_by_the_operation_or_what_it_calls(body: str) -> None:
    assert found("def login(session, actor):\n" + body) == []


def test_a_decorator_may_write_the_record() -> None:
    assert found("from app.trail import audited\n@audited\ndef login(s):\n    s.go()\n") == []


def test_an_ordinary_log_call_is_no_record() -> None:
    text = "import logging\nlogger = logging.getLogger()\ndef login(s):\n    logger.info('login')\n"
    assert found(text) == [3]
    assert found(text.replace("'login'", "'audit: login'")) == []


ROUTE = (
    "from fastapi import FastAPI\nfrom app.services.users import users\napp = FastAPI()\n"
    "@app.post('/login')\ndef login(name: str):\n    {}\n"
)


def test_a_handler_counts_where_it_calls_no_service() -> None:
    assert found(ROUTE.format("return name"), "app/main.py") == [5]
    assert found(ROUTE.format("return users_service.go(name)"), "app/main.py") == []


def test_a_middleware_that_writes_records_covers_handlers() -> None:
    middleware = (
        "@app.middleware('http')\nasync def trail(request, call_next):\n    write_audit(request)\n"
    )
    assert found(ROUTE.format("return name") + middleware, "app/main.py") == []


def test_versioned_models_record_changes_of_rows_only() -> None:
    manifest = {"requirements.txt": "sqlalchemy-continuum\n"}
    text = "def delete_user(repo):\n    repo.x()\ndef login(repo):\n    repo.x()\n"
    outcome = ask_read("audit-logging", {"app/services/users.py": text} | manifest)
    assert lines(outcome) == [3]
