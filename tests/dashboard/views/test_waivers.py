"""The pages on which waivers are asked for, decided and found again."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from dashboard.models import Finding, Waiver
from tests.dashboard import rows
from tests.dashboard.test_waivers import RULES, scan
from tests.dashboard.views.conftest import HTMX, House


@pytest.fixture
def judged(house: House) -> House:
    """The house with two findings, by a standard that wants a second person."""
    house.repository = rows.repository(house.team, rows.standard(RULES))
    scan(house.repository)
    return house


def said(**changes: str) -> dict[str, str]:
    day = (timezone.localdate() + timedelta(days=20)).isoformat()
    return {"reason": "Replaced <b>in spring</b>.", "expires_on": day, "ask": "1"} | changes


def test_a_finding_is_waived_from_its_page_by_two_people(judged: House) -> None:
    finding = Finding.objects.get(path="app/main.py")
    detail = judged.client(judged.mate).get(finding.get_absolute_url()).content.decode()
    address = judged.page(f"waivers/new/?finding={finding.pk}")
    assert address in detail
    shown = judged.client(judged.mate).get(address).content.decode()
    assert "It covers 1 finding, and the score rises by" in shown

    assert judged.client(judged.mate).post(address, said()).status_code == 302

    row = Waiver.objects.get()
    waiting = judged.client(judged.viewer).get("/waivers/").content.decode()
    assert "Replaced &lt;b&gt;in spring&lt;/b&gt;." in waiting
    decide = judged.page(f"waivers/{row.pk}/decide/")
    assert judged.client(judged.mate).post(decide, {"action": "grant"}).status_code == 403
    answer = judged.client(judged.owner).post(decide, {"action": "grant", "words": "Fine."})
    assert answer.status_code == 302
    scan(judged.repository)

    page = judged.client(judged.viewer).get(judged.page("waivers/?list=in-force")).content.decode()
    assert "in force" in page
    assert "Fine." in page
    waived = judged.client(judged.viewer).get(judged.page("findings/?state=waived"))
    assert "app/main.py" in waived.content.decode()
    standing = judged.client(judged.viewer).get(judged.page("findings/")).content.decode()
    assert "app/main.py" not in standing
    assert "app/other.py" in standing
    overview = judged.client(judged.viewer).get(judged.page()).content.decode()
    assert "what it would be without waivers and suppressions" in overview
    assert "1 waived" in overview


def test_a_request_is_named_where_the_finding_stands(judged: House) -> None:
    finding = Finding.objects.get(path="app/main.py")
    address = judged.page(f"waivers/new/?finding={finding.pk}")
    judged.client(judged.mate).post(address, said())
    link = f'href="{judged.page("waivers/")}?waiver={Waiver.objects.get().pk}"'
    words = f"waiver asked for by <bdi>{judged.mate.username}</bdi>, waits for a lead"

    client = judged.client(judged.owner)
    for page in ("findings/", "findings/?group=check"):
        listed = client.get(judged.page(page)).text
        assert link in listed
        assert listed.count(words) == 1
    detail = client.get(finding.get_absolute_url()).text
    assert words in detail
    assert "Ask for a waiver" not in detail
    assert f"{judged.mate.username} asked for a waiver of this finding on" in (
        client.get(address).text
    )
    again = client.post(address, said(reason="Other words.", expires_on=""))
    assert again.status_code == 422
    assert f"{judged.mate.username} asked for a waiver of this finding on" in again.text
    assert Waiver.objects.count() == 1

    Waiver.objects.update(state="refused")
    detail = client.get(finding.get_absolute_url()).text
    assert words not in detail
    assert "Ask for a waiver" in detail


def test_what_nobody_may_grant_alone_says_so(judged: House) -> None:
    client = judged.client(judged.owner)
    client.post(judged.page("waivers/new/"), said(path_pattern="app/"))
    row = Waiver.objects.get()

    decide = judged.page(f"waivers/{row.pk}/decide/")
    for words, says in [(" ", "Nothing was decided: say why"), ("Fine.", "by somebody else than")]:
        sent = {"action": "grant", "words": words}
        assert says in client.post(decide, sent, follow=True).content.decode()
    past = client.post(
        judged.page("waivers/new/"), said(path_pattern="app/", expires_on="2020-02-03")
    )
    assert past.status_code == 422
    assert "The last day, 2020-02-03, is past" in past.content.decode()
    answer = client.post(decide, {"action": "grant", "words": "Fine."}, follow=True)

    assert "granted by somebody else than who asked" in answer.content.decode()
    row.refresh_from_db()
    assert row.state == "requested"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"path_pattern": "app/", "reason": " "}, "Say why this should be accepted."),
        ({"path_pattern": "!"}, "! is no pattern of files."),
        ({}, "Say what it is about: a path, a clause or both."),
        ({"path_pattern": "app/", "expires_on": "soon"}, "valid date"),
        (
            {"path_pattern": "app/", "check_id": "no-prin"},
            "There is no check no-prin (did you mean",
        ),
        ({"clause": "team-rules/TR-99"}, "No adopted standard has the clause team-rules/TR-99"),
        ({"clause": "other/TR-1"}, "No adopted standard has the clause other/TR-1"),
    ],
)
def test_a_wrong_request_is_refused(judged: House, changes: dict[str, str], sentence: str) -> None:
    answer = judged.client(judged.mate).post(judged.page("waivers/new/"), said(**changes))

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Waiver.objects.exists()


def test_the_same_is_not_asked_for_twice_but_for_longer(judged: House) -> None:
    client = judged.client(judged.mate)
    address = judged.page(f"waivers/new/?finding={Finding.objects.get(path='app/main.py').pk}")
    assert client.post(address, said()).status_code == 302

    again = client.post(address, said())

    assert again.status_code == 422
    assert "asked for a waiver of this finding on" in again.content.decode()
    Waiver.objects.update(state="granted")
    assert client.post(address, said()).status_code == 422
    later = (timezone.localdate() + timedelta(days=90)).isoformat()
    assert client.post(address, said(expires_on=later)).status_code == 302
    assert Waiver.objects.count() == 2


def test_a_look_at_what_it_covers_asks_for_nothing(judged: House) -> None:
    look = said(clause="team-rules/TR-1", expires_on="", reason="")
    del look["ask"]
    answer = judged.client(judged.mate).post(judged.page("waivers/new/"), look)

    text = answer.content.decode()
    assert "It covers 2 findings" in text
    assert "never waived for ever" in text
    assert not Waiver.objects.exists()


def test_viewers_and_strangers_ask_for_nothing(judged: House) -> None:
    address = judged.page("waivers/new/")

    assert judged.client(judged.viewer).get(address).status_code == 403
    assert judged.client(judged.stranger).get(address).status_code == 404
    assert judged.client(judged.mate).get(f"{address}?finding=x").status_code == 404


def test_strangers_see_no_waiver_and_the_list_is_narrowed_by_team(judged: House) -> None:
    judged.client(judged.mate).post(judged.page("waivers/new/"), said(path_pattern="app/"))

    mine = judged.client(judged.viewer).get(f"/waivers/?team={judged.team.slug}")
    others = judged.client(judged.viewer).get("/waivers/?team=no-such")
    stranger = judged.client(judged.stranger).get("/waivers/")
    assert "in spring" in mine.content.decode()
    assert "in spring" not in others.content.decode()
    assert "in spring" not in stranger.content.decode()
    part = judged.client(judged.viewer).get("/waivers/?list=ended", headers=HTMX)
    assert "<html" not in part.content.decode()


def test_the_file_is_handed_out(judged: House) -> None:
    answer = judged.client(judged.viewer).get(judged.page("waivers.toml"))

    assert answer["Content-Type"] == "application/toml"
    assert answer.content.startswith(b"# Accepted exceptions.")


def test_a_check_of_no_such_name_breaks_no_page(judged: House) -> None:
    client = judged.client(judged.mate)
    # One that a file asked for, or whose check is gone since.
    assert client.post(judged.page("waivers/new/"), said(path_pattern="app/")).status_code == 302
    Waiver.objects.update(check_id="no such/check")

    assert b"no such/check" in client.get("/waivers/").content
    assert client.get("/waivers/?team=a%00b&repository=%00").status_code == 200


def waived(judged: House) -> Waiver:
    """A granted waiver of the finding of ``app/main.py``, counted by a scan."""
    finding = Finding.objects.get(path="app/main.py")
    row = Waiver.objects.create(
        repository=judged.repository,
        scope="finding",
        finding=finding,
        reason="Replaced in spring.",
        state="granted",
        author=judged.mate,
        approver=judged.owner,
        expires_on=timezone.localdate() + timedelta(days=20),
        absorbed=1,
    )
    scan(judged.repository)
    return row


def test_a_waived_finding_says_so_with_its_end_and_who_granted_it_wherever_it_is_shown(
    judged: House,
) -> None:
    row = waived(judged)
    finding = Finding.objects.get(path="app/main.py")
    client = judged.client(judged.viewer)
    link = f'href="{judged.page("waivers/")}?waiver={row.pk}"'
    granter = f"<bdi>{judged.owner.username}</bdi>"
    words = f'><span class="tight">until {row.expires_on}</span>, by {granter}</a>'
    pages = {
        "its page": finding.get_absolute_url(),
        "the list": judged.page("findings/?state=waived"),
        "the groups": judged.page("findings/?state=waived&group=check"),
        "all states": judged.page("findings/?state=all"),
        "the search": "/search/?q=app/main.py&only=findings",
    }

    for name, address in pages.items():
        shown = client.get(address).content.decode()
        assert f"{link}{words}" in shown, name
        assert "</svg>waived</span>" in shown, name
        if name != "all states":
            assert "</svg>open</span>" not in shown, name

    one = client.get(judged.page(f"waivers/?waiver={row.pk}")).content.decode()
    assert one.count('id="waiver-') == 1
    assert "Only one waiver is shown" in one


def test_open_numbers_leave_out_what_is_waived(judged: House) -> None:
    waived(judged)
    client = judged.client(judged.viewer)

    listed = client.get(judged.page("findings/")).content.decode()
    assert "<strong>1</strong> finding\n" in listed.replace("</p>", "\n")
    where = client.get("/checks/no-print/").context["where"]
    assert [each.found for each in where] == [1]
    files = client.get("/search/?q=app/&only=files").content.decode()
    assert "app/other.py" in files
    assert "app/main.py" not in files
    heading, *lines = csv.reader(
        io.StringIO(client.get(judged.page("findings.csv?state=all")).getvalue().decode())
    )
    told = [dict(zip(heading, line, strict=True)) for line in lines]
    states = {each["path"]: (each["state"], bool(each["waived_until"])) for each in told}
    assert states["app/main.py"] == ("waived", True)
    assert states["app/other.py"] == ("open", False)


def test_what_nobody_would_see_in_a_waiver_is_named(judged: House) -> None:
    row = waived(judged)
    odd = "\u202egnp.\u200b\x1b[31m"
    Waiver.objects.filter(pk=row.pk).update(
        finding=None, path_pattern=odd, reason=f"First\n{odd}", decision=odd, note=odd, clause=odd
    )
    client = judged.client(judged.owner)
    addresses = [
        "/waivers/?list=in-force",
        judged.page("waivers/?list=in-force"),
        "/me/",
        Finding.objects.get(path="app/main.py").get_absolute_url(),
    ]

    for address in addresses:
        shown = client.get(address).content.decode()
        assert ">U+202E</span>gnp.<span" in shown, address
        assert not set("\u202e\u200b\x1b") & set(shown), address
    assert "First<br>" in client.get("/waivers/?list=in-force").content.decode()


def test_a_folder_is_asked_for_where_there_are_several(judged: House) -> None:
    client = judged.client(judged.mate)
    address = judged.page("waivers/new/")
    assert "Judged folder" not in client.get(address).content.decode()

    judged.repository.components.create(path="lib")
    shown = client.get(address).content.decode()
    assert '<option value=".">the root</option>' in shown
    assert '<option value="lib">lib</option>' in shown
    wrong = client.post(address, said(path_pattern="app/", component="nowhere"))
    assert wrong.status_code == 422
    assert client.post(address, said(path_pattern="app/", component=".")).status_code == 302
    row = Waiver.objects.get()
    assert (row.component, row.matched) == (".", 2)
    assert "<dt>Folder</dt><dd>the root</dd>" in client.get(judged.page("waivers/")).text
