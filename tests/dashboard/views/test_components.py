"""Folders that are judged one by one: found, chosen, and retired with their findings."""

from __future__ import annotations

import pytest

from checks.memorysource import MemorySource
from dashboard.models import AuditEntry, FindingEventKind, Repository, Trigger, User
from dashboard.services import components
from tests.dashboard import rows
from tests.dashboard.views.conftest import House

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


def _found(*paths: str) -> list[str]:
    return components.find(MemorySource.of(dict.fromkeys(paths, ""), time=0).tree())


@pytest.mark.parametrize(
    ("paths", "folders"),
    [
        (["app/main.py"], [""]),
        (["pyproject.toml", "backend/pyproject.toml", "backend/app.py"], [""]),
        (["backend/pyproject.toml", "backend/app.py", "frontend/package.json"], ["backend"]),
        (["api/requirements.txt", "api/a.py", "jobs/setup.py", "jobs/j/b.py"], ["api", "jobs"]),
        (["apps/api/pyproject.toml", "apps/api/src/a.py", "apps/web/package.json"], ["apps/api"]),
        (["api/pyproject.toml", "api/a.py", "api/sub/pyproject.toml", "api/sub/b.py"], ["api"]),
        (["backend/pyproject.toml", "backend/main.go"], [""]),
        (["docs/requirements.txt", "docs/conf.py", "web/package.json"], [""]),
        (["backend/node_modules/x/setup.py", "backend/node_modules/x/a.py"], [""]),
    ],
)
def test_folders_are_found_by_their_manifests(paths: list[str], folders: list[str]) -> None:
    assert _found(*paths) == folders


def _repository() -> tuple[Repository, User]:
    lead = rows.user()
    return rows.repository(rows.team(lead=lead), rows.standard()), lead


def _monorepo() -> MemorySource:
    return MemorySource.of({"backend/pyproject.toml": "", "backend/app.py": "x = 1\n"}, time=0)


def test_the_first_scan_finds_the_folders_and_later_ones_keep_them(house: House) -> None:
    assert [each.path for each in components.chosen(house.repository, _monorepo())] == ["backend"]

    plain = MemorySource.of({"app.py": "x = 1\n"}, time=0)
    assert [each.path for each in components.chosen(house.repository, plain)] == ["backend"]


def test_a_repository_with_a_result_is_not_rearranged(house: House) -> None:
    house.scan()

    assert [each.path for each in components.chosen(house.repository, _monorepo())] == [""]


def test_what_a_person_has_chosen_stays() -> None:
    repository, lead = _repository()
    components.choose(repository, ["api"], lead)
    components.choose(repository, [], lead)

    (component,) = components.chosen(repository, MemorySource.of({"app.py": ""}, time=0))

    assert component.path == ""
    assert AuditEntry.objects.filter(action="repository.components").count() == 2
    assert repository.scans.get().trigger == Trigger.COMPONENTS


def test_findings_of_a_retired_folder_leave_with_the_next_scan(house: House) -> None:
    house.scan(rows.finding("a" * 32))
    assert house.repository.findings.open().count() == 1

    assert components.choose(house.repository, ["backend"], house.owner)
    assert not components.choose(house.repository, ["backend/"], house.owner)
    house.scan()

    assert house.repository.findings.open().count() == 0
    event = house.repository.findings.get().events.order_by("pk").last()
    assert event is not None
    assert event.kind == FindingEventKind.OUT_OF_SCOPE


def test_a_lead_names_the_folders_in_the_settings(house: House) -> None:
    client = house.client(house.owner)
    form = {"name": "Shop", "branch": "", "standards": [house.standard.pk]}

    refused = client.post(house.page("settings/"), form | {"folders": "api\n../etc"})
    nested = client.post(house.page("settings/"), form | {"folders": "api\napi/sub"})
    saved = client.post(house.page("settings/"), form | {"folders": "api/\nworkers\n"})

    assert refused.status_code == 422
    assert "../etc: give folders inside the repository." in refused.content.decode()
    assert "api/sub lies in another of the folders." in nested.content.decode()
    assert saved.status_code == 302
    paths = [component.path for component in house.repository.components.judged()]
    assert paths == ["api", "workers"]
    assert "api\nworkers" in client.get(house.page("settings/")).content.decode()
