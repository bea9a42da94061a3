"""Which files are read at all, and as what. Decided by the path alone, before any byte is read.

Read are the files a check can ask about: Python, manifests, lock files, configuration of tools,
CI, containers and deployment, and prose. Data files (fixtures, translations, recorded answers,
API descriptions) are not: they are large, many, and no standard speaks of them.
"""

from __future__ import annotations

import re
from fnmatch import translate
from typing import Final, Literal

type Kind = Literal[
    "python",
    "toml",
    "yaml",
    "json",
    "ini",
    "lock",
    "requirements",
    "dockerfile",
    "makefile",
    "justfile",
    "gitignore",
    "markdown",
    "rst",
    "text",
    "shell",
]

VENDORED: Final = frozenset(
    {
        ".venv",
        "venv",
        "env",
        "site-packages",
        "node_modules",
        "vendor",
        "_vendor",
        "third_party",
        "build",
        "dist",
        ".tox",
        ".nox",
        "__pypackages__",
        "__pycache__",
    }
)
"""Path segments below which nothing is ours to judge."""

_DATA_FOLDERS: Final = """
    fixtures fixture testdata test_data data cassettes snapshots locale locales i18n translations
"""
_OPERATIONS_FOLDERS: Final = """
    .github .gitlab .gitlab-ci .circleci .woodpecker .azure .azure-pipelines .azuredevops ci k8s
    kubernetes kube manifests deploy deployment deployments helm charts infra infrastructure ops
    docker compose monitoring observability prometheus alerts alerting alertmanager grafana argocd
    ansible
"""

# Folders whose files without a suffix are scripts more often than not.
_SCRIPT_FOLDERS: Final = frozenset({"scripts", "script", "bin", "ci", ".ci", "tools", ".husky"})

# Base names in lower case; an exact name decides before a pattern, patterns in this order.
_NAMES: Final[dict[Kind, str]] = {
    "lock": "uv.lock poetry.lock pdm.lock pipfile.lock pylock.toml pylock.*.toml",
    "requirements": """
        requirements*.txt requirements*.in requirements*.lock constraints*.txt *-requirements.txt
    """,
    "dockerfile": "dockerfile dockerfile.* *.dockerfile containerfile containerfile.*",
    "makefile": "makefile gnumakefile makefile.* *.mk",
    "justfile": "justfile .justfile *.just",
    "gitignore": ".gitignore .dockerignore",
    "ini": """
        setup.cfg tox.ini mypy.ini .mypy.ini pytest.ini .pytest.ini alembic.ini .coveragerc .flake8
        .isort.cfg .pylintrc pylintrc .bandit .editorconfig uwsgi.ini log*.ini log*.conf
        supervisor*.conf supervisor*.ini *.service
    """,
    "text": """
        .env .env.* .env-* .env_* *.env env.example env.sample env.template env.dist .envrc
        .python-version .tool-versions runtime.txt
        procfile codeowners jenkinsfile caddyfile .gitattributes gunicorn.conf celery.conf readme
        readme.txt changelog changelog.txt changes changes.txt history history.txt news news.txt
        contributing contributing.txt nginx*.conf *.conf.template *.conf.tmpl
        *.conf.tpl *.conf.j2 *.tf *.dbml *.puml *.plantuml *.mmd *.mermaid
        *.mako license license.txt licence licence.txt copying copying.txt notice notice.txt
    """,
    "json": """
        renovate.json renovate.json5 .renovaterc .renovaterc.json package.json pyrightconfig.json
        .secrets.baseline log*.json
    """,
    "shell": "*.sh *.bash",
    "markdown": "*.md *.markdown",
    "rst": "*.rst",
    "yaml": """
        .pre-commit-config.y*ml lefthook.y*ml .lefthook.y*ml
        .gitlab-ci.y*ml *.gitlab-ci.y*ml azure-pipelines*.y*ml
        bitbucket-pipelines.y*ml .drone.y*ml .woodpecker*.y*ml codecov.y*ml .codecov.y*ml
        *compose*.y*ml docker-stack*.y*ml environment*.y*ml mkdocs.y*ml
        .readthedocs.y*ml readthedocs.y*ml taskfile*.y*ml dependabot.y*ml renovate.y*ml
        action.y*ml values*.y*ml chart.y*ml kustomization.y*ml *alert*.y*ml *rules*.y*ml
        prometheus*.y*ml log*.y*ml skaffold.y*ml cloudbuild*.y*ml render.y*ml app.y*ml
        serverless.y*ml fly.y*ml .safety-policy.y*ml *deployment*.y*ml *rollout*.y*ml
    """,
    "toml": "pipfile *.toml",
}
_EXACT = {name: kind for kind, names in _NAMES.items() for name in names.split() if "*" not in name}
_PATTERNS = tuple(
    (kind, re.compile("|".join(translate(name) for name in names.split() if "*" in name)))
    for kind, names in _NAMES.items()
    if "*" in names
)
_DATA = frozenset(_DATA_FOLDERS.split())
_OPERATIONS = frozenset(_OPERATIONS_FOLDERS.split())
# What a data folder may hold and is documentation or a recipe nevertheless.
_ALWAYS: frozenset[Kind] = frozenset({"markdown", "rst", "gitignore", "dockerfile", "makefile"})


def kind_of(path: str) -> Kind | None:
    """How a file is read, or None when it is not.

    Args:
        path: Repository-relative path with ``/``; case does not matter.

    Returns:
        The kind. Python files have one wherever they lie; other files below a vendored folder
        have none.
    """
    folders, _, name = path.lower().rpartition("/")
    if name.endswith((".py", ".pyi")):
        return "python"
    segments = frozenset(folders.split("/"))
    if segments & VENDORED:
        return None
    kind = _by_name(name) or _by_folder(name, segments)
    if kind is not None and kind not in _ALWAYS and segments & _DATA:
        return None
    return kind


def _by_name(name: str) -> Kind | None:
    if kind := _EXACT.get(name):
        return kind
    return next((kind for kind, pattern in _PATTERNS if pattern.match(name)), None)


def _by_folder(name: str, segments: frozenset[str]) -> Kind | None:
    if "requirements" in segments and name.endswith((".txt", ".in")):
        return "requirements"
    if "." not in name and segments & _SCRIPT_FOLDERS:
        return "shell"
    if not segments & _OPERATIONS:
        return None
    if name.endswith((".yml", ".yaml")):
        return "yaml"
    if name.endswith(".json") and ".github" in segments:
        return "json"
    return "text" if name.endswith(".conf") else None
