"""Which files are read, and as what."""

from __future__ import annotations

import pytest

from checks.facts.kinds import kind_of


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("app/main.py", "python"),
        ("typings/x.pyi", "python"),
        ("vendor/x.py", "python"),
        ("pyproject.toml", "toml"),
        ("apps/api/Pipfile", "toml"),
        ("uv.lock", "lock"),
        ("Pipfile.lock", "lock"),
        ("requirements.txt", "requirements"),
        ("requirements/prod.txt", "requirements"),
        ("docs/requirements-dev.txt", "requirements"),
        ("setup.cfg", "ini"),
        (".coveragerc", "ini"),
        ("Dockerfile", "dockerfile"),
        ("docker/api.Dockerfile", "dockerfile"),
        ("Dockerfile.prod", "dockerfile"),
        ("Makefile", "makefile"),
        ("justfile", "justfile"),
        (".gitignore", "gitignore"),
        ("README.md", "markdown"),
        ("docs/guide/index.rst", "rst"),
        ("LICENSE", "text"),
        (".env.example", "text"),
        ("config/example.env", "text"),
        (".github/CODEOWNERS", "text"),
        ("CHANGES.txt", "text"),
        ("deploy/nginx.conf", "text"),
        (".github/workflows/ci.yml", "yaml"),
        (".github/renovate.json", "json"),
        (".gitlab-ci.yml", "yaml"),
        (".pre-commit-config.yaml", "yaml"),
        ("compose.prod.yml", "yaml"),
        ("docker-compose.override.yaml", "yaml"),
        ("monitoring/alerts.yml", "yaml"),
        ("k8s/rollout.yaml", "yaml"),
        ("logging_config.yaml", "yaml"),
        ("package.json", "json"),
        ("scripts/start.sh", "shell"),
        ("scripts/test", "shell"),
        (".husky/pre-commit", "shell"),
        ("lefthook.yml", "yaml"),
        ("pylock.toml", "lock"),
    ],
)
def test_a_file_a_check_may_ask_about_has_a_kind(path: str, kind: str) -> None:
    assert kind_of(path) == kind


@pytest.mark.parametrize(
    "path",
    [
        "app/data.json",
        "openapi.json",
        "tests/fixtures/compose.yml",
        "locales/de.yml",
        "app/translations/messages.toml",
        "src/things.yaml",
        "node_modules/x/package.json",
        "vendor/lib/Makefile",
        ".venv/pyproject.toml",
        "logo.png",
        "main.pyc",
        "app/prompt.txt",
    ],
)
def test_data_and_vendored_files_are_not_read(path: str) -> None:
    assert kind_of(path) is None
