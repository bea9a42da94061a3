"""Waivers as a file of the repository: its entries become requests, what is granted is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

import checks.waivers as engine
from checks import waiverfile
from dashboard.models import Repository, Waiver, WaiverState
from dashboard.services import waivers
from dashboard.text import clean

if TYPE_CHECKING:
    from collections.abc import Collection

    from checks.source import Source


@transaction.atomic
def read(repository: Repository, source: Source) -> None:
    """Turn the entries of a repository's file into requests, and withdraw what has left it.

    A granted waiver that says the same is that entry: an exported file asks for nothing twice,
    though it names who granted what, and each finding as it is called since its code moved.
    """
    file = waiverfile.of(source)
    rows = {row.file_id: row for row in repository.waivers.exclude(file_id="")}
    there = {entry.id for entry in file.waivers}
    loose = _loose(repository, there)
    linked, past = set(), list[str]()
    for entry in file.waivers:
        row = rows.get(entry.id)
        if row is not None and row.state != WaiverState.WITHDRAWN:
            continue
        if entry.expires and entry.expires < timezone.localdate():
            past.append(f"line {file.lines[entry.id]}: its last day, {entry.expires}, is past")
        elif same := loose.pop(_said(entry), None):
            # An entry stands for one waiver: one that was withdrawn under its name gives it up.
            Waiver.objects.filter(repository=repository, file_id=entry.id).update(file_id="")
            Waiver.objects.filter(pk=same.pk).update(file_id=entry.id)
            waivers.note(same, None, "waiver.filed", entry=entry.id)
            linked.add(same.pk)
        elif row is None:
            waivers.record(
                repository,
                entry,
                None,
                fingerprint=entry.fingerprint,
                absorbed=entry.absorbed,
                file_id=entry.id,
                approved_by=clean(entry.approver, 200),
            )
        else:
            waivers.turn(row, WaiverState.REQUESTED, None, "Its entry is in the file again.")
    for name, row in rows.items():
        if name not in there and row.pk not in linked and row.state in waivers.WANTED:
            waivers.turn(row, WaiverState.WITHDRAWN, None, "Its entry has left the file.")
    Repository.objects.filter(pk=repository.pk).update(
        waiver_mistakes=[*(clean(f"{each.id}: {each.note}", 500) for each in file.wrong), *past]
    )


def _loose(repository: Repository, there: Collection[str]) -> dict[tuple[object, ...], Waiver]:
    """The granted waivers that no entry of the file stands for, by what they say.

    Of two that say the same it is the one whose own entry has left: the other needs none.
    """
    rows = repository.waivers.granted().exclude(file_id__in=there).order_by("file_id", "pk")
    found = rows.select_related("finding", "author", "approver")
    return {_said(waivers.as_engine(row)): row for row in found}


def _said(waiver: engine.Waiver) -> tuple[object, ...]:
    """What makes two waivers the same, whoever has granted them."""
    scope = waiver.fingerprint, waiver.path, waiver.check, waiver.clause, waiver.component
    return (*scope, waiver.reason, waiver.expires, waiver.absorbed)


def export(repository: Repository) -> str:
    """Return the granted waivers as the file that a repository may hold."""
    rows = repository.waivers.in_force(timezone.localdate()).order_by("created_at", "pk")
    found = rows.select_related("finding", "author", "approver")
    return waiverfile.render(waivers.as_engine(row) for row in found)
