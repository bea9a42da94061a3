"""Modules and their tests: which are reached, where they lie."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask

CODE = "def half(n):\n    return n // 2\n"


def unreached(files: dict[str, str], **params: object) -> list[str]:
    """Paths of modules that no test reaches."""
    return [each.path for each in ask("package-has-tests", files, **params).observations]


def test_texts_of_patches_and_imports_in_functions_reach() -> None:
    test = "def test_it(mocker):\n    mocker.patch('app.a.half')\n    from app.b import half\n"
    files = {"app/a.py": CODE, "app/b.py": CODE, "app/c.py": CODE, "tests/test_a.py": test}
    assert unreached(files) == ["app/c.py"]


def test_what_a_tested_module_imports_is_reached_as_deep_as_allowed() -> None:
    files = {
        "app/a.py": f"from app.b import half as other\n{CODE}",
        "app/b.py": f"from app.c import half as other\n{CODE}",
        "app/c.py": CODE,
        "tests/test_a.py": "from app.a import half\n\n\ndef test_it(): ...\n",
    }
    assert unreached(files) == ["app/c.py"]
    assert unreached(files, max_depth=0) == ["app/b.py", "app/c.py"]


def test_the_application_reaches_routes_and_no_services() -> None:
    files = {
        "app/main.py": "from fastapi import FastAPI\nfrom app import routes, services\n\n"
        "app = FastAPI()\napp.include_router(routes.router)\n",
        "app/routes.py": "from fastapi import APIRouter\n\nrouter = APIRouter()\n\n\n"
        "@router.get('/')\ndef read():\n    return 1\n",
        "app/services.py": CODE,
        "tests/test_a.py": "from app.main import app\n\n\ndef test_it(): ...\n",
    }
    assert unreached(files) == ["app/services.py"]


def test_data_without_behaviour_is_no_site() -> None:
    schema = "from pydantic import BaseModel\n\n\nclass A(BaseModel):\n    n: int\n"
    files = {"app/schemas.py": schema, "app/a.py": CODE, "tests/test_a.py": "import app.a\n"}
    assert unreached(files) == []


def test_a_package_is_reached_by_one_of_its_modules() -> None:
    files = {
        "app/a.py": CODE,
        "app/b.py": CODE,
        "app/x/c.py": CODE,
        "tests/test_a.py": "import app.a\n",
    }
    assert unreached(files, level="package") == ["app/x/c.py"]


TEST = "def test_it():\n    assert True\n"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("tests/services/test_price.py", 0),
        ("tests/services/test_prices_rounding.py", 0),
        ("tests/services/test_services_prices.py", 0),
        ("tests/app/services/test_prices.py", 0),
        ("tests/unit/services/test_prices.py", 0),
        ("tests/models/test_prices.py", 1),
        ("tests/test_prices.py", 1),
        ("tests/integration/test_all.py", 0),
        ("tests/test_smoke.py", 0),
        ("tests/services/factories.py", 0),
    ],
)
def test_a_test_lies_where_its_module_lies(path: str, found: int) -> None:
    files = {"app/services/prices.py": CODE, "app/models/user.py": CODE, path: TEST}
    assert len(ask("tests-mirror-source", files).observations) == found
