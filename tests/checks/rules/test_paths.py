"""Traps of the checks on route paths and list endpoints."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, lines

HEAD = (
    "from typing import Annotated\nfrom fastapi import APIRouter, Depends, FastAPI, Query\n"
    "from pydantic import BaseModel\n"
)


def routes(
    *paths: str, method: str = "get", returns: str = "int", params: str = ""
) -> dict[str, str]:
    """A router with one handler for each path, in this order."""
    handlers = "".join(
        f"@router.{method}('{path}')\nasync def handler_{n}({params}) -> {returns}: ...\n\n"
        for n, path in enumerate(paths)
    )
    return {"api.py": f"{HEAD}router = APIRouter()\n\n{handlers}"}


def symbols(check: str, files: dict[str, str], **params: object) -> list[str]:
    """Which handlers a check finds fault with."""
    return [each.symbol.partition(":")[2] for each in ask(check, files, **params).observations]


# Order -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "hidden"),
    [
        ("/items/{id}", "/items/stats", True),
        ("/items/stats", "/items/{id}", False),
        ("/items/{id:int}", "/items/stats", False),
        ("/{kind}/{id}", "/items/{id}", True),
        ("/items/{id}/a", "/{kind}/7/a", False),
        ("/items/{id}", "/items/today/", False),
        ("/files/{path:path}", "/files/a/b", True),
        ("/items/{id}", "/orders/stats", False),
    ],
)
def test_a_parameter_hides_the_literal_that_comes_later(
    first: str, second: str, hidden: bool
) -> None:
    found = symbols("literal-path-before-parameter", routes(first, second))
    assert found == (["handler_1"] if hidden else [])


def test_a_pair_in_the_right_order_is_a_site_that_complies() -> None:
    outcome = ask("literal-path-before-parameter", routes("/items/stats", "/items/{id}"))
    assert (outcome.state, outcome.sites, lines(outcome)) == ("measured", 1, [])


def test_the_order_of_includes_counts_across_files() -> None:
    handler = "router = APIRouter(prefix='/items')\n\n@router.get('{}')\nasync def read(): ...\n"
    files = {
        "one.py": HEAD + handler.format("/{id}"),
        "two.py": HEAD + handler.format("/stats"),
        "main.py": f"{HEAD}import one, two\napp = FastAPI()\n"
        "app.include_router(one.router)\napp.include_router(two.router)\n",
    }
    assert symbols("literal-path-before-parameter", files) == ["read"]


# Words and versions ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("/getUsers", True),
        ("/users/update-user", True),
        ("/orders/generate", True),
        ("/orders/{id}/cancel", False),
        ("/settings", False),
        ("/newsletter", False),
        ("/runs/{id}", False),
        ("/files/{path:path}", False),
    ],
)
def test_paths_name_resources_not_actions(path: str, wrong: bool) -> None:
    assert bool(symbols("rest-path-naming", routes(path))) is wrong


@pytest.mark.parametrize(
    ("path", "wrong"),
    [("/users/{id}", False), ("/user/{id}", True), ("/metadata/{key}", False), ("/v1/{x}", False)],
)
def test_collections_are_plural(path: str, wrong: bool) -> None:
    assert bool(symbols("rest-path-naming", routes(path), require=["plural"])) is wrong


def test_a_path_with_an_unknown_prefix_is_not_asked_for_its_version() -> None:
    files = {
        "main.py": f"{HEAD}import os\napp = FastAPI()\nrouter = APIRouter()\n\n"
        "@router.get('/users')\nasync def read(): ...\n\n"
        "app.include_router(router, prefix=os.environ['PREFIX'])\n"
    }
    assert ask("api-versioned-path", files).state == "not-applicable"


def test_infrastructure_needs_no_version() -> None:
    assert symbols("api-versioned-path", routes("/health", "/static/{x}", "/users")) == [
        "handler_2"
    ]


def test_only_the_older_of_two_versions_has_to_be_deprecated() -> None:
    files = routes("/v1/users", "/v2/users", "/v1/orders")
    assert symbols("deprecated-version-marked", files) == ["handler_0"]


# Lists -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        "limit: int = 10, offset: int = 0",
        "page: int = 1, perPage: int = 10",
        "cursor: str = '', limit: int = 10",
        "prev: int | None = None, limit: int = 10",
        "before_message_index: int = 0, limit: int = 10",
        "paging: Annotated[Paging, Depends()]",
        "paging: Annotated[Paging, Query()]",
        "paging: PagingDep",
    ],
)
def test_pages_are_found_directly_and_through_providers(params: str) -> None:
    files = routes("/users", returns="list[int]", params=params)
    files["api.py"] = files["api.py"].replace(
        "router =",
        "class Paging(BaseModel):\n    page: int = 1\n    size: int = 10\n"
        "PagingDep = Annotated[Paging, Depends(Paging)]\nrouter =",
    )
    assert symbols("pagination-on-list-endpoints", files) == []


@pytest.mark.parametrize(
    "params",
    ["", "limit: int = 10", "start: int = 0, end: int = 9", "limit: int, after_date: str = ''"],
)
def test_a_limit_or_a_range_alone_is_no_page(params: str) -> None:
    files = routes("/users", returns="list[int]", params=params)
    assert symbols("pagination-on-list-endpoints", files) == ["handler_0"]


def test_constants_and_details_are_no_lists_to_page() -> None:
    files = routes("/users/{id}", returns="int")
    files["api.py"] += (
        "KINDS = ['a', 'b']\n\n@router.get('/kinds')\n"
        "async def kinds() -> list[str]:\n    return KINDS\n"
    )
    assert ask("pagination-on-list-endpoints", files).state == "not-applicable"


@pytest.mark.parametrize(
    ("path", "field", "wrong"),
    [
        ("/orders/customers/{customer_id}", "orders", True),
        ("/customers/{customer_id}", "orders", False),
        ("/orders/{order_id}", "orders", False),
        ("/orders/late", "late_orders", True),
        ("/orders/late", "late_notes", False),
    ],
)
def test_an_envelope_is_told_by_what_its_list_is_called(path: str, field: str, wrong: bool) -> None:
    files = routes(path, returns="Found")
    files["api.py"] = files["api.py"].replace(
        "router =", f"class Found(BaseModel):\n    {field}: list[int]\n    count: int\nrouter ="
    )
    assert symbols("pagination-on-list-endpoints", files) == ["handler_0"] * wrong


def test_metadata_counts_by_its_name_on_the_wire() -> None:
    files = routes("/users", returns="UserPage", params="page: int = 1, size: int = 10")
    files["api.py"] = files["api.py"].replace(
        "router =",
        "from pydantic import Field\nclass Meta(BaseModel):\n    total: int\n"
        "    pages: int = Field(serialization_alias='total_pages')\n"
        "class UserPage(BaseModel):\n    items: list[int]\n    meta: Meta\nrouter =",
    )
    wanted = ["items", "total", "total_pages"]
    assert symbols("pagination-metadata", files, fields=wanted) == []
    assert symbols("pagination-metadata", files, fields=["page"]) == ["handler_0"]
