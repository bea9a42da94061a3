"""Traps of the check on documents."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read

CODE = {"app/x.py": "X = 1\n"}
ROUTES = {
    "app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n\n\n"
    "@app.get('/users')\ndef users() -> list[str]:\n    return []\n"
}
DEPLOYED = {"Dockerfile": "FROM python:3.13\n"}
WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"


def missing(topic: str, readme: str, **files: str) -> bool:
    """Whether a topic is missing in a repository with this README."""
    more = {path.replace("__", "/").replace("_dot_", "."): text for path, text in files.items()}
    everything = {**CODE, **ROUTES, **DEPLOYED, "README.md": readme, **more}
    outcome = ask_read("docs-topics", everything, topics=[topic])
    assert outcome.sites == 1
    return bool(outcome.observations)


@pytest.mark.parametrize(
    ("topic", "readme", "found"),
    [
        ("setup", "# X\n\n## Getting started\n\n    uv sync\n", False),
        ("setup", "# X\n\n## Install\n\nRun `uv sync` now.\n", False),
        ("setup", "# X\n\n## Install\n\n### Linux\n\n```\nuv sync\n```\n", False),
        ("setup", "# X\n\n## Install\n\nIt is easy.\n", True),
        ("setup", "# X\n\n```\n# Install\nuv sync\n```\n", True),
        ("deployment", "# X\n\n## Deployment\n", True),
        ("deployment", "# X\n\n## Deployment\n\nTODO\n", True),
        ("deployment", "# X\n\n## Deployment\n\nComing soon: a guide.\n", True),
        ("deployment", "# X\n\n## Deployment\n\nPush to main.\n", False),
        ("deployment", "# X\n\nDeploy it.\n", True),
        ("deployment", f"# X\n\nDeploy {WORDS}.\n", False),
        ("deployment", "# X\n\n[How to deploy](https://example.com/deploy)\n", True),
        ("purpose", "# X\n\n[![CI](a.svg)](b) [![Coverage](c.svg)](d)\n", True),
        ("purpose", "# X\n\nTakes the orders of customers.\n", False),
        ("environment-variables", "# X\n\n## Configuration\n\nSee the code.\n", True),
        ("environment-variables", "# X\n\n## Configuration\n\n- `DATABASE_URL`: where\n", False),
        ("api-overview", "# X\n\n## API\n\nGET /users\n", True),
        ("api-overview", "# X\n\n## API\n\n- GET /users\n- GET /orders/{id}\n", False),
        ("profiling", f"# X\n\nEdit your profile {WORDS}.\n", True),
        ("profiling", "# X\n\n## Profiling\n\nUse py-spy.\n", False),
        ("platform-setup", "# X\n\nWorks on macOS and Windows.\n", False),
        ("platform-setup", "# X\n\nWorks on Linux.\n", True),
        ("sequence-diagram", "# X\n\n```mermaid\nsequenceDiagram\n  A->>B: x\n```\n", False),
        ("sequence-diagram", "# X\n\n![](docs/login-sequence.png)\n", False),
        ("sequence-diagram", "# X\n\n![](docs/consequences.png)\n", True),
    ],
)
def test_a_section_needs_a_heading_or_enough_words_and_content(
    topic: str, readme: str, found: bool
) -> None:
    if topic == "environment-variables":
        assert missing(topic, readme, app__y_dot_py="import os\nX = os.getenv('X')\n") is found
    else:
        assert missing(topic, readme) is found


def test_a_link_to_a_document_of_the_repository_counts() -> None:
    readme = "# X\n\nSee [how to deploy](./ops/deploy.md).\n"
    assert not missing("deployment", readme, ops__deploy_dot_md="x\n")
    assert missing("deployment", readme)


def test_documentation_may_live_in_other_folders() -> None:
    text = "# Deployment\n\nPush to main.\n"
    assert not missing("deployment", "# X\n", documentation__guide__a_dot_md=text)


@pytest.mark.parametrize("name", ["docs/er.png", "docs/db-schema.svg", "docs/model.dbml"])
def test_a_picture_may_show_the_tables(name: str) -> None:
    models = (
        "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n\n\n"
        "class Base(DeclarativeBase):\n    pass\n\n\nclass User(Base):\n"
        "    __tablename__ = 'users'\n    id: Mapped[int] = mapped_column(primary_key=True)\n"
    )
    files = {**CODE, "app/models.py": models, "docs/header-user.png": "x"}
    assert ask_read("docs-topics", files, topics=["er-diagram"]).observations
    files[name] = "x"
    assert not ask_read("docs-topics", files, topics=["er-diagram"]).observations


@pytest.mark.parametrize("topic", ["er-diagram", "rate-limits", "deployment", "runbook"])
def test_topics_that_concern_nothing_are_not_asked_for(topic: str) -> None:
    assert ask_read("docs-topics", CODE, topics=[topic]).state == "not-applicable"


def test_a_profiler_among_the_tools_tells_enough() -> None:
    files = {**CODE, "requirements-dev.txt": "py-spy\n"}
    assert not ask_read("docs-topics", files, topics=["profiling"]).observations
    files = {**CODE, "Makefile": "run:\n\tdocker compose --profile dev up\n"}
    assert ask_read("docs-topics", files, topics=["profiling"]).observations
