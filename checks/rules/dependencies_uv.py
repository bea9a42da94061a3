"""Check of whether environments, dependencies and tools are managed by uv."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import cached_property

from packaging.utils import canonicalize_name

from checks.check import Answer, At, Sites, check
from checks.project.manifests import project_name
from checks.project.project import Project
from checks.project.scripts import Written
from checks.project.wrappers import Words, programs

_PIP = re.compile(r"pip(?:3(?:\.\d+)?)?")
_PACKAGE = re.compile(r"[A-Za-z0-9][\w.-]*")
_VALUED = frozenset(
    """-r --requirement -c --constraint -e --editable -i --index-url --extra-index-url -f
    --find-links -t --target --prefix --root --python -p --prompt --cache-dir --platform
    --trusted-host --progress-bar --timeout --retries --config-settings --index --group --extra
    --build-constraint --only-binary --no-binary --upgrade-package -P --proxy""".split()
)
_OWN = frozenset({"-r", "--requirement", "--requirements", "-e", "--editable", "--group"})
_TOOLS = frozenset(
    """pytest ruff mypy black alembic uvicorn isort flake8 pylint coverage bandit gunicorn celery
    fastapi""".split()
)
_CONTAINERS = frozenset({"docker", "docker-compose", "podman", "podman-compose", "kubectl"})
_OTHERS: dict[str, frozenset[str]] = {
    "poetry": frozenset({"add", "install", "sync", "update"}),
    "pipenv": frozenset({"install", "sync", "update", "lock"}),
    "conda": frozenset({"install"}),
    "mamba": frozenset({"install"}),
    "micromamba": frozenset({"install"}),
}
_ACTIVE = re.compile(r"\.venv/bin|activate-environment:\s*true|\.venv[/\\]Scripts")
_SYNCS = re.compile(r"\buv\s+(?:--\S+\s+)*sync\b")


@check("uv-commands", each="rules", asks_source=True)
def uv_commands(
    project: Project,
    rule: str,
    *,
    rules: Sequence[str] = ("no-pip",),
    allowed: Sequence[str] = (
        "pip install uv", "pip install --upgrade pip", "pip install pre-commit", "pipx install uv",
    ),
) -> Answer:  # fmt: skip
    """Environments, dependencies and tools are managed by uv.

    One tool and one lock give everybody the same environment, on every machine.

    Instead: ``uv sync``, ``uv add`` and ``uv run``.

    Known problems: commands in the middle of a sentence, in Python code and in a Jenkinsfile are
    not read. A tool behind a variable that is defined elsewhere is not judged.
    """
    judge = _Judge(project, allowed)
    answers = [(each, _RULES[rule](judge, each)) for each in project.scripts.commands]
    sites = [(each, fault) for each, fault in answers if fault is not None]
    found = [
        At(each.line, fault, path=each.path, anchor=" ".join(each.words)[:80])
        for each, fault in sites
        if fault
    ]
    return Sites(len(sites), found)


class _Judge:
    """Judges one command after the other: None for no site, "" for one that is right."""

    def __init__(self, project: Project, allowed: Sequence[str]) -> None:
        self.project = project
        self.allowed = {
            package for each in allowed for package in _packages(tuple(each.split()[1:]))
        }
        self._managed: dict[str, bool] = {}

    # Installing -----------------------------------------------------------------------------------

    def installs(self, each: Written) -> str | None:
        """Whether a command installs, and by what."""
        if each.place == "docs" and not each.readme:
            return None
        for words in programs(each.words):
            if words[0] == "uv":
                return self._by_uv(each, words)
            if _PIP.fullmatch(words[0]) and "install" in words[1:4]:
                return self._by_pip(each, words)
            if words[0] in {"pip-compile", "pip-sync", "easy_install"}:
                return f"`{words[0]}` is used instead of uv"
            plain = next((word for word in words[1:] if not word.startswith("-")), "")
            if plain in _OTHERS.get(words[0], ()):
                return f"`{words[0]} {plain}` is used instead of uv"
        return None

    def _by_pip(self, each: Written, words: Words) -> str | None:
        packages = _packages(words[words.index("install") :])
        if packages and packages <= self.allowed and not _OWN & set(words):
            return ""
        if each.place == "docs" and packages and packages <= self._own and not _OWN & set(words):
            return None
        return "`pip install` is used instead of uv"

    def _by_uv(self, each: Written, words: Words) -> str | None:
        plain = [word for word in words[1:] if not word.startswith("-")][:2]
        if plain[:1] in (["sync"], ["add"]) or plain == ["tool", "install"]:
            return ""
        if plain != ["pip", "install"]:
            return None
        behind = words[words.index("install") :]
        if "--system" in words and self._is_locked:
            return ""
        if _OWN & set(behind) or _packages(behind) & (self._declared | {"."}) or "." in behind:
            return "`uv pip install` installs the project's own dependencies past the lock"
        return ""

    @cached_property
    def _is_locked(self) -> bool:
        return any(path.rpartition("/")[2] == "uv.lock" for path in self.project.entries)

    @cached_property
    def _declared(self) -> set[str]:
        return {each.name for each in self.project.manifests.dependencies}

    @cached_property
    def _own(self) -> set[str]:
        """Names of the projects of the repository: users of a library install it as they like."""
        names = (project_name(data) for data in self.project.manifests.pyprojects.values())
        setup = (values.get("name") for values, _ in self.project.manifests.setup_scripts.values())
        return {str(canonicalize_name(str(name))) for name in (*names, *setup) if name}

    # Running --------------------------------------------------------------------------------------

    def runs(self, each: Written) -> str | None:
        """Whether a command starts a Python tool, and how."""
        if each.place not in {"ci", "make", "docs"} or _is_variable(each.words):
            return None
        tool = next((name for words in programs(each.words) if (name := _tool(words))), "")
        if not tool:
            return self._module(each)
        at = next((n for n, word in enumerate(each.words) if _base(word) == tool), 0)
        return self._started(each, each.words[:at], tool)

    def _module(self, each: Written) -> str | None:
        """Whether ``python -m`` is started through uv; the standard library needs none."""
        words = [_base(word) for word in each.words]
        at = next((n for n, word in enumerate(words) if re.fullmatch(r"python[\d.]*", word)), -1)
        rest = each.words[at + 1 :]
        if at < 0 or "-m" not in rest[:3]:
            return None
        name = next(iter(rest[rest.index("-m") + 1 :]), "").partition(".")[0]
        if not name or name in _NO_TOOLS:
            return None
        return self._started(each, each.words[:at], f"python -m {name}")

    def _started(self, each: Written, before: Sequence[str], tool: str) -> str | None:
        names = [_base(word) for word in before]
        if "uvx" in names or ("uv" in names and ("run" in names or "tool" in names)):
            return ""
        if not _CONTAINERS.isdisjoint(names):
            images = [p for p, d in self.project.documents.items() if d.kind == "dockerfile"]
            return "" if any(map(self._is_managed, images)) else f"`{tool}` is not started by uv"
        return "" if self._is_managed(each.path) else f"`{tool}` is started without `uv run`"

    def _is_managed(self, path: str) -> bool:
        """Whether a file installs by uv and puts that environment on the path."""
        if path not in self._managed:
            entry = self.project.blobs.get(path)
            texts = [
                content.decode("utf-8", "replace")
                for _, content in self.project.source.blobs([entry.oid] if entry else [])
            ]
            self._managed[path] = any(_ACTIVE.search(t) and _SYNCS.search(t) for t in texts)
        return self._managed[path]

    # Environments ---------------------------------------------------------------------------------

    def creates(self, each: Written) -> str | None:
        """Whether a command makes a virtual environment, and where."""
        if each.place == "docs" and not each.readme:
            return None
        for words in programs(each.words):
            if words[0] in {"venv", "virtualenv"} and len(words) > 1:
                if words[0] == "venv" and "-m" not in each.words:
                    continue
                name = "python -m venv" if words[0] == "venv" else "virtualenv"
                return f"`{name}` is used instead of uv"
            if words[:2] == ("uv", "venv"):
                places = _plain(words[2:])
                wrong = bool(places) and places[0].rstrip("/") not in {".venv", "./.venv"}
                return f"The environment is made in `{places[0]}`, not in .venv" if wrong else ""
        return None


_NO_TOOLS = (sys.stdlib_module_names - {"unittest"}) | {"pip", "virtualenv", "uv", "pipx"}


_RULES: dict[str, Callable[[_Judge, Written], str | None]] = {
    "no-pip": _Judge.installs,
    "uv-run": _Judge.runs,
    "no-venv-creation": _Judge.creates,
}


def _base(word: str) -> str:
    return word.lstrip("@-").rpartition("/")[2]


def _is_variable(words: Sequence[str]) -> bool:
    """Whether a command begins with something that is defined elsewhere."""
    return words[0].startswith(("$", "{{"))


def _tool(words: Words) -> str:
    return words[0] if words[0] in _TOOLS else ""


def _plain(words: Sequence[str]) -> list[str]:
    """Words that are neither options nor values of options."""
    found, skip = list[str](), False
    for word in words:
        if not skip and not word.startswith("-"):
            found.append(word)
        skip = word in _VALUED
    return found


def _packages(words: Sequence[str]) -> set[str]:
    """Names of the packages that an install command is given, versions left out."""
    names = (_PACKAGE.match(word) for word in _plain(words) if word != "install")
    found = {str(canonicalize_name(match[0])) for match in names if match}
    return found | {word for word in _plain(words) if word.startswith((".", "/", "$", "git+"))}
