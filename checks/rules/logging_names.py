"""Names of sensitive data: which words name a value that must not be shown."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from checks.project.conditions import words

_LISTED = {
    "password": "password passwd passphrase secret secret_key pin",
    "token": """
        token api_key apikey authorization bearer cookie session_id sessionid jwt private_key
        credential headers
    """,
    "pii": """
        email phone ssn birth birthday birthdate dob address iban card passport full_name fullname
        ip cpf nino bsn tax_id national_id
    """,
}
_CATEGORIES: dict[str, tuple[tuple[str, ...], ...]] = {
    name: tuple(tuple(words(each)) for each in text.split()) for name, text in _LISTED.items()
}
_PLURALS = frozenset(
    "passwords secrets cookies jwts credentials emails phones addresses cards passports ips "
    "ibans".split()
)
"""Plurals of the words; tokens are left out, since models count them."""
_VALUES = frozenset(
    "number numbers no value values hash hashed digest salt address addresses addr date day str "
    "string raw text plain plaintext line line1 line2 code header 1 2 new old to from confirm "
    "confirmation repeat base64 b64 encoded bytes input data details".split()
)
"""Words behind a sensitive one that leave it what it is: ``phone_number``, ``password_hash``."""
_DERIVED = frozenset(
    "has have is are was max min num n count counts counted len length total use uses used using "
    "with without require requires required needs need valid invalid verified missing allow allows "
    "allowed enable enabled disable disabled expose exposed expired should no can hide "
    "masked mask redacted redact obfuscated anonymized anonymised encrypted scrubbed sanitized "
    "sanitised censored truncated short".split()
)
"""Words in front of a sensitive one that make a fact about it: ``has_password``."""
_NARROW: dict[tuple[str, ...], frozenset[str]] = {
    ("token",): frozenset("value hash digest salt string str raw plain header new old".split()),
    ("ip",): frozenset("address addresses addr value str string".split()),
    ("pin",): frozenset({"code"}),
}
"""Words of values for those that mean many other things."""
_REMOTE = frozenset("remote client peer server bind listen host local network broker base".split())
_COLUMNS = frozenset("column columns table csv row".split())


def sensitive(name: str, categories: Sequence[str]) -> str:
    """The sensitive word in a name, "" for none.

    Args:
        name: The last part of a dotted name, a key or the name of an argument.
        categories: ``password``, ``token``, ``pii``.
    """
    return _sensitive(name, tuple(categories))


@lru_cache(maxsize=1 << 14)
def _sensitive(name: str, categories: tuple[str, ...]) -> str:
    parts = [_singular(word) for word in words(name)]
    for category in categories:
        for wanted in _CATEGORIES.get(category, ()):
            for at in range(len(parts) - len(wanted) + 1):
                if tuple(parts[at : at + len(wanted)]) == wanted and _is_value(
                    parts[:at], wanted, parts[at + len(wanted) :]
                ):
                    return "_".join(wanted)
    return ""


def _singular(word: str) -> str:
    if word not in _PLURALS:
        return word
    return word.removesuffix("es") if word == "addresses" else word.removesuffix("s")


def _is_value(before: list[str], wanted: tuple[str, ...], after: list[str]) -> bool:
    """Whether a name with a sensitive word in it names the value, not a fact about it."""
    if not _NARROW.get(wanted, _VALUES).issuperset(after) or not _DERIVED.isdisjoint(before):
        return False
    if wanted == ("address",):  # where a peer is, in an access log
        return _REMOTE.isdisjoint(before)
    return wanted != ("headers",) or _COLUMNS.isdisjoint(before)
