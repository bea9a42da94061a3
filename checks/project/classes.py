"""Classes over files: hierarchy, and the roles that the vocabulary names."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from checks.facts import tree

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, Class, Function

_DEPTH = 24
SCHEMA_BASES = frozenset(
    {"pydantic.BaseModel", "pydantic.RootModel", "pydantic.generics.GenericModel"}
)
SETTINGS_BASES = frozenset({"pydantic_settings.BaseSettings", "pydantic.BaseSettings"})
DOCUMENT_BASES = frozenset({"tortoise.models.Model", "beanie.Document"})
DECLARATIVE = frozenset(
    {
        "sqlalchemy.orm.DeclarativeBase",
        "sqlalchemy.orm.DeclarativeBaseNoMeta",
        "sqlalchemy.orm.declarative_base",
        "sqlalchemy.orm.MappedAsDataclass",
        "sqlalchemy.ext.automap.automap_base",
        "flask_sqlalchemy.SQLAlchemy.Model",
    }
)
HTTP_EXCEPTIONS = frozenset(
    {
        "fastapi.HTTPException",
        "werkzeug.exceptions.HTTPException",
        "django.http.Http404",
        "rest_framework.exceptions.APIException",
    }
)


SQLMODEL = "sqlmodel.SQLModel"


class Classes:
    """Hierarchy and roles of all first-party classes."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._ancestors: dict[str, list[str]] = {}
        self._roles: dict[str, str] = {}

    @cached_property
    def by_key(self) -> dict[str, Class]:
        """All first-party classes by canonical name."""
        files = self.project.files
        return {cls.key: cls for file in files if not file.is_excluded for cls in file.classes}

    def ancestors(self, cls: Class) -> list[str]:
        """Canonical names of all bases, breadth first; a base that is an alias is followed."""
        known = self._ancestors.get(cls.key)
        if known is not None:
            return known
        found: list[str] = []
        queue = [cls]
        for current in queue:
            if len(found) > 200:
                break
            owner = current.file.function_of(current.fact.function)
            for base in current.fact.bases:
                name = self._base(current, base, owner)
                if name and name not in found and name != cls.key:
                    found.append(name)
                    parent = self.by_key.get(name)
                    if parent is not None:
                        queue.append(parent)
        self._ancestors[cls.key] = found
        return found

    def _base(self, cls: Class, base: tree.Expr, owner: Function | None) -> str:
        """Name of a base; ``Base = declarative_base()`` and ``db.Model`` become their maker."""
        file = cls.file
        name = file.resolve(base, owner)
        assigned = self.project.names.assignment_named(name)
        if assigned is not None and isinstance(assigned[1].value, tree.CallRef):
            return assigned[0].resolve(assigned[1].value)
        head, dot, last = name.rpartition(".")
        if dot and last == "Model":
            owner_type = self.project.values.type_of_name(head)
            if owner_type == "flask_sqlalchemy.SQLAlchemy":
                return "flask_sqlalchemy.SQLAlchemy.Model"
        return name

    def role(self, cls: Class) -> str:
        """What a class is by the vocabulary, "" for nothing that it names.

        One of ``orm``, ``orm-base``, ``document``, ``settings``, ``schema``, ``exception``,
        ``http-exception``, ``enum`` and ``protocol``. ``orm-base`` is an abstract base or mixin
        of ORM models; ``document`` a Tortoise or beanie model, which is an ORM model for layers
        and database access only.
        """
        known = self._roles.get(cls.key)
        if known is None:
            self._roles[cls.key] = ""
            known = self._roles[cls.key] = self._role(cls)
        return known

    def _role(self, cls: Class) -> str:
        names = set(self.ancestors(cls))
        if names & DECLARATIVE or SQLMODEL in names:
            found = self._orm_role(cls, names)
            if found:
                return found
        if names & DOCUMENT_BASES:
            return "document"
        if names & SETTINGS_BASES:
            return "settings"
        if names & SCHEMA_BASES or SQLMODEL in names:
            return "schema"
        if names & HTTP_EXCEPTIONS:
            return "http-exception"
        if any(_is_exception(name) for name in names):
            return "exception"
        if any(name.startswith("enum.") for name in names):
            return "enum"
        if cls.key in self._mapped_bases and any(
            self.is_column(cls, fact) for fact in cls.attributes.values()
        ):
            return "orm-base"
        return "protocol" if "typing.Protocol" in names else ""

    @cached_property
    def _mapped_bases(self) -> frozenset[str]:
        """First-party bases of all mapped classes: a mixin needs no base of its own."""
        return frozenset(
            name
            for cls in self.by_key.values()
            if not DECLARATIVE.isdisjoint(self.ancestors(cls))
            for name in self.ancestors(cls)
            if name in self.by_key
        )

    def _orm_role(self, cls: Class, names: set[str]) -> str:
        if SQLMODEL in names and not names & DECLARATIVE:
            return "orm" if self._is_table(cls) else ""
        attributes = cls.attributes
        abstract = attributes.get("__abstract__")
        if abstract is not None and isinstance(abstract.value, tree.Const) and abstract.value.value:
            return "orm-base"
        if "__tablename__" in attributes or "__table__" in attributes:
            return "orm"
        if any(self.is_column(cls, fact) for fact in attributes.values()):
            direct = [self._base(cls, base, None) for base in cls.fact.bases]
            return "orm-base" if direct and set(direct) <= DECLARATIVE else "orm"
        return "orm-base"

    def _is_table(self, cls: Class) -> bool:
        for item in cls.fact.keywords:
            if item.name == "table" and isinstance(item.value, tree.Const):
                return bool(item.value.value)
        return False

    def is_column(self, cls: Class, fact: tree.Assign) -> bool:
        """Whether an attribute of a class is a mapped column (SQLAlchemy, either style)."""
        if fact.value is not None:
            made = cls.file.resolve(fact.value)
            if made in {"sqlalchemy.Column", "sqlalchemy.orm.mapped_column"}:
                return True
            if made.endswith((".Column", ".mapped_column")) and not made.startswith("rich."):
                return True
        return cls.file.resolve(fact.annotation) == "sqlalchemy.orm.Mapped"

    def foreign_key(self, cls: Class, name: str) -> Call | None:
        """The ``ForeignKey(...)`` of a column, also SQLModel's ``Field(foreign_key=...)``."""
        fact = cls.attributes.get(name)
        for expr in () if fact is None else (fact.value, fact.annotation):
            for node in tree.walk(expr, cls.file.facts):
                if isinstance(node, tree.CallRef):
                    call = cls.file.calls[node.index]
                    if call.last == "ForeignKey" or call.fact.keyword("foreign_key") is not None:
                        return call
        return None

    @cached_property
    def settings(self) -> list[Class]:
        """The settings classes of production files."""
        return self.with_role("settings")

    @cached_property
    def settings_parts(self) -> frozenset[str]:
        """Classes that are the type of a field of a settings class, also of one another."""
        found: set[str] = set()
        queue = [cls for cls in self.by_key.values() if self.role(cls) == "settings"]
        for cls in queue:
            for fact in cls.attributes.values():
                for node in tree.walk(fact.annotation):
                    name = cls.file.resolve(node) if isinstance(node, tree.Name) else ""
                    if name in self.by_key and name not in found:
                        found.add(name)
                        queue.append(self.by_key[name])
        return frozenset(found)

    def is_model(self, cls: Class) -> bool:
        """An ORM model in the wide sense: SQLAlchemy, SQLModel, Tortoise or beanie."""
        return self.role(cls) in {"orm", "document"}

    def with_role(self, *roles: str) -> list[Class]:
        """All production classes of these roles."""
        return [
            cls
            for file in self.project.production
            for cls in file.classes
            if self.role(cls) in roles
        ]

    def method(self, cls: Class, name: str) -> Function | None:
        """The method of a class, inherited from first-party bases where it is not its own."""
        if name in cls.methods:
            return cls.methods[name]
        for ancestor in self.ancestors(cls):
            parent = self.by_key.get(ancestor)
            if parent is not None and name in parent.methods:
                return parent.methods[name]
        return None


def _is_exception(name: str) -> bool:
    if name in {"builtins.Exception", "builtins.BaseException"}:
        return True
    module, _, last = name.rpartition(".")
    if module == "builtins":
        return last.endswith(("Error", "Exception", "Interrupt", "Iteration", "Exit"))
    return bool(module) and last.endswith(("Error", "Exception"))
