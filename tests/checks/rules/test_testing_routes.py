"""Which routes tests request: how addresses are put together."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

APP = """from fastapi import APIRouter, FastAPI

app = FastAPI()
router = APIRouter(prefix="/users")


@router.get("/{user_id}")
def read(user_id): ...


app.include_router(router, prefix="/api")
"""
HEAD = "import pytest\nfrom app.main import app\n\nBASE = '/api'\n\n\n"


def asked(code: str, conftest: str = "", **params: object) -> int:
    """How many routes no test requests."""
    files = {"app/main.py": APP, "tests/test_a.py": f"{HEAD}{code}", "tests/conftest.py": conftest}
    return len(ask("route-covered-by-test", files, **params).observations)


@pytest.mark.parametrize(
    "line",
    [
        "client.get('/api/users/7')",
        "api.get(f'/api/users/{user.id}')",
        "client.get(BASE + '/users/7?full=1')",
        "client.get('http://test/api/users/7')",
        "client.get('/api/users/{}'.format(7))",
        "client.get('/api/users/%s' % 7)",
        "client.request('GET', '/api/users/7')",
        "client.get(app.url_path_for('read', user_id=7))",
        "path = '/api/users/7'\n    ac.get(path)",
        "for path in ['/x', '/api/users/7']:\n        client.get(path)",
        "getattr(client, 'get')('/api/users/7')",
        "client.get('api/users/7')",
    ],
)
def test_an_address_may_be_written_in_many_ways(line: str) -> None:
    assert asked(f"def test_it(client, api, ac, user):\n    {line}\n") == 0


@pytest.mark.parametrize(
    "line", ["client.post('/api/users/7')", "client.get('/users/7')", "client.get('/api/users')",
             "read(7)", "client.get('/api/users/7/more')"],
)  # fmt: skip
def test_another_method_or_path_and_a_call_are_no_request(line: str) -> None:
    assert asked(f"def test_it(client, read):\n    {line}\n") == 1


def test_parameters_and_fixtures_may_give_the_address() -> None:
    listed = "@pytest.mark.parametrize('path', ['/x', '/api/users/7'])\n"
    assert asked(f"{listed}def test_it(client, path):\n    client.get(path)\n") == 0
    fixture = "import pytest\n\n\n@pytest.fixture\ndef url():\n    return '/api/users/7'\n"
    assert asked("def test_it(client, url):\n    client.get(url)\n", fixture) == 0


def test_a_base_address_of_the_client_is_a_prefix() -> None:
    fixture = "from httpx import AsyncClient\n\nac = AsyncClient(base_url='http://test/api')\n"
    assert asked("def test_it(ac):\n    ac.get('/users/7')\n", fixture) == 0


def test_schemathesis_requests_all() -> None:
    code = "import schemathesis\n\nschema = schemathesis.from_asgi('/openapi.json', app)\n"
    assert asked(code) == 0
    assert asked(code, clients=["TestClient"]) == 1
