"""Settings classes as the vocabulary means them: which are one, and what they declare."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.schemas import Field, is_none

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Class, File

_ENVIRONMENT = re.compile(
    r"(?:\w+_)?(?:env|environment|stage|environment_name|env_name|environment_type)"
)


class Settings:
    """All settings classes of a project, nested groups aside."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def tops(self) -> list[Class]:
        """The settings classes that are no group of another one."""
        classes = self.project.classes
        return [cls for cls in classes.settings if cls.key not in classes.settings_parts]

    @cached_property
    def groups(self) -> list[Class]:
        """Classes that are the type of a field of a settings class."""
        classes = self.project.classes
        return [classes.by_key[name] for name in sorted(classes.settings_parts)]

    @cached_property
    def independent(self) -> list[Class]:
        """One settings class for each family that shares no fields with the others, largest first.

        Classes that inherit fields from one another are variants of one: per environment, or
        composed of several. A base without fields makes no family.
        """
        by_key = {cls.key: cls for cls in self.tops}
        family = {key: key for key in by_key}

        def head(key: str) -> str:
            while family[key] != key:
                key = family[key]
            return key

        for cls in self.tops:
            for name in cls.ancestors:
                if name in by_key and self.project.schemas.own_fields(by_key[name]):
                    family[head(name)] = head(cls.key)
        heads: dict[str, list[Class]] = {}
        for cls in self.tops:
            if self.project.schemas.fields(cls):
                heads.setdefault(head(cls.key), []).append(cls)
        largest = [max(each, key=self._size) for each in heads.values()]
        return sorted(largest, key=self._size, reverse=True)

    def _size(self, cls: Class) -> int:
        return len(self.project.schemas.fields(cls))

    @property
    def main(self) -> Class | None:
        """The settings class with the most fields."""
        return next(iter(self.independent or self.tops), None)

    @cached_property
    def fields(self) -> list[Field]:
        """Fields of all settings classes and of their groups."""
        fields = self.project.schemas.own_fields
        return [field for cls in (*self.tops, *self.groups) for field in fields(cls)]

    @cached_property
    def env_files(self) -> list[tuple[File, Expr]]:
        """What is given as ``env_file``, or as ``_env_file`` where settings are made."""
        found: list[tuple[File, Expr]] = []
        for cls in (*self.tops, *self.groups):
            given = (each for each in _configured(cls) if not is_none(each))
            found += [(cls.file, each) for each in given]
        for file in self.project.production:
            for call in file.calls:
                value = call.fact.keyword("_env_file")
                if value is not None:
                    found.append((file, value))
        return found

    @cached_property
    def environment_fields(self) -> list[str]:
        """Names of fields that say which environment this is."""
        names = [field.name for field in self.fields]
        return [name for name in names if _ENVIRONMENT.fullmatch(name.lower())]


def is_environment_name(name: str) -> bool:
    """Whether a variable or field of this name says which environment this is."""
    return _ENVIRONMENT.fullmatch(name.lower()) is not None


def _configured(cls: Class) -> Iterator[Expr]:
    """``env_file`` of ``model_config``, of ``class Config`` and of the class statement."""
    for keyword in cls.fact.keywords:
        if keyword.name == "env_file":
            yield keyword.value
    file = cls.file
    for holder, name in ((cls, "model_config"), (cls, "Config")):
        fact = holder.attributes.get(name)
        for config in _followed(file, None if fact is None else fact.value):
            if isinstance(config, tree.CallRef):
                value = file.facts.calls[config.index].keyword("env_file")
                if value is not None:
                    yield value
            elif isinstance(config, tree.Map):
                for key, value in zip(config.keys, config.values, strict=True):
                    if tree.text_of(key) == "env_file":
                        yield value
    inner = file.project.classes.by_key.get(f"{cls.key}.Config")
    assigned = None if inner is None else inner.attributes.get("env_file")
    if assigned is not None and assigned.value is not None:
        yield assigned.value


def _followed(file: File, config: Expr | None) -> Iterator[Expr]:
    """A configuration, or the one of this file that its name stands for."""
    if config is None:
        return
    yield config
    if isinstance(config, tree.Name):
        found = file.project.names.assignment_named(file.resolve(config))
        if found is not None and found[0] is file and found[1].value is not None:
            yield found[1].value
