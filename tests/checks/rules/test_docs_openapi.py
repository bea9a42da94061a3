"""Traps of the check on what applications say of themselves."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = "from fastapi import APIRouter, FastAPI\nimport os\n"


def findings(text: str, *require: str, **more: str) -> list[int]:
    """Lines of the findings; the application stands from line 3 on."""
    given = {"require": list(require)} if require else {}
    files = {"app/main.py": HEAD + text, **{f"app/{k}.py": v for k, v in more.items()}}
    return lines(ask("openapi-metadata", files, **given))


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("title='A', version='1.0'", []),
        ("title='A', version='0.1.0'", [3]),
        ("title='FastAPI', version='1.0'", [3]),
        ("title='A'", [3]),
        ("", [3, 3]),
        ("title=settings.TITLE, version=version('app')", []),
        ("title='A', version='1', openapi_url=None", [3]),
        ("title='A', version='1', openapi_url=None if os.getenv('P') else '/o.json'", []),
        ("title='A', version='1', openapi_url=settings.openapi_url", []),
        ("**settings.options", []),
        ("**{'title': 'A'}, version='1'", []),
    ],
)
def test_title_and_version_are_given_and_not_the_defaults(arguments: str, found: list[int]) -> None:
    assert findings(f"app = FastAPI({arguments})\n") == found


def test_a_constant_that_holds_the_default_is_the_default() -> None:
    assert findings("VERSION = '0.1.0'\napp = FastAPI(title='A', version=VERSION)\n") == [4]


def test_a_description_is_asked_for_where_it_is_wanted() -> None:
    assert findings("app = FastAPI(title='A')\n", "description") == [3]
    assert findings("app = FastAPI(description='B')\n", "description") == []


def test_a_function_of_its_own_describes_the_application() -> None:
    own = "app = FastAPI()\n\n\ndef describe():\n    return {}\n\n\napp.openapi = describe\n"
    assert findings(own) == []
    given = "app = FastAPI()\n\n\ndef describe(it):\n    it.openapi = 1\n\n\ndescribe(app)\n"
    assert findings(given) == []


def test_an_attribute_of_another_object_is_none_of_the_application() -> None:
    text = "app = FastAPI()\n\n\ndef f(book):\n    book.title = 'A'\n    book.version = 'B'\n"
    assert findings(text) == [3, 3]
    assert findings("app = FastAPI()\napp.title = 'A'\napp.version = 'B'\n") == []


def test_routes_that_are_all_hidden_are_no_document() -> None:
    text = "app = FastAPI(title='A', version='1')\n"
    hidden = "\n\n@app.get('/a', include_in_schema=False)\ndef a(): ...\n"
    shown = "\n\n@app.get('/b')\ndef b(): ...\n"
    assert findings(text + hidden, "enabled") == [3]
    assert findings(text + hidden + shown, "enabled") == []


@pytest.mark.parametrize(("path", "found"), [("/metrics", [3]), ("/admin", [3]), ("/v1", [3, 4])])
def test_mounted_helpers_are_no_sites_and_mounted_versions_are(path: str, found: list[int]) -> None:
    text = (
        "app = FastAPI()\nother = FastAPI()\n"
        f"app.mount('{path}', other)\n\n\n@other.get('/b')\ndef b(): ...\n"
    )
    assert findings(text, "title") == found


def test_applications_of_scripts_and_tests_are_no_sites() -> None:
    text = "from fastapi import FastAPI\napp = FastAPI()\n"
    assert ask("openapi-metadata", {"tests/test_x.py": text}).sites == 0
