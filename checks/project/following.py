"""Where a command leads: the recipes, environments and scripts of the repository behind it.

``make check`` is what the Makefile says under ``check``; the same for just, task, nox, tox, poe,
hatch, script tables of manifests, shell and Python scripts, pre-commit, Docker and compose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from checks.project import runners
from checks.project.commands import Command, read_commands
from checks.project.declared import table_of, texts_of
from checks.project.precommit import Hooks
from checks.project.pyruns import literal_runs, session_runs
from checks.project.runners import Recipe
from checks.project.wrappers import Words, programs

if TYPE_CHECKING:
    from checks.facts.doctree import DocumentFact
    from checks.project.project import Project

_MAX_STEPS = 600
_MAX_DEPTH = 10
_COMPOSE = re.compile(r"(?:docker-)?compose(?:\.override)?\.ya?ml$")


class Ran(msgspec.Struct, frozen=True):
    """One program that is run.

    Attributes:
        words: Name and arguments.
        forgiven: Its failure, or that of what led to it, is ignored.
        offset: Line in the text that led to it, counted from 0.
        folder: Folder it is run in, as far as that is known.
    """

    words: Words
    forgiven: bool
    offset: int
    folder: str


class _Step(msgspec.Struct, frozen=True):
    text: str
    folder: str
    forgiven: bool
    offset: int
    depth: int


class Following:
    """Follows commands through the repository."""

    def __init__(self, project: Project) -> None:
        self.project = project
        # By their names in the repository: commands are given from its root, also where only a
        # component of it is judged.
        self._documents = {project.real_path(p): each for p, each in project.documents.items()}
        self._files = {project.real_path(file.path): file for file in project.files}
        self._memo: dict[tuple[str, str], list[Ran]] = {}
        self._followers: dict[str, Callable[[Words, str], Iterator[Recipe]]] = {
            "make": self._make,
            "gmake": self._make,
            "just": self._just,
            "task": self._task,
            "nox": self._nox,
            "tox": self._tox,
            "poe": self._poe,
            "hatch": self._hatch,
            "bash": self._shell,
            "source": self._shell,
            "python": self._python,
            "pre-commit": self._hooks,
            "prek": self._hooks,
            "docker": self._docker,
            "docker-compose": self._docker,
            "podman": self._docker,
        }

    @cached_property
    def hooks(self) -> Hooks:
        """Hooks that run before a commit."""
        return Hooks(self.project)

    def run(self, text: str, folder: str = "") -> list[Ran]:
        """All programs that a script runs, directly and through what the repository defines."""
        memo = (text, folder)
        if memo not in self._memo:
            self._memo[memo] = list(self._run(text, folder))
        return self._memo[memo]

    def _run(self, text: str, folder: str) -> Iterator[Ran]:
        queue = [_Step(text, folder, False, -1, 0)]
        seen: set[tuple[Words, str]] = set()
        steps = 0
        while queue and steps < _MAX_STEPS:
            step = queue.pop(0)
            place = step.folder
            for command in read_commands(step.text):
                place = _entered(command, place)
                for words in programs(command.words):
                    steps += 1
                    offset = command.offset if step.offset < 0 else step.offset
                    forgiven = step.forgiven or command.forgiven
                    yield Ran(words, forgiven, offset, place)
                    if (words, place) in seen or step.depth >= _MAX_DEPTH:
                        continue
                    seen.add((words, place))
                    queue.extend(
                        _Step(recipe.text, recipe.folder, forgiven or recipe.forgiven, offset,
                              step.depth + 1)
                        for recipe in self._behind(words, place)
                    )  # fmt: skip

    def _behind(self, words: Words, folder: str) -> Iterator[Recipe]:
        follower = self._followers.get(words[0])
        if follower is not None:
            yield from follower(words, folder)
        for text in self._scripts.get(words[0], ()):
            yield Recipe(text, folder)
        target = self.project.manifests.scripts.get(words[0])
        if target:
            yield from self._console_script(target, folder)

    # Files ----------------------------------------------------------------------------------------

    def _document(self, name: str, folder: str) -> tuple[str, DocumentFact] | None:
        """A file by its name in a folder, else from a folder of a manifest, else by its end."""
        documents = self._documents
        for base in (folder, "", *self._homes):
            path = joined(base, name)
            if path in documents:
                return path, documents[path]
        tail = "/" + joined("", name.lstrip("/"))
        found = sorted((p for p in documents if p.endswith(tail)), key=lambda p: (p.count("/"), p))
        return (found[0], documents[found[0]]) if found else None

    @cached_property
    def _homes(self) -> list[str]:
        """Folders of the manifests, from which containers and scripts are often run."""
        return [
            self.project.real_path(joined(folder, "x")).rpartition("/")[0]
            for folder in self.project.manifests.folders
        ]

    def _first(self, folder: str, *names: str) -> tuple[str, DocumentFact] | None:
        """The first of several files that stands in a folder, else at the root."""
        lower = {name.lower() for name in names}
        for base in (folder, ""):
            for path, document in self._documents.items():
                head, _, name = path.rpartition("/")
                if head == base and name.lower() in lower:
                    return path, document
        return None

    @cached_property
    def _scripts(self) -> Mapping[str, Sequence[str]]:
        """Scripts that manifests define by name (pdm, rye, pixi, hatch, pipenv)."""
        found: dict[str, list[str]] = {}
        for data in self.project.manifests.pyprojects.values():
            tool = table_of(data, "tool")
            for names in (("pdm", "scripts"), ("rye", "scripts"), ("pixi", "tasks")):
                runners.add_scripts(found, table_of(tool, *names))
            for env in table_of(tool, "hatch", "envs").values():
                runners.add_scripts(found, table_of(env, "scripts"))
        for path, document in self._documents.items():
            name = path.rpartition("/")[2]
            if name == "Pipfile":
                runners.add_scripts(found, table_of(document.data, "scripts"))
            elif name == "hatch.toml":
                for env in table_of(document.data, "envs").values():
                    runners.add_scripts(found, table_of(env, "scripts"))
        return found

    # Runners --------------------------------------------------------------------------------------

    def _make(self, words: Words, folder: str) -> Iterator[Recipe]:
        place = joined(folder, runners.option(words, "-C", "--directory"))
        named = runners.option(words, "-f", "--file", "--makefile")
        found = (
            self._document(named, place) if named else self._first(place, "Makefile", "GNUmakefile")
        )
        if found is not None:
            yield from runners.make(words, found[1], found[0].rpartition("/")[0])

    def _just(self, words: Words, folder: str) -> Iterator[Recipe]:
        found = self._first(folder, "justfile", ".justfile")
        if found is not None:
            yield from runners.just(words, found[1], found[0].rpartition("/")[0])

    def _task(self, words: Words, folder: str) -> Iterator[Recipe]:
        name = next((word for word in words[1:] if not word.startswith("-")), "")
        tasks = self._defining(folder, name, "taskipy", "tasks")
        for part in ("pre_", "", "post_"):
            for text in runners.script_texts(tasks.get(f"{part}{name}")):
                yield Recipe(text, folder)
        found = self._first(folder, "Taskfile.yml", "Taskfile.yaml", "Taskfile.dist.yml")
        if found is not None:
            yield from runners.task(words, found[1].data, found[0].rpartition("/")[0])

    def _tox(self, words: Words, folder: str) -> Iterator[Recipe]:
        for base in (folder, ""):
            for name in ("tox.ini", "tox.toml", "pyproject.toml", "setup.cfg"):
                document = self._documents.get(joined(base, name))
                found = list(runners.tox(words, document.data, base)) if document else []
                if found:
                    yield from found
                    return

    def _nox(self, words: Words, folder: str) -> Iterator[Recipe]:
        for base in (folder, ""):
            file = self._files.get(joined(base, "noxfile.py"))
            if file is not None and file.parsed:
                for text in session_runs(
                    file.facts, runners.listed(words, "-s", "--session", "-e")
                ):
                    yield Recipe(text, base)
                return

    def _poe(self, words: Words, folder: str) -> Iterator[Recipe]:
        name = next((word for word in words[1:] if not word.startswith("-")), "")
        for text in runners.poe(self._defining(folder, name, "poe", "tasks").get(name)):
            yield Recipe(text, folder)

    def _defining(self, folder: str, name: str, *keys: str) -> dict[str, Any]:
        """The tasks of the pyproject.toml that defines one, nearest to a folder."""
        found = {
            self.project.real_path(path).rpartition("/")[0]: tasks
            for path, data in self.project.manifests.pyprojects.items()
            if name in (tasks := table_of(data, "tool", *keys))
        }
        around = [base for base in found if folder == base or folder.startswith(f"{base}/")]
        nearest = max(around, key=len, default="" if "" in found else next(iter(found), ""))
        return found.get(nearest, {})

    def _hatch(self, words: Words, folder: str) -> Iterator[Recipe]:
        rest = [word for word in words[1:] if not word.startswith("-")]
        if rest[:1] == ["test"]:
            yield Recipe("pytest --cov" if "--cover" in words else "pytest", folder)
        elif rest[:1] == ["fmt"]:
            yield Recipe("ruff check\nruff format", folder)
        elif "run" in words:
            inner = words[words.index("run") + 1 :]
            if inner:
                name = inner[0].rpartition(":")[2]
                yield Recipe(" ".join((name, *map(runners.quoted, inner[1:]))), folder)

    def _shell(self, words: Words, folder: str) -> Iterator[Recipe]:
        if "-c" in words[:4]:
            index = words.index("-c") + 1
            yield Recipe(words[index] if index < len(words) else "", folder)
            return
        script = next((word for word in words[1:] if not word.startswith(("-", "+"))), "")
        found = self._document(script, folder) if script else None
        if found is not None and found[1].kind in {"shell", "text"}:
            yield Recipe(found[1].text, folder)

    def _python(self, words: Words, folder: str) -> Iterator[Recipe]:
        script = words[1] if len(words) > 1 else ""
        for base in (folder, "", *self._homes):
            file = self._files.get(joined(base, script))
            if file is not None and file.parsed and file.name != "manage.py":
                for text in literal_runs(file.facts):
                    yield Recipe(text, folder)
                return

    def _console_script(self, target: str, folder: str) -> Iterator[Recipe]:
        module, _, function = target.partition(":")
        tail = module.strip().replace(".", "/") + ".py"
        for file in self.project.files:
            if file.parsed and (file.path == tail or file.path.endswith(f"/{tail}")):
                for text in literal_runs(file.facts, function.strip()):
                    yield Recipe(text, folder)
                return

    def _hooks(self, words: Words, folder: str) -> Iterator[Recipe]:
        if "run" not in words:
            return
        named = {word for word in words[words.index("run") + 1 :] if not word.startswith("-")}
        stage = runners.option(words, "--hook-stage")
        for hook in self.hooks.all:
            wanted = stage in hook.stages if stage else hook.on_commit
            if hook.id in named or (wanted and not named & {each.id for each in self.hooks.all}):
                for each in hook.programs:
                    yield Recipe(" ".join(map(runners.quoted, each)), folder)

    # Containers -----------------------------------------------------------------------------------

    def _docker(self, words: Words, folder: str) -> Iterator[Recipe]:
        if words[0] == "docker-compose" or "compose" in words[1:3]:
            yield from self._compose(words, folder)
        elif "build" in words[1:3]:
            context = words[-1] if not words[-1].startswith("-") else "."
            yield from self.image(runners.option(words, "-f", "--file"), context, folder)

    def image(self, dockerfile: str, context: str, folder: str) -> Iterator[Recipe]:
        """What building an image runs."""
        place = joined(folder, context)
        candidates = (joined(folder, dockerfile), joined(place, dockerfile)) if dockerfile else ()
        for path in (*candidates, joined(place, "Dockerfile")):
            document = self._documents.get(path)
            if document is not None and document.kind == "dockerfile":
                for instruction in document.instructions:
                    if instruction.name == "RUN":
                        yield Recipe(re.sub(r"^(?:--\S+\s+)+", "", instruction.value), place)
                return

    def _compose(self, words: Words, folder: str) -> Iterator[Recipe]:
        action = next((w for w in words if w in {"up", "build", "run", "start", "create"}), "")
        behind = set(words[words.index(action) + 1 :]) if action else set()
        services = [each for each in self._services(words, folder) if action]
        named = [each for each in services if each[0] in behind]
        for _, service, base in named or ([] if action == "run" else services):
            build = service.get("build")
            if build is not None and action != "run":
                table = build if isinstance(build, dict) else {"context": build}
                context = str(table.get("context", "."))
                yield from self.image(str(table.get("dockerfile") or ""), context, base)
            command = service.get("command")
            if command is not None and action != "build":
                parts = texts_of(command)
                text = command if isinstance(command, str) else " ".join(map(runners.quoted, parts))
                yield Recipe(text, base)

    def _services(self, words: Words, folder: str) -> Iterator[tuple[str, dict[str, Any], str]]:
        given = [joined(folder, words[i + 1]) for i, word in enumerate(words[:-1])
                 if word in {"-f", "--file"}]  # fmt: skip
        for path, document in self._documents.items():
            base, _, name = path.rpartition("/")
            if path in given or (not given and base == folder and _COMPOSE.match(name)):
                for service, table in table_of(document.data, "services").items():
                    if isinstance(table, dict):
                        yield str(service), table, base


def joined(folder: str, name: str) -> str:
    """A path relative to a folder, ``.`` and ``..`` taken out."""
    parts = [] if name.startswith("/") else folder.split("/")
    for part in name.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(part for part in parts if part)


def _entered(command: Command, folder: str) -> str:
    """The folder after a command: another one after ``cd``."""
    words = command.words
    if words[0] in {"cd", "pushd"} and len(words) == 2 and "$" not in words[1]:
        return joined(folder, words[1])
    return folder
