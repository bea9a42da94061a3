"""The model of applications, routers, handlers and their dependencies."""

from __future__ import annotations

import pytest

from checks.project.routes import Route, is_infrastructure
from tests.checks.projects import parsed as project

HANDLER = "async def read() -> None: ...\n"

MODULE = f"from fastapi import APIRouter\nrouter = APIRouter()\n\n@router.get('')\n{HANDLER}"


def only(files: dict[str, str]) -> Route:
    """The single route handler of a project."""
    routes = project(files).routes.handlers
    assert len(routes) == 1, routes
    return routes[0]


def test_a_path_is_joined_through_every_include_up_to_the_application() -> None:
    route = only(
        {
            "app/__init__.py": "",
            "app/main.py": "from fastapi import FastAPI\nfrom app.api import api\n"
            "app = FastAPI()\napp.include_router(api, prefix='/api')\n",
            "app/api.py": "from fastapi import APIRouter as R\nfrom app import users as u\n"
            "api = R(prefix='/v1')\napi.include_router(u.things, prefix='/inner')\n",
            "app/users.py": "import fastapi as f\nthings = f.APIRouter(prefix='/users')\n\n"
            f"@things.get('/{{user_id}}')\n{HANDLER}",
        }
    )
    assert route.paths == ("/api/v1/inner/users/{user_id}",)
    assert not route.partial
    assert route.methods == {"GET"}
    assert route.endpoints[0].mounted


def test_prefixes_come_from_settings_constants_and_parameters() -> None:
    route = only(
        {
            "app/__init__.py": "",
            "app/config.py": "from pydantic_settings import BaseSettings\n"
            "class Settings(BaseSettings):\n    prefix: str = '/api'\nsettings = Settings()\n",
            "app/main.py": "from fastapi import FastAPI\nfrom app.config import settings\n"
            "from app.users import router\nVERSION = 'v2'\n"
            "def setup(target: FastAPI, inner: str) -> None:\n"
            "    target.include_router(router, prefix=settings.prefix + inner)\n"
            "def create() -> FastAPI:\n    made = FastAPI()\n    setup(made, f'/{VERSION}')\n"
            "    return made\napp = create()\n",
            "app/users.py": "from fastapi import APIRouter\nrouter = APIRouter()\n\n"
            f"@router.post('/users')\n{HANDLER}",
        }
    )
    assert route.paths == ("/api/v2/users",)
    assert not route.partial


def test_a_prefix_that_only_the_environment_knows_makes_the_path_partial() -> None:
    route = only(
        {
            "main.py": "import os\nfrom fastapi import FastAPI, APIRouter\n"
            "app = FastAPI()\nrouter = APIRouter(prefix=os.environ['PREFIX'])\n\n"
            f"@router.get('/users')\n{HANDLER}\napp.include_router(router)\n"
        }
    )
    assert route.partial
    assert route.paths == ("/users",)


def test_routers_in_a_loop_take_the_values_of_each_turn() -> None:
    routes = project(
        {
            "app/__init__.py": "",
            "app/a.py": MODULE,
            "app/b.py": MODULE,
            "app/main.py": "from fastapi import FastAPI\nfrom app import a, b\napp = FastAPI()\n"
            "for router, prefix in [(a.router, '/a'), (b.router, '/b')]:\n"
            "    app.include_router(router, prefix=prefix)\n",
        }
    ).routes.handlers
    assert [route.paths for route in routes] == [("/a",), ("/b",)]


def test_methods_of_a_class_are_registered_by_add_api_route() -> None:
    route = only(
        {
            "views.py": "from fastapi import APIRouter, FastAPI\nclass Users:\n"
            "    def __init__(self):\n        self.router = APIRouter(prefix='/users')\n"
            "        self.router.add_api_route('/', self.read, methods=['GET', 'PUT'])\n"
            "    async def read(self): ...\n"
            "app = FastAPI()\napp.include_router(Users().router)\n"
        }
    )
    assert route.function.fact.qualname == "Users.read"
    assert route.methods == {"GET", "PUT"}
    assert route.paths == ("/users/",)


def test_a_registering_decorator_gives_its_arguments_and_hides_its_wrapper() -> None:
    read = project(
        {
            "app/__init__.py": "",
            "app/registry.py": "def endpoint(router, path: str, method: str = 'post', **options):\n"
            "    def decorator(handler):\n        async def wrapper(): ...\n"
            "        return getattr(router, method)(path, **options)(wrapper)\n"
            "    return decorator\n",
            "app/users.py": "from fastapi import APIRouter\nfrom app.registry import endpoint\n"
            "router = APIRouter()\n\n"
            f"@endpoint(router, '/users', status_code=201)\n{HANDLER}",
        }
    )
    assert [route.function.key for route in read.routes.handlers] == ["app.users.read"]
    route = read.routes.handlers[0]
    assert route.paths == ("/users",)
    assert route.methods == {"POST"}
    assert route.status_code == 201
    assert read.routes.modules == {"app/users.py"}


def test_a_decorator_that_takes_a_router_in_a_way_nobody_can_read_is_unknown() -> None:
    read = project(
        {
            "users.py": "from fastapi import APIRouter\nfrom elsewhere import feature\n"
            f"router = APIRouter()\n\n@feature(router, '/users')\n{HANDLER}"
        }
    )
    assert read.routes.handlers == []
    assert read.routes.unknown == {"users.read"}


def test_websocket_handlers_are_kept_apart() -> None:
    read = project(
        {
            "main.py": "from fastapi import FastAPI, WebSocket\napp = FastAPI()\n\n"
            "@app.websocket('/ws')\nasync def live(socket: WebSocket): ...\n"
        }
    )
    assert read.routes.handlers == []
    assert [route.name for route in read.routes.sockets] == ["live"]


def test_handlers_of_other_frameworks_and_of_tests_are_none() -> None:
    read = project(
        {
            "flask_app.py": "from flask import Flask\napp = Flask(__name__)\n\n"
            "@app.get('/')\ndef index(): ...\n",
            "tests/test_app.py": "from fastapi import FastAPI\napp = FastAPI()\n\n"
            f"@app.get('/')\n{HANDLER}",
        }
    )
    assert read.routes.handlers == []


@pytest.mark.parametrize("place", ["router", "include", "decorator"])
def test_any_level_hides_a_handler_from_the_schema(place: str) -> None:
    off = "include_in_schema=False"
    given = {name: off if name == place else "" for name in ("router", "include", "decorator")}
    route = only(
        {
            "main.py": "from fastapi import FastAPI, APIRouter\n"
            f"app = FastAPI()\nrouter = APIRouter({given['router']})\n\n"
            f"@router.get('/users', {given['decorator']})\n{HANDLER}\n"
            f"app.include_router(router, {given['include']})\n"
        }
    )
    assert not route.in_schema


def test_dependencies_are_found_at_every_level_and_opened_to_the_bottom() -> None:
    route = only(
        {
            "main.py": "from typing import Annotated\n"
            "from fastapi import APIRouter, Depends, FastAPI\n"
            "from fastapi.security import HTTPBearer\nscheme = HTTPBearer()\n"
            "def on_app(): ...\ndef on_include(): ...\ndef on_router(): ...\n"
            "def user(token=Depends(scheme)): ...\nUser = Annotated[str, Depends(user)]\n"
            "class Role:\n    def __init__(self, name): ...\n"
            "    def __call__(self, it: User): ...\n"
            "app = FastAPI(dependencies=[Depends(on_app)])\n"
            "router = APIRouter(dependencies=[Depends(on_router)])\n\n"
            "@router.get('/', dependencies=[Depends(Role('admin'))])\n"
            f"{HANDLER}\napp.include_router(router, dependencies=[Depends(on_include)])\n"
        }
    )
    names = {dep.name.removeprefix("main.") for dep in route.dependencies}
    assert names == {"on_app", "on_include", "on_router", "Role", "user", "scheme"}


def test_a_router_included_twice_has_both_paths_and_only_shared_dependencies() -> None:
    route = only(
        {
            "main.py": "from fastapi import APIRouter, Depends, FastAPI\ndef guard(): ...\n"
            f"app = FastAPI()\nrouter = APIRouter()\n\n@router.get('/users')\n{HANDLER}\n"
            "app.include_router(router, prefix='/v1', dependencies=[Depends(guard)])\n"
            "app.include_router(router, prefix='/v2')\n"
        }
    )
    assert route.paths == ("/v1/users", "/v2/users")
    assert route.dependencies == []


def test_routers_joined_twice_on_each_of_many_levels_keep_some_of_the_ways() -> None:
    levels = 40
    source = "from fastapi import APIRouter, FastAPI\nr0 = FastAPI()\n"
    for level in range(levels):
        source += f"r{level + 1} = APIRouter()\n"
        for prefix in "ab":
            source += f"r{level}.include_router(r{level + 1}, prefix='/{prefix}')\n"
    route = only({"app/main.py": source + f"@r{levels}.get('/leaf')\n{HANDLER}"})
    assert 1 < len(route.paths) < 100
    assert all(each.mounted for each in route.endpoints)
    assert {len(path) for path in route.paths} == {2 * levels + len("/leaf")}


def test_a_subclass_of_the_router_passes_its_own_options_on() -> None:
    route = only(
        {
            "main.py": "from fastapi import APIRouter, Depends\ndef guard(): ...\n"
            "class Guarded(APIRouter):\n    def __init__(self, prefix: str = '', **kwargs):\n"
            "        super().__init__(prefix=prefix, dependencies=[Depends(guard)], **kwargs)\n"
            f"router = Guarded(prefix='/users')\n\n@router.get('')\n{HANDLER}"
        }
    )
    assert route.paths == ("/users",)
    assert [dep.name for dep in route.dependencies] == ["main.guard"]


def test_middleware_and_exception_handlers_are_known_however_they_are_registered() -> None:
    read = project(
        {
            "main.py": "from fastapi import FastAPI\nfrom starlette.middleware import Middleware\n"
            "from starlette.middleware.gzip import GZipMiddleware as G\n"
            "async def on_key(request, exc): ...\nasync def on_value(request, exc): ...\n"
            "app = FastAPI(middleware=[Middleware(G)], exception_handlers={KeyError: on_key})\n"
            "app.add_exception_handler(ValueError, on_value)\n\n"
            "@app.exception_handler(404)\nasync def missing(request, exc): ...\n\n"
            "@app.middleware('http')\nasync def timing(request, call_next): ...\n"
        }
    )
    handlers = {h.function.name: h.types for h in read.routes.exception_handlers}
    assert handlers == {
        "on_key": ("builtins.KeyError",),
        "on_value": ("builtins.ValueError",),
        "missing": ("404",),
    }
    names = [each.name for each in read.routes.middleware]
    assert names == ["starlette.middleware.gzip.GZipMiddleware", "main.timing"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/health", True),
        ("/api/v1/healthz", True),
        ("/health-check", True),
        ("/health/db", True),
        ("/health/{name}", False),
        ("/health-insurances", False),
        ("/readings", False),
        ("/x/readiness", True),
        ("/api/metrics", True),
        ("/", True),
        ("/api/", False),
    ],
)
def test_a_probe_is_recognised_by_its_word(path: str, expected: bool) -> None:
    patterns = ["/health*", "/ready*", "/metrics", "/"]
    assert is_infrastructure(path, patterns) is expected
