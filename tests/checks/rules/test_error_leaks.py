"""Traps of the check on internal errors that reach clients."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "import traceback\nimport httpx\nfrom fastapi import APIRouter, HTTPException, WebSocket\n"
    "from fastapi.responses import JSONResponse, StreamingResponse\n"
    "from pydantic import ValidationError\nfrom app.config import settings\n"
    "class Missing(Exception): ...\n"
    "def own():\n    raise ValueError('no such colour')\n"
    "router = APIRouter()\n\n"
)


def handler(caught: str, *answer: str, attempt: str = "work()") -> dict[str, str]:
    """A handler with one try."""
    body = "".join(f"        {line}\n" for line in answer)
    return {
        "app.py": f"{HEAD}@router.get('/')\nasync def read():\n    try:\n        {attempt}\n"
        f"    except {caught} as exc:\n{body}"
    }


FIRST = HEAD.count("\n") + 6


@pytest.mark.parametrize(
    "answer",
    [
        "raise HTTPException(500, detail=str(exc))",
        "raise HTTPException(500, f'failed: {exc!r}') from exc",
        "raise HTTPException(500, 'failed: ' + str(exc))",
        "raise HTTPException(502, exc.response.text)",
        "return JSONResponse({'error': exc.args[0]}, status_code=500)",
        "return {'error': '%s' % exc}",
        "return {'trace': traceback.format_exc()}",
    ],
)
def test_text_of_a_foreign_exception_is_found_in_every_form(answer: str) -> None:
    assert lines(ask("no-internal-error-leak", handler("httpx.HTTPError", answer))) == [FIRST]


@pytest.mark.parametrize(
    ("caught", "answer"),
    [
        ("Missing", "raise HTTPException(404, str(exc))"),
        ("ValidationError", "raise HTTPException(422, exc.errors())"),
        ("HTTPException", "return {'error': exc.detail}"),
        ("httpx.HTTPStatusError", "raise HTTPException(exc.response.status_code, 'upstream')"),
        ("Exception", "raise Missing(str(exc)) from exc"),
        ("Exception", "raise HTTPException(500, str(exc) if settings.debug else 'failed')"),
        ("Exception", "raise HTTPException(500, type(exc).__name__)"),
    ],
)
def test_texts_meant_for_the_client_and_harmless_parts_hold(caught: str, answer: str) -> None:
    assert lines(ask("no-internal-error-leak", handler(caught, answer))) == []


def test_a_value_error_of_our_own_is_the_authors_message() -> None:
    answer = "raise HTTPException(400, str(exc))"
    assert (
        lines(ask("no-internal-error-leak", handler("ValueError", answer, attempt="own()"))) == []
    )
    assert lines(ask("no-internal-error-leak", handler("ValueError", answer))) == [FIRST]


def test_text_that_is_stored_first_is_found_where_it_is_stored() -> None:
    files = handler("Exception", "error = str(exc)")
    files["app.py"] += "    return {'error': error}\n"
    assert lines(ask("no-internal-error-leak", files)) == [FIRST]


def test_a_registered_handler_is_judged_by_what_it_is_registered_for() -> None:
    for kind, found in (("Missing", []), ("KeyError", [HEAD.count("\n") + 3])):
        files = {
            "app.py": f"{HEAD}@app.exception_handler({kind})\n"
            "async def answer(request, exc: Exception):\n"
            "    return JSONResponse({'error': str(exc)})\n"
        }
        assert lines(ask("no-internal-error-leak", files)) == found


def test_events_and_messages_are_answers_too() -> None:
    text = (
        f"{HEAD}async def events():\n    try:\n        yield work()\n    except Exception as exc:\n"
        "        yield f'data: {exc}'\n\n"
        "@router.get('/events')\nasync def stream():\n    return StreamingResponse(events())\n\n"
        "@router.websocket('/ws')\nasync def live(socket: WebSocket):\n    try:\n        work()\n"
        "    except Exception as exc:\n        await socket.send_json({'error': str(exc)})\n"
    )
    start = HEAD.count("\n")
    assert lines(ask("no-internal-error-leak", {"app.py": text})) == [start + 5, start + 16]


def test_logging_an_exception_sends_nothing() -> None:
    files = handler("Exception", "log.error(str(exc))", "raise HTTPException(500, 'failed')")
    outcome = ask("no-internal-error-leak", files)
    assert (outcome.sites, lines(outcome)) == (1, [])


def test_a_literal_debug_switch_is_found() -> None:
    files = {
        "app.py": "from fastapi import FastAPI\napp = FastAPI(debug=True)\n\n"
        "@app.get('/')\nasync def read(): ...\n"
    }
    assert lines(ask("no-internal-error-leak", files)) == [2]
