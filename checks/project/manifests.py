"""What a project declares: dependencies, entry points, Python versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from checks.project.project import Project

DEV_NAMES = frozenset("dev test tests testing lint linting typing types docs ci check qa".split())
IMPORT_NAMES = {
    "pyjwt": "jwt",
    "python-jose": "jose",
    "pyyaml": "yaml",
    "python-dotenv": "dotenv",
    "python-multipart": "multipart",
    "pydantic-settings": "pydantic_settings",
    "tortoise-orm": "tortoise",
    "psycopg2-binary": "psycopg2",
    "beautifulsoup4": "bs4",
    "pillow": "PIL",
    "scikit-learn": "sklearn",
    "google-cloud-bigquery": "google.cloud.bigquery",
    "opentelemetry-api": "opentelemetry",
    "prometheus-client": "prometheus_client",
    "argon2-cffi": "argon2",
    "flask-sqlalchemy": "flask_sqlalchemy",
}
"""Import names of distributions that are not called like what they install."""


class Dependency(msgspec.Struct, frozen=True):
    """One declared dependency.

    Attributes:
        name: Distribution name after PEP 503.
        spec: Version specifier as text, "" for none.
        extras: Extras asked for.
        path: Manifest that declares it.
        line: Its line there, 0 when unknown.
        group: ``runtime``, ``dev``, or the name of an optional group.
        source: URL, path or git address, "" for an index.
    """

    name: str
    spec: str
    extras: tuple[str, ...]
    path: str
    line: int
    group: str
    source: str = ""


class Manifests:
    """All manifests of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def pyprojects(self) -> dict[str, dict[str, Any]]:
        """Data of every pyproject.toml by path, the one nearest to the root first."""
        found = {
            path: document.data
            for path, document in self.project.documents.items()
            if path.rpartition("/")[2] == "pyproject.toml" and isinstance(document.data, dict)
        }
        return dict(sorted(found.items(), key=lambda item: (item[0].count("/"), item[0])))

    @cached_property
    def script_modules(self) -> frozenset[str]:
        """Modules that are targets of console scripts."""
        found: set[str] = set()
        for data in self.pyprojects.values():
            for table in (
                table_of(data, "project", "scripts"),
                table_of(data, "tool", "poetry", "scripts"),
            ):
                found.update(str(target).partition(":")[0] for target in table.values())
        return frozenset(found)

    @cached_property
    def min_python(self) -> tuple[int, int] | None:
        """Oldest Python that requires-python admits, None when nothing says."""
        for data in self.pyprojects.values():
            text = table_of(data, "project").get("requires-python")
            if not isinstance(text, str):
                text = table_of(data, "tool", "poetry", "dependencies").get("python")
            if isinstance(text, str):
                return lowest_python(text)
        return None

    @cached_property
    def dependencies(self) -> list[Dependency]:
        """Every declared dependency of every manifest."""
        return list(self._declared())

    def depends_on(self, package: str) -> bool:
        """Runtime dependency in a manifest, or imported by a production file."""
        name = canonicalize_name(package)
        if any(each.name == name and each.group == "runtime" for each in self.dependencies):
            return True
        module = IMPORT_NAMES.get(name, name.replace("-", "_"))
        return any(each == module or each.startswith(f"{module}.") for each in self.imported)

    @cached_property
    def imported(self) -> frozenset[str]:
        """Absolute third-party modules that production files import."""
        layout = self.project.layout
        return frozenset(
            row.fact.module
            for file in self.project.production
            for row in file.imports
            if not row.fact.level and layout.split(row.target) is None
        )

    def _declared(self) -> Iterator[Dependency]:
        for path, data in self.pyprojects.items():
            lines = self.project.documents[path].lines
            project = table_of(data, "project")
            yield from _pep508(
                project.get("dependencies"), path, "runtime", lines, "project.dependencies"
            )
            for name, items in table_of(project, "optional-dependencies").items():
                key = f"project.optional-dependencies.{name}"
                yield from _pep508(items, path, _group(name), lines, key)
            for name, items in table_of(data, "dependency-groups").items():
                yield from _pep508(items, path, "dev", lines, f"dependency-groups.{name}")


def _group(name: str) -> str:
    return "dev" if canonicalize_name(name) in DEV_NAMES else name


def _pep508(
    items: object, path: str, group: str, lines: dict[str, int], key: str
) -> Iterator[Dependency]:
    if not isinstance(items, list):
        return
    for number, item in enumerate(items):
        if isinstance(item, str):
            line = lines.get(f"{key}.{number}", lines.get(key, 0))
            found = parse_requirement(item, path, line, group)
            if found is not None:
                yield found


def parse_requirement(text: str, path: str, line: int, group: str) -> Dependency | None:
    """One requirement as PEP 508 writes it."""
    try:
        parsed = Requirement(text)
    except InvalidRequirement:
        return None
    extras = tuple(sorted(parsed.extras))
    name, spec = canonicalize_name(parsed.name), str(parsed.specifier)
    return Dependency(name, spec, extras, path, line, group, parsed.url or "")


def lowest_python(text: str) -> tuple[int, int] | None:
    """Oldest minor version of Python 3 that a specifier admits, poetry's forms included."""
    plain = re.sub(r"[\^~](?=\d)", ">=", text.replace("~=", ">="))
    try:
        spec = SpecifierSet(plain)
    except InvalidSpecifier:
        return None
    for minor in range(40):
        if f"3.{minor}" in spec or f"3.{minor}.99" in spec:
            return (3, minor)
    return None


def table_of(data: object, *names: str) -> dict[str, Any]:
    """A table inside parsed data, an empty one where there is none."""
    for name in names:
        data = data.get(name) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}
