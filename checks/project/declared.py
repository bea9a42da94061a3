"""Readers of manifests: what one file declares, a :class:`Dependency` per entry, with its line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from checks.facts.doctree import DocumentFact

RUNTIME, DEV, AUXILIARY = "runtime", "dev", "auxiliary"
DEV_NAMES = frozenset(
    """
    dev develop development devel test tests testing unittest pytest lint linting linters linter
    style format formatting typing types type-check typecheck typechecking mypy docs doc
    documentation ci check checks checking qa quality tools tooling pre-commit coverage cov bench
    benchmark benchmarks local debug profiling release build
    """.split()
)
"""Names of extras, groups and files that hold what only developers install."""
_CARET = re.compile(r"^\^\s*(?P<version>[\d.]+)\S*$")
_TILDE = re.compile(r"^~\s*(?P<version>[\d.]+)\S*$")
_PLAIN = re.compile(r"^v?\d[\w.!+-]*$")
_COMMIT = re.compile(r"@[0-9a-f]{7,40}(?:[#?].*)?$")
_HASH = re.compile(r"#(?:.*&)?(?:sha256|sha384|sha512)=|--hash[= ]")
_WORDS = re.compile(r"[^a-z0-9]+")


class Dependency(msgspec.Struct, frozen=True):
    """One declared dependency.

    Attributes:
        name: Distribution name after PEP 503.
        spec: Version specifier in the form of PEP 440, "" for none.
        extras: Extras asked for, lower case.
        path: Manifest that declares it.
        line: Its line there, 0 when unknown.
        group: ``runtime``, ``dev``, ``auxiliary`` (documentation, examples, scripts), or the
            name of an optional group.
        source: URL, path or git address, "" for an index.
        standard: Declared in a table that uv locks.
        hashed: Given with hashes of its files.
    """

    name: str
    spec: str
    extras: tuple[str, ...]
    path: str
    line: int
    group: str
    source: str = ""
    standard: bool = False
    hashed: bool = False

    @property
    def folder(self) -> str:
        """Folder of the manifest, "" for the root."""
        return self.path.rpartition("/")[0]

    @property
    def local(self) -> bool:
        """Whether it is a folder or file beside the manifest, which has no version."""
        return bool(self.source) and "://" not in self.source and not self.source.startswith("git@")

    @property
    def pinned(self) -> bool:
        """Whether the entry itself admits one version only."""
        if self.hashed:
            return True
        if self.source:
            return bool(_COMMIT.search(self.source) or _HASH.search(self.source))
        return any(
            part.strip().startswith("==") and not part.strip().endswith(".*")
            for part in self.spec.split(",")
        )


def table_of(data: object, *names: str) -> dict[str, Any]:
    """A table inside parsed data, an empty one where there is none."""
    for name in names:
        data = data.get(name) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def texts_of(value: object) -> list[str]:
    """The texts in a list, or a single text as a list of one."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def group_named(name: str, otherwise: str = "") -> str:
    """``dev`` for a name that says so, else ``otherwise`` or the name itself."""
    words = {word for word in _WORDS.split(name.lower()) if word}
    if canonicalize_name(name) in DEV_NAMES or words & DEV_NAMES:
        return DEV
    return otherwise or name


# Specifiers ---------------------------------------------------------------------------------------


def poetry_spec(text: str) -> str:
    """A constraint of poetry in the form of PEP 440: ``^1.2`` is ``>=1.2,<2``; "" for any."""
    parts = [_poetry_part(part.strip()) for part in text.split("||")[0].split(",")]
    return ",".join(part for part in parts if part)


def _poetry_part(text: str) -> str:
    if text in {"", "*"}:
        return ""
    if match := _CARET.match(text):
        return _caret(match["version"])
    if match := _TILDE.match(text):
        numbers = match["version"].split(".")
        kept = numbers[:2] if len(numbers) > 1 else numbers[:1]
        return f">={match['version']},<{'.'.join([*kept[:-1], str(int(kept[-1] or 0) + 1)])}"
    if _PLAIN.match(text):
        return f"=={text}"
    return text.replace(" ", "").replace("===", "==")


def _caret(version: str) -> str:
    """What a caret admits: up to the next change of the first number that is not zero."""
    numbers = [int(number or 0) for number in version.split(".")]
    index = next((i for i, number in enumerate(numbers) if number), len(numbers) - 1)
    upper = [*numbers[:index], numbers[index] + 1]
    return f">={version},<{'.'.join(map(str, upper))}"


def specifiers(text: str) -> SpecifierSet | None:
    """A specifier, None when it is not one."""
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return None


def lower_bound(text: str) -> Version | None:
    """The oldest version that a specifier names as its lower bound, None without one."""
    bounds = []
    for each in specifiers(text) or ():
        if each.operator in {">=", ">", "==", "===", "~="}:
            try:
                bounds.append(Version(each.version.removesuffix(".*")))
            except InvalidVersion:
                continue
    return max(bounds, default=None)


def lowest_python(text: str) -> tuple[int, int] | None:
    """Oldest minor version of Python 3 that a specifier admits, poetry's forms included."""
    alternatives = [poetry_spec(part) for part in text.split("||")]
    lowest: list[tuple[int, int]] = []
    for plain in alternatives:
        spec = specifiers(plain)
        if spec is None:
            continue
        minors = (minor for minor in range(40) if f"3.{minor}" in spec or f"3.{minor}.99" in spec)
        minor = next(minors, None)
        if minor is not None:
            lowest.append((3, minor))
    return min(lowest, default=None)


# Entries ------------------------------------------------------------------------------------------


def parse_requirement(text: str, path: str, line: int, group: str) -> Dependency | None:
    """One requirement as PEP 508 writes it; None when it is not one."""
    try:
        parsed = Requirement(text.partition(" #")[0])
    except InvalidRequirement:
        return None
    extras = tuple(sorted(extra.lower() for extra in parsed.extras))
    name, spec = canonicalize_name(parsed.name), str(parsed.specifier)
    return Dependency(name, spec, extras, path, line, group, parsed.url or "")


class Reader:
    """Reads one document as a manifest.

    Args:
        path: Its path.
        document: What it says.
        auxiliary: It lies with documentation, examples or scripts: nothing in it is runtime.
    """

    def __init__(self, path: str, document: DocumentFact, *, auxiliary: bool = False) -> None:
        self.path = path
        self.document = document
        self.auxiliary = auxiliary

    def _group(self, group: str) -> str:
        return AUXILIARY if self.auxiliary and group != DEV else group

    def _plain(
        self, items: object, group: str, key: str, *, standard: bool = False
    ) -> Iterator[Dependency]:
        """Requirements of PEP 508 in a list."""
        if not isinstance(items, list):
            return
        lines = self.document.lines
        for number, item in enumerate(items):
            if isinstance(item, str):
                line = lines.get(f"{key}.{number}", lines.get(key, 0))
                found = parse_requirement(item, self.path, line, self._group(group))
                if found is not None:
                    yield msgspec.structs.replace(found, standard=standard)

    def _tables(self, entries: object, group: str, key: str) -> Iterator[Dependency]:
        """Entries of poetry and Pipfile: a constraint, or a table, by name."""
        if not isinstance(entries, dict):
            return
        for name, value in entries.items():
            line = self.document.line_of(f"{key}.{name}")
            for given in value if isinstance(value, list) else [value]:
                if canonicalize_name(str(name)) != "python":
                    yield self._entry(str(name), given, group, line)

    def _entry(self, name: str, given: object, group: str, line: int) -> Dependency:
        table = given if isinstance(given, dict) else {"version": given}
        source = str(table.get("git") or table.get("url") or table.get("path") or "")
        commit = table.get("rev") or table.get("ref")
        if source and commit:
            source = f"{source}@{commit}"
        version = table.get("version")
        spec = poetry_spec(version) if isinstance(version, str) and not source else ""
        extras = tuple(sorted(extra.lower() for extra in texts_of(table.get("extras"))))
        found = self._group(group)
        return Dependency(canonicalize_name(name), spec, extras, self.path, line, found, source)

    # Files ----------------------------------------------------------------------------------------

    def pyproject(self) -> Iterator[Dependency]:
        """Everything that a pyproject.toml declares."""
        data = self.document.data
        project = table_of(data, "project")
        yield from self._plain(
            project.get("dependencies"), RUNTIME, "project.dependencies", standard=True
        )
        for name, items in table_of(project, "optional-dependencies").items():
            key = f"project.optional-dependencies.{name}"
            yield from self._plain(items, group_named(name), key, standard=True)
        for name, items in table_of(data, "dependency-groups").items():
            yield from self._plain(items, DEV, f"dependency-groups.{name}", standard=True)
        uv = table_of(data, "tool", "uv").get("dev-dependencies")
        yield from self._plain(uv, DEV, "tool.uv.dev-dependencies", standard=True)
        for name, items in table_of(data, "tool", "pdm", "dev-dependencies").items():
            yield from self._plain(items, DEV, f"tool.pdm.dev-dependencies.{name}")
        yield from self._hatch(table_of(data, "tool", "hatch", "envs"))
        yield from self._poetry(table_of(data, "tool", "poetry"))

    def _hatch(self, envs: dict[str, Any]) -> Iterator[Dependency]:
        for name, env in envs.items():
            for key in ("dependencies", "extra-dependencies"):
                yield from self._plain(table_of(env).get(key), DEV, f"tool.hatch.envs.{name}.{key}")

    def _poetry(self, data: dict[str, Any]) -> Iterator[Dependency]:
        key = "tool.poetry"
        yield from self._tables(data.get("dependencies"), RUNTIME, f"{key}.dependencies")
        yield from self._tables(data.get("dev-dependencies"), DEV, f"{key}.dev-dependencies")
        for name, group in table_of(data, "group").items():
            found = RUNTIME if name == "main" else DEV
            entries = table_of(group).get("dependencies")
            yield from self._tables(entries, found, f"{key}.group.{name}.dependencies")

    def pipfile(self) -> Iterator[Dependency]:
        """Packages of a Pipfile."""
        data = self.document.data
        yield from self._tables(table_of(data).get("packages"), RUNTIME, "packages")
        yield from self._tables(table_of(data).get("dev-packages"), DEV, "dev-packages")

    def setup_cfg(self) -> Iterator[Dependency]:
        """Requirements of setup.cfg, one per line of an option."""
        data = self.document.data
        options = table_of(data, "options")
        for name, group in (("install_requires", RUNTIME), ("tests_require", DEV)):
            yield from self._option(options.get(name), group, f"options.{name}")
        for name, value in table_of(data, "options.extras_require").items():
            yield from self._option(value, group_named(name), f"options.extras_require.{name}")

    def _option(self, value: object, group: str, key: str) -> Iterator[Dependency]:
        if not isinstance(value, str):
            return
        start = self.document.lines.get(key, 0)
        for offset, text in enumerate(value.split("\n")):
            if not text.strip().startswith(("#", "file:")):
                found = parse_requirement(
                    text.strip(), self.path, start + offset, self._group(group)
                )
                if found is not None:
                    yield found

    def requirements(self, group: str) -> Iterator[Dependency]:
        """Lines of a requirements file."""
        for each in self.document.requirements:
            if not each.name:
                continue
            extras = tuple(sorted(extra.lower() for extra in each.extras))
            yield Dependency(
                name=each.name,
                spec=each.spec,
                extras=extras,
                path=self.path,
                line=each.line,
                group=self._group(group),
                source=each.url,
                hashed=each.hashes > 0,
            )


def requirement_list(items: Iterable[object], path: str, line: int, group: str) -> list[Dependency]:
    """Requirements among values that a setup.py passes."""
    found = (parse_requirement(str(item), path, line, group) for item in items)
    return [each for each in found if each is not None]
