"""How mypy is configured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from checks.project.declared import table_of, texts_of
from checks.project.manifests import is_auxiliary

if TYPE_CHECKING:
    from checks.project.project import Project

_INI = frozenset({"mypy.ini", ".mypy.ini", "setup.cfg", "tox.ini"})
_STRICT = tuple(
    """disallow_any_generics disallow_subclassing_any disallow_untyped_calls disallow_untyped_defs
    disallow_incomplete_defs check_untyped_defs disallow_untyped_decorators warn_redundant_casts
    warn_unused_ignores warn_return_any strict_equality""".split()
)
"""What --strict switches on, beside no_implicit_reexport, which has two names."""


class MypyConfig(msgspec.Struct, frozen=True):
    """One configuration of mypy.

    Attributes:
        path: Its file.
        line: Line of its section.
        settings: The global settings.
        overrides: (line, patterns of modules, settings) of every override.
    """

    path: str
    line: int
    settings: Mapping[str, Any]
    overrides: tuple[tuple[int, tuple[str, ...], Mapping[str, Any]], ...]


def mypy_configs(project: Project) -> list[MypyConfig]:
    """All configurations of mypy, the one nearest to the root first."""
    found: list[MypyConfig] = []
    documents = sorted(project.documents.items(), key=lambda item: (item[0].count("/"), item[0]))
    for path, document in documents:
        name = path.rpartition("/")[2]
        if is_auxiliary(path):
            continue
        if name == "pyproject.toml":
            table = table_of(document.data, "tool", "mypy")
            items = table.get("overrides")
            overrides = [
                (document.line_of(f"tool.mypy.overrides.{number}"),
                 tuple(texts_of(table_of(item).get("module"))), table_of(item))
                for number, item in enumerate(items if isinstance(items, list) else [])
            ]  # fmt: skip
            line = document.line_of("tool.mypy")
        elif name in _INI:
            table = table_of(document.data, "mypy")
            overrides = [
                (document.lines.get(section, 0), tuple(section[5:].split(",")), table_of(given))
                for section, given in table_of(document.data).items()
                if section.startswith("mypy-")
            ]
            line = document.lines.get("mypy", 0)
        else:
            continue
        if table or overrides:
            found.append(MypyConfig(path, line, table, tuple(overrides)))
    return found


def is_strict(settings: Mapping[str, Any]) -> bool:
    """Whether settings are strict: by the word, or by all that the word stands for."""
    if true(settings.get("strict")):
        return True
    exports = true(settings.get("no_implicit_reexport")) or (
        "implicit_reexport" in settings and not true(settings["implicit_reexport"])
    )
    return exports and all(true(settings.get(flag)) for flag in _STRICT)


def true(value: object) -> bool:
    """Whether a setting is on, as TOML or as INI writes it."""
    return value is True or str(value).strip().lower() in {"true", "yes", "on", "1"}
