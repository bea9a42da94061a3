"""Checks of migrations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checks.check import At, check
from checks.facts import tree
from checks.globs import matcher
from checks.project.declared import table_of
from checks.project.following import joined
from checks.project.project import Project
from checks.project.subjects import File

_BRINGS_ALEMBIC = frozenset({"alembic", "flask-migrate"})


def _has_tables(project: Project) -> str | None:
    """ORM models of SQLAlchemy or SQLModel in production code."""
    if any(cls.file.is_production for cls in project.classes.with_role("orm")):
        return None
    return "no ORM model of SQLAlchemy or SQLModel"


@check("alembic-configured", applies=_has_tables)
def alembic_configured(
    project: Project,
    *,
    allow_create_all_paths: Sequence[str] = ("tests/**", "**/conftest.py", "scripts/**"),
) -> At | None:
    """Tables come about by Alembic's migrations, which know the models.

    A table that code creates on its own has no history and no way back.

    Instead: run ``alembic init``, point target_metadata to the models, commit the revisions.

    Known problems: whether the revisions lead to the models' tables is not computed.
    """
    missing = list(_missing(project))
    if missing:
        path = next((path for path, _ in missing if path), "")
        text = "Alembic is not set up: " + ", ".join(what for _, what in missing)
        return At(0, text, path=path, anchor="setup")
    for file in _environments(project):
        if (line := _without_metadata(file)) is not None:
            text = "`target_metadata` is None, so that Alembic knows no model"
            return At(line, text, path=file.path, anchor="target_metadata")
    tolerated = matcher(tuple(allow_create_all_paths))
    for file in project.production:
        if not tolerated(file.path):
            for line in _creates_all(file):
                text = "`metadata.create_all` creates tables beside the migrations"
                return At(line, text, path=file.path, anchor="create_all")
    return None


def _missing(project: Project) -> Iterator[tuple[str, str]]:
    """(path, what) of everything that belongs to Alembic and is not there."""
    manifests = project.manifests
    if not any(each.name in _BRINGS_ALEMBIC for each in manifests.dependencies):
        yield next(iter(manifests.paths), ""), "alembic is no dependency"
    if not _configuration(project):
        yield "", "there is no alembic.ini"
    if not _environments(project):
        yield "", "there is no env.py"
    if not any(_is_revision(file) for file in project.migrations):
        yield "", "there is no revision"


def _configuration(project: Project) -> list[str]:
    """Files that configure Alembic."""
    found = [path for path in project.entries if path.rpartition("/")[2] == "alembic.ini"]
    pyprojects = project.manifests.pyprojects.items()
    return found + [path for path, data in pyprojects if table_of(data, "tool", "alembic")]


def _environments(project: Project) -> list[File]:
    """Every env.py of Alembic: where a script location points to, or one that imports alembic."""
    named = _named(project)
    return [
        file
        for file in project.files
        if file.name == "env.py" and file.parsed and (_runs_alembic(file) or file.path in named)
    ]


def _runs_alembic(file: File) -> bool:
    return any(row.module.partition(".")[0] == "alembic" for row in file.facts.imports)


def _named(project: Project) -> set[str]:
    """Paths of env.py below the script locations that configurations name."""
    found: set[str] = set()
    for path in _configuration(project):
        document = project.documents.get(path)
        data = document.data if document is not None else None
        tables = [table_of(data, "alembic"), table_of(data, "tool", "alembic"),
                  *(table_of(value) for value in table_of(data).values())]  # fmt: skip
        for table in tables:
            location = table.get("script_location")
            if isinstance(location, str):
                place = location.replace("%(here)s", "").strip("/ ")
                package, colon, inner = place.partition(":")
                place = f"{package.replace('.', '/')}/{inner}" if colon else place
                folder = path.rpartition("/")[0]
                found |= {
                    f"{joined(base, place)}/env.py".lstrip("/") for base in (folder, "", "src")
                }
    return found


def _is_revision(file: File) -> bool:
    return any(
        isinstance(target, tree.Name) and target.id == "down_revision"
        for each in file.facts.assigns
        if each.function < 0
        for target in each.targets
    )


def _without_metadata(file: File) -> int | None:
    """Line of ``target_metadata = None``, None when it is ever set to something else."""
    values = [
        (each.line, each.value)
        for each in file.facts.assigns
        for target in each.targets
        if isinstance(target, tree.Name) and target.id == "target_metadata"
    ]
    if values and all(isinstance(v, tree.Const) and v.kind == "NoneType" for _, v in values):
        return values[0][0]
    return None


def _creates_all(file: File) -> Iterator[int]:
    """Lines on which all tables of a metadata are created, called or handed to run_sync."""
    for call in file.calls_named("create_all"):
        if _is_metadata(file, call.receiver, call.function):
            yield call.line
    for call in file.calls_named("run_sync"):
        for argument in call.fact.args:
            name = tree.dotted(argument)
            if name.endswith(".create_all") and "metadata" in name:
                yield call.line


def _is_metadata(file: File, receiver: tree.Expr | None, function: object) -> bool:
    name = tree.dotted(receiver) if receiver is not None else ""
    if "metadata" in name.rpartition(".")[2].lower():
        return True
    kind = file.type_of(receiver)
    return kind in {"sqlalchemy.MetaData", "sqlalchemy.schema.MetaData",
                    "flask_sqlalchemy.SQLAlchemy"}  # fmt: skip
