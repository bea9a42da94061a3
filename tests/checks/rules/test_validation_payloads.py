"""Traps of the check of what happens to data from outside."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "import json, yaml, tomllib, httpx, requests\n"
    "from dataclasses import dataclass\n"
    "from fastapi import APIRouter, Request, UploadFile, WebSocket\n"
    "from fastapi.responses import JSONResponse\n"
    "from pydantic import BaseModel, TypeAdapter\n"
    "class Weather(BaseModel):\n    degrees: int\n"
    "@dataclass\nclass Place:\n    name: str\n"
    "router = APIRouter()\n"
)
LINE = HEAD.count("\n") + 2


def reading(*body: str, params: str = "client: httpx.Client, request: Request, path: str",
            more: str = "") -> dict[str, str]:  # fmt: skip
    """A module with one function; the first line of its body is at ``LINE``."""
    text = "".join(f"    {line}\n" for line in body)
    return {"weather.py": f"{HEAD}def read({params}):\n{text}{more}"}


@pytest.mark.parametrize(
    "body",
    [
        ("return client.get('/').json()['degrees']",),
        ("data = requests.get('/').json()", "return [each for each in data]"),
        ("data = client.get('/').json()", "store(data)"),
        ("data = json.loads(client.get('/').text)", "return data['a']"),
        ("data = client.get('/').json()", "return Place(name=data['name'])"),
        ("name = request.headers['x-name']", "store(name)"),
        ("for key in request.query_params.items():", "    print(key)"),
        ("with open(path) as f:", "    return yaml.safe_load(f)['a']"),
    ],
)
def test_a_payload_that_is_used_as_it_comes_is_found(body: tuple[str, ...]) -> None:
    found = lines(ask("external-payload-validated", reading(*body)))
    assert found in ([LINE], [LINE + 1])


@pytest.mark.parametrize(
    "body",
    [
        ("return Weather.model_validate(client.get('/').json())",),
        ("data = client.get('/').json()", "return [Weather(**each) for each in data['items']]"),
        ("data = client.get('/').json()", "return Weather(degrees=data['degrees'])"),
        ("return TypeAdapter(list[int]).validate_python(client.get('/').json())",),
        ("data = client.get('/').json()", "return Place(**data)"),
        ("data = client.get('/').json()", "return parse_weather(data)"),
        ("data = client.get('/').json()", "return 'degrees' in data"),
        ("return JSONResponse(client.get('/').json())",),
        ("if request.headers.get('x-name') == 'a':", "    return 1"),
        ("return int(request.headers['content-length'])",),
        ("with open(path) as f:", "    return Weather(**json.load(f))"),
    ],
)
def test_a_payload_that_goes_through_a_schema_or_is_not_used_holds(body: tuple[str, ...]) -> None:
    outcome = ask("external-payload-validated", reading(*body))
    assert (outcome.sites, lines(outcome)) == (1, [])


@pytest.mark.parametrize(
    "body",
    [
        ("with open('settings.json') as f:", "    return json.load(f)['a']"),
        ("return json.loads(row.column)['a']",),
        ("return Weather(degrees=1).json()",),
        ("return cache.get('a').json()",),
    ],
)
def test_what_the_project_wrote_itself_is_no_site(body: tuple[str, ...]) -> None:
    assert ask("external-payload-validated", reading(*body)).state == "not-applicable"


def test_the_function_a_payload_is_returned_to_may_validate_it() -> None:
    body = "return client.get('/').json()"
    good = "def use(client: httpx.Client):\n    return Weather(**read(client, 1, ''))\n"
    bad = "def use(client: httpx.Client):\n    return read(client, 1, '')['degrees']\n"
    assert lines(ask("external-payload-validated", reading(body, more=good))) == []
    assert lines(ask("external-payload-validated", reading(body, more=bad))) == [LINE]
    assert lines(ask("external-payload-validated", reading(body))) == []


def test_one_parsed_part_does_not_validate_the_rest() -> None:
    body = ("data = client.get('/').json()", "store(data['id'])", "parse_name(data.get('name'))")
    assert lines(ask("external-payload-validated", reading(*body))) == [LINE]
