"""Secrets at rest: encrypted with ``CREDENTIAL_KEYS``, tied to their row and to one host.

Fernet has no associated data, so the identity of the row stands inside the plaintext: a ciphertext
that is copied to another row does not open. The first key encrypts, all of them decrypt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from checks.cloneurl import CloneUrl, parse
from checks.gitrunner import Credential as Proof
from dashboard.models import Credential, CredentialKind, WebhookHook
from dashboard.services.clone_policy import policy

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator

    from dashboard.models import Team

logger = structlog.get_logger(__name__)


class CredentialError(Exception):
    """A secret that can not be kept or opened. The text is one sentence with the next step.

    Attributes:
        code: ``key-missing``, ``key-lost``, ``unfit`` or ``malformed``.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def _keys() -> MultiFernet:
    if not settings.CREDENTIAL_KEYS:
        raise CredentialError(
            "key-missing",
            "Credentials can not be kept or used, because CREDENTIAL_KEYS is not set; ask an "
            "operator to set it.",
        )
    return MultiFernet([Fernet(key) for key in settings.CREDENTIAL_KEYS])


@sensitive_variables()
def seal(identity: uuid.UUID, secret: str) -> str:
    """Encrypt a secret for the row of this identity.

    Raises:
        CredentialError: ``key-missing``.
    """
    return _keys().encrypt(f"{identity}\n{secret}".encode()).decode("ascii")


@sensitive_variables()
def unseal(identity: uuid.UUID, sealed: str) -> str:
    """Decrypt what :func:`seal` made for this very row.

    Raises:
        CredentialError: ``key-missing``; ``key-lost`` when no key opens it, or it was made for
            another row.
    """
    try:
        plain = _keys().decrypt(sealed.encode("ascii", "replace")).decode()
    except InvalidToken:
        plain = ""
    owner, _, secret = plain.partition("\n")
    if owner != str(identity):
        raise CredentialError(
            "key-lost",
            "The stored secret can not be opened with today's CREDENTIAL_KEYS; enter it anew, or "
            "ask an operator to add the old key again.",
        )
    return secret


@sensitive_variables("secret")
def keep(
    *, team: Team, clone_url: str, kind: str, username: str, secret: str, host_key: str = ""
) -> Credential:
    """Store a credential for the host of a clone address, and for no other host.

    Args:
        team: Whose it is.
        clone_url: The address it is for.
        kind: A value of :class:`CredentialKind`.
        username: For a token; "" becomes a name that forges accept beside any token.
        secret: The token, or the text of a private ssh key without a passphrase.
        host_key: Lines of a known_hosts file that a person has confirmed.

    Raises:
        CredentialError: ``unfit`` for the address, ``malformed``, or ``key-missing``.
        UrlError: The address is not used.
    """
    url = parse(clone_url, policy())
    _check_fit(url, CredentialKind(kind))
    secret = _checked_key(secret) if kind == CredentialKind.SSH_KEY else secret.strip()
    username = username.strip() or "git"
    proof = _proof(url.origin, username, secret, host_key)
    row = Credential(team=team, host=url.origin, kind=kind, username=proof.user, host_key=host_key)
    row.secret = seal(row.identity, proof.secret)
    row.save()
    return row


def _check_fit(url: CloneUrl, kind: CredentialKind) -> None:
    if url.kind == "path":
        raise CredentialError("unfit", "A local path needs no credential; leave it out.")
    over_ssh = url.kind in {"ssh", "scp"}
    if over_ssh != (kind == CredentialKind.SSH_KEY):
        wanted = "an SSH key" if over_ssh else "a user name and token"
        raise CredentialError("unfit", f"This address needs {wanted}; choose that kind.")


def _checked_key(text: str) -> str:
    """A private key as ssh reads it: line ends of its own, and no passphrase."""
    key = text.replace("\r\n", "\n").strip() + "\n"
    if not key.startswith("-----BEGIN ") or "PRIVATE KEY-----" not in key:
        raise CredentialError(
            "malformed",
            "This is no private key; paste the whole file, from -----BEGIN to the last line.",
        )
    if "ENCRYPTED" in key:
        raise CredentialError(
            "malformed", "The key has a passphrase; make a key without one for this purpose."
        )
    return key


def _proof(origin: str, user: str, secret: str, host_keys: str) -> Proof:
    try:
        return Proof(origin, user, secret, host_keys)
    except ValueError as error:
        raise CredentialError(
            "malformed", "User name and token must not contain line breaks; type them anew."
        ) from error


@sensitive_variables()
def reveal(row: Credential) -> Proof:
    """Open a credential for the fetch; it is bound to the host it was entered for.

    Raises:
        CredentialError: ``key-missing`` or ``key-lost``.
    """
    return _proof(row.host, row.username, unseal(row.identity, row.secret), row.host_key)


def fits(row: Credential, url: CloneUrl) -> bool:
    """Whether the credential was entered for the host of this address."""
    return row.host == url.origin


@sensitive_variables()
def rotate() -> tuple[int, int]:
    """Encrypt every secret anew with the first key; safe to repeat and to interrupt.

    Returns:
        How many secrets were encrypted anew, and how many no key opens (left as they are).

    Raises:
        CredentialError: ``key-missing``.
    """
    keys, done, lost = _keys(), 0, 0
    for row, field in _sealed():
        try:
            fresh = keys.rotate(getattr(row, field).encode("ascii", "replace")).decode("ascii")
        except InvalidToken:
            lost += 1
            logger.warning("secret can not be opened", row=type(row).__name__, pk=row.pk)
            continue
        # Only while it is still what was read: a new secret entered meanwhile stays.
        unchanged = type(row).objects.filter(pk=row.pk, **{field: getattr(row, field)})
        done += unchanged.update(**{field: fresh})
    return done, lost


def _sealed() -> Iterator[tuple[Credential | WebhookHook, str]]:
    for credential in Credential.objects.order_by("pk").iterator(500):
        yield credential, "secret"
    for hook in WebhookHook.objects.order_by("pk").iterator(500):
        yield hook, "secret"
        if hook.previous_secret:
            yield hook, "previous_secret"
