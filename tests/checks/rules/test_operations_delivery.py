"""Traps of the check on progressive delivery."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read, lines

DEPLOYED = {"k8s/app.yaml": "apiVersion: apps/v1\nkind: Deployment\n"}
ROUTES = (
    "from fastapi import FastAPI\nfrom pydantic_settings import BaseSettings\napp = FastAPI()\n"
    "class Settings(BaseSettings):\n    feature_orders: bool = False\n"
    "settings = Settings()\n@app.get('/')\ndef home():\n"
)


def found(files: dict[str, str], **params: object) -> list[int]:
    return lines(ask_read("progressive-delivery", dict(files), **params))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("k8s/blue/app.yaml", "kind: Service\n"),
        (".github/workflows/deploy.yml", "jobs:\n  canary:\n    steps: []\n"),
        ("infra/main.tf", "traffic_weight {\n  percentage = 20\n}\n"),
        ("deploy.sh", "az webapp deployment slot swap --name app\n"),
    ],
)
def test_a_technique_shows_in_files_of_delivery(path: str, text: str) -> None:
    green = {"k8s/green/app.yaml": "kind: Service\n"} if "blue" in path else {}
    assert found({**DEPLOYED, **green, path: text}) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("README.md", "# Canary releases\n\nWe plan blue-green.\n"),
        ("app/colours.py", "BLUE = 'blue'\nGREEN = 'green'\nCANARY = 'canary'\n"),
        ("infra/main.tf", "traffic_weight {\n  percentage = 100\n}\n"),
    ],
)
def test_words_elsewhere_are_no_technique(path: str, text: str) -> None:
    assert found({**DEPLOYED, path: text}) == [0]


def test_a_repository_that_deploys_nothing_is_no_site() -> None:
    assert ask_read("progressive-delivery", {"app/a.py": "x = 1\n"}).state == "not-applicable"


def test_a_flag_counts_where_a_condition_reads_it() -> None:
    flags = {"techniques": ["feature-flags"]}
    declared = {"app/main.py": f"{ROUTES}    return 1\n"}
    used = {"app/main.py": f"{ROUTES}    if settings.feature_orders:\n        return 1\n"}
    assert found(declared, **flags) == [0]
    assert found(used, **flags) == []
