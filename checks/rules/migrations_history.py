"""Checks of the history of migrations: that they stay as they were, and come with their models."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.pastmodels import COMPUTED, Placed, Table
from checks.facts.pasttables import Version
from checks.facts.tree import PyFacts
from checks.project.layout import excluded_path, test_path
from checks.project.pasttables import NOTHING, telling, versions
from checks.project.project import Project
from checks.project.trunk import Pair, Step, Trunk
from checks.rules.applies import has_history
from checks.source import Change

_HOUR = 3_600
_BATCH = 200
_SPACE = re.compile(r"(?:\s|\\[nrt])+")
_LINKS = frozenset({"branch_labels", "depends_on"})


class _Migration(msgspec.Struct):
    """The life of one migration on the mainline; it grows while the history is followed.

    Attributes:
        path: Where it is, or was last.
        oid: Its blob there.
        since: When it came.
        pairs: Commit, blob before and after, of every change.
        gone: The step that deleted it.
        replaced: A squashed revision stands for it.
    """

    path: str
    oid: str
    since: int
    pairs: list[tuple[Step, str, str]]
    gone: Step | None = None
    replaced: bool = False


@check("migrations-immutable", each="forbid", applies=has_history, asks_source=True)
def migrations_immutable(
    project: Project,
    entry: str,
    *,
    forbid: Sequence[str] = ("modify", "delete"),
    grace_hours: int = 0,
) -> Answer:
    """A migration that reached the mainline is never changed or deleted.

    Databases that ran it once do not run it again, and from then on differ from all others.

    Instead: add a new revision.

    Known problems: a squashed Alembic revision is known by standing for two or more that its
    commit deletes; a moved one by its name, its revision id or its content.
    """
    lives = _lives(project.trunk)
    if not lives:
        return Skip("no migration on the mainline")
    if entry == "delete":
        found = [_deleted(life) for life in lives if life.gone is not None and not life.replaced]
    else:
        pairs = [(before, after) for life in lives for _, before, after in life.pairs]
        altered = _altered(project.trunk, pairs)
        changed = ((life, _changed(life, altered, grace_hours)) for life in lives)
        found = [_modified(life, step) for life, step in changed if step is not None]
    return Sites(len(lives), found)


def _deleted(life: _Migration) -> At:
    oid = life.gone.oid if life.gone is not None else ""
    text = f"The migration was deleted in {oid[:10]}"
    return At(0, text, path=life.path, symbol=f"commit:{oid}", anchor=f"delete {life.path}")


def _modified(life: _Migration, step: Step) -> At:
    text = f"The migration was changed in {step.oid[:10]}, after it had reached the mainline"
    return At(0, text, path=life.path, symbol=f"commit:{step.oid}", anchor=f"modify {life.path}")


def _changed(life: _Migration, altered: Set[Pair], grace_hours: int) -> Step | None:
    """The first step that changed what a migration does."""
    for step, before, after in life.pairs:
        if grace_hours and step.time - life.since <= grace_hours * _HOUR:
            continue
        if (before, after) in altered:
            return step
    return None


def _altered(trunk: Trunk, pairs: Sequence[Pair]) -> Set[Pair]:
    """Those changes after which a file does something else."""

    def read(missing: Sequence[str]) -> Iterator[tuple[str, bool]]:
        trunk.read(oid for name in missing for oid in name.split(":"))
        for name in missing:
            old, new = (trunk.facts(oid) for oid in name.split(":"))
            yield name, not old.error and not new.error and shape(old) != shape(new)

    names = {pair: ":".join(pair) for pair in pairs}
    known = trunk.project.source.remembered("migration altered", bool)
    found = known.records(list(names.values()), read)
    return {pair for pair, name in names.items() if found[name]}


# Following migrations ----------------------------------------------------------------------------


def _lives(trunk: Trunk) -> list[_Migration]:
    """All migrations that were ever on the mainline, followed through moves."""
    steps = [
        (step, rows)
        for step in trunk.steps
        if (rows := [row for row in step.changes if trunk.may_migrate(row.path)])
    ]
    trunk.read(_asked(rows for _, rows in steps))
    living: dict[str, _Migration] = {}
    dead: dict[str, _Migration] = {}
    for step, rows in steps:
        _follow(trunk, living, dead, step, rows)
    current = {life.oid: life for life in living.values()}
    trunk.read(current)
    names = {_revision_id(trunk.facts(oid)) for oid in current} - {""}
    replaces = {name for oid in current for name in _replaced_names(trunk.facts(oid))}
    for life in dead.values():
        stem = life.path.rpartition("/")[2].removesuffix(".py")
        life.replaced |= _revision_id(trunk.facts(life.oid)) in names or stem in replaces
    return [
        life
        for life in (*living.values(), *dead.values())
        if trunk.is_migration(life.path, life.oid)
    ]  # fmt: skip


def _asked(rows: Iterable[Sequence[Change]]) -> Iterator[str]:
    """Blobs that have to be read: of changes, and of all that comes where something goes."""
    for changes in rows:
        goes = any(change.status == "D" for change in changes)
        for change in changes:
            if change.status != "A" or goes:
                yield change.old_oid
                yield change.new_oid


def _follow(
    trunk: Trunk,
    living: dict[str, _Migration],
    dead: dict[str, _Migration],
    step: Step,
    rows: Sequence[Change],
) -> None:
    added = {row.path: row for row in rows if row.status == "A"}
    leaving: list[_Migration] = []
    for row in rows:
        if row.status in {"M", "T"} and row.path in living:
            life = living[row.path]
            life.pairs.append((step, row.old_oid, row.new_oid))
            life.oid = row.new_oid
        elif row.status == "D" and row.path in living:
            leaving.append(living.pop(row.path))
    arrivals = _Arrivals(trunk, added)
    kept = {life.oid for life in leaving} & {row.new_oid for row in added.values()}
    squashed = _squashes(
        trunk,
        [life for life in leaving if life.oid not in kept],
        [row for row in added.values() if row.new_oid not in kept],
    )
    for life in leaving:
        moved = arrivals.of(life, same=squashed)
        if moved is not None:
            del added[moved.path]
            life.pairs.append((step, life.oid, moved.new_oid))
            life.path, life.oid = moved.path, moved.new_oid
            living[moved.path] = life
    leaving = [life for life in leaving if living.get(life.path) is not life]
    for life in leaving:
        life.gone = step
        life.replaced = squashed and bool(_revision_id(trunk.facts(life.oid)))
        dead[life.path] = life
    for path, row in added.items():
        back = dead.pop(path, None)
        if back is None:
            living[path] = _Migration(path, row.new_oid, step.time, [])
        else:
            back.pairs.append((step, back.oid, row.new_oid))
            back.oid, back.gone = row.new_oid, None
            living[path] = back


class _Arrivals:
    """The files that one commit adds, by what tells where a migration went."""

    def __init__(self, trunk: Trunk, added: Mapping[str, Change]) -> None:
        self._trunk = trunk
        self._added = added
        rows = list(added.values())
        self._by_oid = {row.new_oid: row for row in rows}
        self._by_name = {row.path.rpartition("/")[2]: row for row in rows}
        self._by_revision = {_revision_id(trunk.facts(row.new_oid)): row for row in rows}

    def of(self, life: _Migration, *, same: bool) -> Change | None:
        """Where a migration went: the same blob, the same revision, the same name elsewhere.

        Where others are squashed only the same blob will do: the one that stands for them may
        have the id of the last.
        """
        if same:
            row = self._by_oid.get(life.oid)
            return row if row is not None and row.path in self._added else None
        name, revision = life.path.rpartition("/")[2], _revision_id(self._trunk.facts(life.oid))
        found = [self._by_oid.get(life.oid), self._by_revision.get(revision) if revision else None]
        if name != "0001_initial.py":
            found.append(self._by_name.get(name))
        return next((row for row in found if row is not None and row.path in self._added), None)


def _squashes(trunk: Trunk, leaving: Sequence[_Migration], added: Iterable[Change]) -> bool:
    """Whether one new revision begins where several deleted ones began."""
    if len(leaving) < 2:
        return False
    gone = {_revision_id(trunk.facts(each.oid)) for each in leaving}
    starts = {down for each in leaving if (down := _down(trunk.facts(each.oid))) not in gone}
    new = [trunk.facts(row.new_oid) for row in added]
    new = [facts for facts in new if _revision_id(facts)]
    return 0 < len(new) < len(leaving) and any(_down(facts) in starts for facts in new)


def _assigned(facts: PyFacts, name: str) -> tree.Expr | None:
    return next(
        (
            row.value
            for row in facts.assigns
            if row.function < 0 and tree.Name(name) in row.targets and row.value is not None
        ),
        None,
    )


def _revision_id(facts: PyFacts) -> str:
    return tree.text_of(_assigned(facts, "revision")) or ""


def _down(facts: PyFacts) -> str:
    return tree.text_of(_assigned(facts, "down_revision")) or ""


def _replaced_names(facts: PyFacts) -> Iterator[str]:
    """Names in ``replaces`` of a squashed migration."""
    for node in tree.walk(_assigned(facts, "replaces"), facts):
        text = tree.text_of(node)
        if text:
            yield text


# What a migration says ---------------------------------------------------------------------------


def shape(facts: PyFacts) -> str:
    """What a file does, without places, docstrings, annotations, imports and their order.

    White space in texts counts not: SQL is formatted too.
    """
    rows = (
        [(f.qualname, [(p.name, p.default) for p in f.params], f.is_async, f.last)
         for f in facts.functions],
        [(c.qualname, c.bases) for c in facts.classes],
        [(c.func, c.args, [(k.name, k.value) for k in c.keywords], c.function, c.cls, c.block)
         for c in facts.calls],
        [(a.targets, a.value, a.op, a.function, a.cls, a.block)
         for a in facts.assigns if a.value is not None and not _is_link(a)],
        [(r.exc, r.cause, r.function, r.block) for r in facts.raises],
        [(s.kind, s.value, s.names, s.function, s.cls, s.block)
         for s in facts.statements if tree.text_of(s.value) is None or s.kind != "expr"],
        [(b.kind, b.exprs, b.name, b.targets, b.parent, b.peer, b.function)
         for b in facts.blocks],
    )  # fmt: skip
    return _SPACE.sub(" ", repr(rows))


def _is_link(row: tree.Assign) -> bool:
    """``branch_labels = None`` and the like: says nothing."""
    empty = isinstance(row.value, tree.Const) and row.value.kind == "NoneType"
    return empty and any(tree.dotted(target) in _LINKS for target in row.targets)


# Models and their migrations ---------------------------------------------------------------------

_HINTS = frozenset("models model entities entity tables table database db orm schema".split())


class _Change(msgspec.Struct, frozen=True):
    """What a commit did to a table: where that shows, and what it was."""

    path: str
    line: int
    what: str


def _has_both(project: Project) -> str | None:
    """Alembic revisions, and models of SQLAlchemy or SQLModel."""
    if not project.revisions.all:
        return "no Alembic revision"
    return None if project.classes.with_role("orm") else "no ORM model"


@check("model-change-has-migration", applies=(has_history, _has_both), asks_source=True)
def model_change_has_migration(project: Project, *, window: int = 3) -> Answer:
    """A change of a table comes with its migration.

    Without one the code expects columns that no database has.

    Instead: add the Alembic revision in the same commit or pull request.

    Known problems: models are compared file by file and by the names of their classes; a column
    of a mixin counts where a model of today inherits it; a commit that adds a migration and
    touches a file of models is believed to change a table.
    """
    trunk = project.trunk
    rows = [(step, _model_rows(project, step)) for step in trunk.steps]
    added = _adding(trunk)
    if not added:
        return Skip("no commit of the mainline adds a migration")
    accompanied, alone = 0, []
    for step, touched in rows:
        if not touched or step.number < added[0]:
            continue
        place = bisect_left(added, step.number)
        if place < len(added) and added[place] <= step.number + window:
            accompanied += 1
        else:
            alone.append((step, touched))
    found = []
    for step, change in _changes(project, alone):
        text = f"Commit {step.oid[:10]} {change.what} without a migration"
        found.append(At(change.line, text, path=change.path, symbol=f"commit:{step.oid}",
                        anchor=f"{step.oid} {change.what}"))  # fmt: skip
    count = accompanied + len(found)
    return Sites(count, found) if count else Skip("no commit changes a table")


def _adding(trunk: Trunk) -> list[int]:
    """Places of the commits that add an Alembic revision."""
    rows = [
        (step.number, row.new_oid)
        for step in trunk.steps
        for row in step.changes
        if row.status == "A" and trunk.may_migrate(row.path)
    ]
    trunk.read(oid for _, oid in rows)
    return sorted({place for place, oid in rows if _revision_id(trunk.facts(oid))})


def _model_rows(project: Project, step: Step) -> list[Change]:
    """Changes of files that hold models now, or may have held some."""
    return [row for row in step.changes if _may_hold_models(project, row.path)]


def _may_hold_models(project: Project, path: str) -> bool:
    if project.trunk.may_migrate(path) or test_path(path) or excluded_path(path):
        return False
    file = project.by_path.get(path)
    if file is not None:
        return file.path in project.trunk.model_paths
    *folders, name = path.split("/")
    return name.removesuffix(".py") in _HINTS or not _HINTS.isdisjoint(folders)


def _changes(
    project: Project, alone: Sequence[tuple[Step, list[Change]]]
) -> Iterator[tuple[Step, _Change]]:
    """The first change of a table in each of some commits that made one."""
    trunk, inherited = project.trunk, _inherited(project)
    changes = [row for _, rows in alone for row in rows]
    told = telling(trunk, _pairs(sorted(changes, key=lambda row: row.path)))
    asked = [(step, rows) for step, rows in alone if not told.isdisjoint(_pairs(rows))]
    for part in itertools.batched(asked, _BATCH, strict=False):
        oids = [oid for _, rows in part for pair in _pairs(rows) for oid in pair]
        past = versions(trunk, oids)
        for step, rows in part:
            change = _change(rows, past, inherited)
            if change is not None:
                yield step, change


def _pairs(rows: Sequence[Change]) -> list[Pair]:
    return [(row.old_oid, row.new_oid) for row in rows]


def _inherited(project: Project) -> frozenset[str]:
    """Names of classes that are models, or that models inherit."""
    models = project.classes.with_role("orm")
    bases = (base for cls in models for base in project.models.bases(cls))
    return frozenset(cls.name for cls in (*models, *bases))


def _change(
    rows: Sequence[Change], past: Mapping[str, Version], inherited: frozenset[str]
) -> _Change | None:
    """What a commit did to the tables in some files, taken together: a model may move."""
    before: dict[str, tuple[str, Placed]] = {}
    after: dict[str, tuple[str, Placed]] = {}
    for row in rows:
        for oid, found in ((row.old_oid, before), (row.new_oid, after)):
            version = past.get(oid, NOTHING)
            if not version.parsed:
                return None
            found |= {key: (row.path, placed) for key, placed in version.tables.items()}
    for key, (path, placed) in after.items():
        old, new = before.pop(key, None), placed.table
        if not (new.sure or new.name in inherited):
            continue
        if old is None:
            return _Change(path, placed.above + new.line, f"adds the table of `{new.name}`")
        what, line = _difference(old[1].table, new)
        if what:
            return _Change(path, placed.above + line, f"{what} of `{new.name}`")
    left = ((path, placed.table) for path, placed in before.values())
    gone = next(((path, table) for path, table in left if table.sure), None)
    return None if gone is None else _Change(gone[0], 0, f"removes the table of `{gone[1].name}`")


def _difference(old: Table, new: Table) -> tuple[str, int]:
    """What differs between two states of a table, and the line where it shows."""
    for column, (kind, line) in new.columns.items():
        if column not in old.columns:
            return f"adds the column `{column}`", line
        if old.columns[column][0] != kind:
            return f"alters the column `{column}`", line
    for column in old.columns:
        if column not in new.columns:
            return f"removes the column `{column}`", new.line
    if old.extra == new.extra or COMPUTED in {old.extra, new.extra}:
        return "", 0
    return "alters the constraints", new.line
