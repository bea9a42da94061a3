"""Which folders of a repository are judged, each as a repository of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now

from checks.component import MANIFESTS, has
from checks.facts.kinds import VENDORED
from dashboard.models import AuditEntry, Component, Trigger
from dashboard.services import scanning

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from checks.source import Entry, Source
    from dashboard.models import Repository, User

MOST = 30
"""Folders that are found by themselves; a repository with more wants a person to choose."""
_ASIDE = VENDORED | frozenset(
    "docs doc examples example samples tests test scripts tools benchmarks templates e2e".split()
)


def find(entries: Iterable[Entry]) -> list[str]:
    """Return the folders to judge, from what is tracked: ``[""]`` for the whole repository.

    A manifest of Python at the root speaks for everything. Without one, each topmost folder that
    has a manifest and Python files is a component, so ``backend/`` stands alone beside
    ``frontend/``.
    """
    manifests: set[str] = set()
    python: set[str] = set()
    for entry in entries:
        folder, _, name = entry.path.rpartition("/")
        if _ASIDE & set(folder.split("/")):
            continue
        if name == "setup.py" or MANIFESTS.fullmatch(name):
            manifests.add(folder)
        elif name.endswith(".py"):
            parts = folder.split("/")
            python.update("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    if "" in manifests:
        return [""]
    found: list[str] = []
    for folder in sorted(manifests & python):
        if not found or not folder.startswith(f"{found[-1]}/"):
            found.append(folder)
    return found if 0 < len(found) <= MOST else [""]


def chosen(repository: Repository, source: Source) -> list[Component]:
    """Return what is to be judged; before the first result the folders are found by themselves."""
    judged = list(repository.components.judged())
    untouched = (
        len(judged) == 1
        and not judged[0].path
        and not repository.components.exclude(pk=judged[0].pk).exists()
    )
    if repository.last_scan_id is None and untouched:
        found = find(source.tree())
        if found != [""]:
            _arrange(repository, found)
            judged = list(repository.components.judged())
    return judged


def present(judged: Sequence[Component], source: Source) -> list[Component]:
    """Those of which a commit has anything: a folder that is gone must not stop the others."""
    return [component for component in judged if has(source, component.path)]


def choose(repository: Repository, folders: Sequence[str], actor: User) -> bool:
    """Judge exactly these folders from now on; True when that changes anything.

    What is judged no longer keeps its history; its findings leave the list with the next scan.
    """
    before = {component.path for component in repository.components.judged()}
    wanted = list(dict.fromkeys(folder.strip("/") for folder in folders)) or [""]
    if before == set(wanted):
        return False
    with transaction.atomic():
        _arrange(repository, wanted)
        AuditEntry.objects.note(repository, actor, "repository.components", folders=wanted)
        scanning.request(repository, Trigger.COMPONENTS, actor=actor)
    return True


@transaction.atomic
def _arrange(repository: Repository, folders: Sequence[str]) -> None:
    for folder in folders:
        Component.objects.update_or_create(
            repository=repository, path=folder, defaults={"retired_at": None}
        )
    gone = repository.components.judged().exclude(path__in=folders)
    if repository.last_scan_id is None:
        gone.delete()
    else:
        gone.update(retired_at=Now())
