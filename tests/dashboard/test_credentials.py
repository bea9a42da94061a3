"""Stored secrets open for their own row, with today's keys, and for one host."""

from __future__ import annotations

import uuid

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries, Settings

from dashboard.models import Credential, CredentialKind, Provider, WebhookHook
from dashboard.services import credentials, hooks
from dashboard.services.credentials import CredentialError
from tests.dashboard import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("home")]

SECRET = "glpat-s3cret"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n"
HTTPS = "https://forge.example/team/shop.git"
SSH = "git@forge.example:team/shop.git"


def keep(url: str = HTTPS, kind: str = CredentialKind.TOKEN, secret: str = SECRET) -> Credential:
    return credentials.keep(
        team=rows.team(), clone_url=url, kind=kind, username="ada", secret=secret
    )


def test_a_secret_is_stored_sealed_and_opens_for_the_fetch() -> None:
    row = Credential.objects.get(pk=keep().pk)
    assert SECRET not in row.secret
    proof = credentials.reveal(row)
    assert (proof.origin, proof.user, proof.secret) == ("https://forge.example:443", "ada", SECRET)
    assert SECRET not in repr(proof)


def test_a_secret_copied_to_another_row_does_not_open() -> None:
    row, other = keep(), keep(secret="glpat-other")
    Credential.objects.filter(pk=other.pk).update(secret=row.secret)
    with pytest.raises(CredentialError) as caught:
        credentials.reveal(Credential.objects.get(pk=other.pk))
    assert caught.value.code == "key-lost"


def test_without_a_key_nothing_is_kept_or_opened(settings: Settings) -> None:
    row = keep()
    settings.CREDENTIAL_KEYS = []
    for attempt in (keep, lambda: credentials.reveal(row), credentials.rotate):
        with pytest.raises(CredentialError, match="CREDENTIAL_KEYS") as caught:
            attempt()
        assert caught.value.code == "key-missing"


def test_a_lost_key_is_named_and_a_returned_one_opens_again(settings: Settings) -> None:
    row, keys = keep(), list(settings.CREDENTIAL_KEYS)
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CredentialError) as caught:
        credentials.reveal(row)
    assert caught.value.code == "key-lost"
    settings.CREDENTIAL_KEYS = [*settings.CREDENTIAL_KEYS, *keys]
    assert credentials.reveal(row).secret == SECRET


def test_rotation_makes_the_old_key_needless_for_credentials_and_hooks(
    settings: Settings,
) -> None:
    person = rows.user()
    row, hook = keep(), hooks.set_up(rows.repository(), Provider.GITHUB, person)
    hooks.rotate(hook, person)
    new = Fernet.generate_key().decode()
    settings.CREDENTIAL_KEYS = [new, *settings.CREDENTIAL_KEYS]
    call_command("rotate_credentials")
    settings.CREDENTIAL_KEYS = [new]
    assert credentials.reveal(Credential.objects.get(pk=row.pk)).secret == SECRET
    hook = WebhookHook.objects.get(pk=hook.pk)
    for sealed in (hook.secret, hook.previous_secret):
        assert credentials.unseal(hook.identity, sealed)


def test_rotation_says_what_it_could_not_open(settings: Settings) -> None:
    lost = keep()
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    kept = keep()
    with pytest.raises(CommandError, match="1 secrets can not be opened"):
        call_command("rotate_credentials")
    assert Credential.objects.get(pk=lost.pk).secret == lost.secret
    assert credentials.reveal(Credential.objects.get(pk=kept.pk)).secret == SECRET


def test_a_private_key_is_kept_as_ssh_reads_it() -> None:
    row = keep(SSH, CredentialKind.SSH_KEY, KEY.replace("\n", "\r\n"))
    assert row.host == "ssh://forge.example:22"
    assert credentials.reveal(row).secret == KEY


@pytest.mark.parametrize(
    ("url", "kind", "secret", "code"),
    [
        (HTTPS, CredentialKind.SSH_KEY, KEY, "unfit"),
        (SSH, CredentialKind.TOKEN, SECRET, "unfit"),
        (SSH, CredentialKind.SSH_KEY, "not a key", "malformed"),
        (SSH, CredentialKind.SSH_KEY, KEY.replace("abc", "Proc-Type: 4,ENCRYPTED"), "malformed"),
        (HTTPS, CredentialKind.TOKEN, "two\nlines", "malformed"),
        (HTTPS, CredentialKind.TOKEN, "nul\0", "malformed"),
    ],
)
def test_a_credential_that_can_not_work_is_refused(
    url: str, kind: str, secret: str, code: str
) -> None:
    with pytest.raises(CredentialError) as caught:
        keep(url, kind, secret)
    assert caught.value.code == code
    assert secret not in str(caught.value)
    assert not Credential.objects.exists()


def test_seals_differ_although_the_secrets_are_equal(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    identity = uuid.uuid4()
    with django_assert_num_queries(0):
        assert credentials.seal(identity, SECRET) != credentials.seal(identity, SECRET)
