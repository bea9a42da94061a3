"""Check of encrypted transport: what encrypts a link, and what needs no encryption."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read

APP = {"app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n"}


def found(link: str, files: dict[str, str]) -> list[tuple[str, float]]:
    outcome = ask_read("transport-encryption", files, links=[link])
    return [(each.path, each.weight) for each in outcome.observations]


def test_a_service_without_any_sign_of_tls_fails_with_low_weight() -> None:
    assert found("http", APP) == [("app/main.py", 0.5)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "nginx.conf",
            "server {\n  listen 443 ssl;\n  ssl_certificate a;\n  proxy_pass http://a;\n}\n",
        ),
        ("fly.toml", "[http_service]\nforce_https = true\n"),
        ("Procfile", "web: uvicorn app.main:app\n"),
        ("Caddyfile", "shop.example.com {\n  reverse_proxy api:8000\n}\n"),
        ("k8s/ingress.yaml", "kind: Ingress\nspec:\n  tls:\n    - secretName: a\n"),
        ("infra/lb.tf", 'resource "aws_lb_listener" "a" {\n  protocol = "HTTPS"\n}\n'),
    ],
)
def test_a_proxy_or_a_platform_that_ends_tls_satisfies_the_link(path: str, text: str) -> None:
    assert found("http", APP | {path: text}) == []


def test_a_plain_address_of_production_fails() -> None:
    files = APP | {"Procfile": "web: x\n", ".env.production": "API=http://api.shop.io/v1\n"}
    assert found("http", files) == [(".env.production", 1.0)]
    assert found("http", files | {".env.production": "API=http://api:8000\n"}) == []


ENGINE = "from sqlalchemy import create_engine\nfrom app.config import settings\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("engine = create_engine(settings.url)\n", 1),
        ("engine = create_engine(settings.url, connect_args={'sslmode': 'require'})\n", 0),
        ("engine = create_engine(settings.url, connect_args={'ssl': False})\n", 1),
        ("ARGS = {'ssl': True}\nengine = create_engine(settings.url, connect_args=ARGS)\n", 0),
        ("engine = create_engine(f'postgresql://{settings.h}/a?sslmode=require')\n", 0),
        ("engine = create_engine('sqlite:///a.db')\n", 0),
        ("engine = create_engine('postgresql://u:p@localhost/a')\n", 0),
    ],
)
def test_an_engine_asks_for_tls_unless_its_database_is_local(text: str, expected: int) -> None:
    assert len(found("database", {"app/db.py": ENGINE + text})) == expected


def test_a_setting_or_an_address_of_the_environment_may_ask_for_tls() -> None:
    files = {"app/db.py": ENGINE + "engine = create_engine(settings.url)\n"}
    url = "DATABASE_URL=postgresql://u:p@db.shop.io/a{}\n"
    assert len(found("database", files | {".env.example": url.format("")})) == 1
    assert found("database", files | {".env.example": url.format("?sslmode=require")}) == []
    settings = "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    {}: str\n"
    assert found("database", files | {"app/config.py": settings.format("db_ssl_mode")}) == []
    assert len(found("database", files | {"app/config.py": settings.format("db_name")})) == 1
