"""The webhook page: set-up for leads, deliveries for all, secrets for nobody else."""

from __future__ import annotations

from django.conf import settings

from dashboard.models import AuditEntry, DeliveryOutcome, Provider, WebhookDelivery, WebhookHook
from dashboard.services import credentials, hooks
from tests.dashboard.views.conftest import House


def _set_up(house: House, provider: str = "github") -> WebhookHook:
    answer = house.client(house.owner).post(house.page("webhook/"), {"provider": provider})
    assert answer.status_code == 302
    return WebhookHook.objects.get(provider=provider)


def test_a_lead_gets_address_secret_and_instructions(house: House, home: object) -> None:
    hook = _set_up(house)

    page = house.client(house.owner).get(house.page("webhook/")).content.decode()

    assert f"{settings.BASE_URL}/hooks/r/{hook.token}/" in page
    assert hooks.secret(hook) in page
    assert "Payload URL" in page


def test_the_secret_is_encrypted_at_rest_and_hidden_from_others(house: House, home: object) -> None:
    hook = _set_up(house)
    secret = hooks.secret(hook)

    page = house.client(house.mate).get(house.page("webhook/")).content.decode()

    assert secret not in hook.secret
    assert secret not in page
    assert hook.token not in page


def test_a_forge_that_is_set_up_is_not_offered_again(house: House, home: object) -> None:
    first = _set_up(house)

    answer = house.client(house.owner).post(house.page("webhook/"), {"provider": "github"})

    assert answer.status_code == 422
    assert b'<option value="gitlab"' in answer.content
    assert b'<option value="github"' not in answer.content
    assert WebhookHook.objects.get() == first
    assert hooks.set_up(house.repository, Provider.GITHUB, house.owner) == first


def test_a_developer_sets_nothing_up(house: House) -> None:
    answer = house.client(house.mate).post(house.page("webhook/"), {"provider": "github"})

    assert answer.status_code == 403
    assert not WebhookHook.objects.exists()


def test_an_unknown_forge_is_refused(house: House) -> None:
    answer = house.client(house.owner).post(house.page("webhook/"), {"provider": "sourcehut"})

    assert answer.status_code == 422


def test_without_a_key_the_page_says_what_is_missing(house: House, settings: object) -> None:
    settings.CREDENTIAL_KEYS = []  # type: ignore[attr-defined]

    answer = house.client(house.owner).post(house.page("webhook/"), {"provider": "github"})

    assert answer.status_code == 422
    assert b"CREDENTIAL_KEYS is not set" in answer.content


def test_a_new_secret_leaves_the_old_one_valid_until_the_next(house: House, home: object) -> None:
    hook = _set_up(house)
    old = hooks.secret(hook)

    house.client(house.owner).post(house.page(f"webhook/{hook.pk}/rotate/"))

    hook.refresh_from_db()
    assert hooks.secret(hook) != old
    assert credentials.unseal(hook.identity, hook.previous_secret) == old


def test_a_removed_hook_is_gone_and_the_deed_is_kept(house: House, home: object) -> None:
    hook = _set_up(house)

    house.client(house.owner).post(house.page(f"webhook/{hook.pk}/remove/"))

    assert not WebhookHook.objects.exists()
    assert AuditEntry.objects.filter(action="hook.removed").exists()


def test_the_log_says_outcome_and_reason_of_each_delivery(house: House, home: object) -> None:
    hook = _set_up(house)
    scan = house.scan()
    WebhookDelivery.objects.create(
        hook=hook, key="1", event="push", outcome=DeliveryOutcome.SCAN_REQUESTED, scan=scan
    )
    WebhookDelivery.objects.create(
        hook=hook,
        key="2",
        event="<b>ping</b>",
        outcome=DeliveryOutcome.IGNORED,
        reason="The branch is not the one that is judged.",
    )

    page = house.client(house.viewer).get(house.page("webhook/")).content.decode()

    assert "The branch is not the one that is judged." in page
    assert "scan requested" in page
    assert "<b>ping" not in page


def test_the_likely_forge_is_chosen_first(house: House) -> None:
    house.repository.clone_url = "https://codeberg.org/a/b.git"
    house.repository.save()

    page = house.client(house.owner).get(house.page("webhook/")).content.decode()

    assert '<option value="gitea" selected>' in page
