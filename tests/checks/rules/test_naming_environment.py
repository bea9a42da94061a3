"""Names of environment variables: traps of the definition."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read

COMPOSE = """x-lower: &lower
  restart: always
services:
  app:
    labels:
      traefik.enable: "true"
    command: run key=value
    environment:
      DEBUG: "1"
      log_level: info
  db:
    environment:
      - POSTGRES_DB=app
      - pg_user=app
"""


def named(files: dict[str, str]) -> list[tuple[int, str]]:
    outcome = ask_read("env-var-upper-case", files)
    return [(each.line, each.anchor) for each in outcome.observations]


def test_compose_names_variables_in_environment_blocks_only() -> None:
    assert named({"compose.yaml": COMPOSE}) == [(10, "log_level"), (14, "pg_user")]


def test_each_name_of_a_docker_instruction_stands_at_its_own_line() -> None:
    text = 'FROM x\nARG http_proxy\nARG api_url=x\nENV A=1 \\\n    b="c=d" \\\n    E=f\nENV old 1\n'
    assert named({"Dockerfile": text}) == [(3, "api_url"), (5, "b"), (7, "old")]


def test_a_template_names_its_variables_outside_comments_and_long_values() -> None:
    text = '# lower=1\nexport lower=1\nDATABASE__HOST=x\nKEY="a\nb=c\n"\nno_proxy=x\n'
    assert named({".env.example": text}) == [(2, "lower")]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('A = os.getenv("app_name")', ["app_name"]),
        ('A = os.environ["app_name"]', ["app_name"]),
        ('A = os.getenv("APP_NAME")', []),
        ('A = os.getenv("https_proxy")', []),
        ("A = os.getenv(NAME)", []),
        ("class S(BaseSettings):\n    app_name: str", []),
    ],
)
def test_code_names_variables_where_it_reads_them(line: str, found: list[str]) -> None:
    code = f"import os\nfrom pydantic_settings import BaseSettings\n{line}\n"
    assert [name for _, name in named({"app/a.py": code})] == found
