"""Which names hold a secret: the words of passwords, keys and tokens, and what only mentions one.

``jwt_secret`` and ``SMTP_PASSWORD`` hold one; ``token_url``, ``PASSWORD_MIN_LENGTH`` and
``api_key_header`` speak about one.
"""

from __future__ import annotations

import re
from functools import lru_cache

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SEPARATORS = re.compile(r"[\W_]+")
_SECRET = re.compile(
    r"(?:.*_)?(?:secrets?|secret_?key(?:_base)?|passwords?|passwd|passphrase|pwd|pass|passw(?:or)?d"
    r"|tokens?|api_?keys?|access_?keys?|private_?keys?|credentials?|creds"
    r"|(?:signing|encryption|fernet|jwt|hmac|auth|account|master)_?key)"
    r"(?:_(?:value|default|refresh|access|old|new|dev|development|test|testing|prod|production"
    r"|staging|local|str|text|\d+))?"
)
_DATABASE = re.compile(
    r"(?:.*_)?(?:(?:database|db|postgres\w*|pg|mysql|mariadb|mongo\w*|sqlalchemy|sql|redis|amqp"
    r"|rabbit\w*|broker|celery\w*|result_backend|cache|dsn)_(?:url|uri|dsn)|\w*dsn)"
    r"(?:_(?:dev|development|test|prod|production|staging|local|sync|async|\d+))?"
)
_PUBLIC = re.compile(
    r".*(?:sentry|public|publishable).*|(?:reason|error|err|label|audit)_.*"
    r"|.*(?:max|min|num|total|stop|pad|eos|bos)_(?:\w+_)?tokens?"
)
URL_PASSWORD = re.compile(r"\b[a-zA-Z][\w+.-]*://([^\s/:@'\"]*):([^\s/@'\"]+)@([^\s/:?#'\"]*)")
"""A URL with a password: its groups are user, password and host."""


@lru_cache(maxsize=8192)
def snake(name: str) -> str:
    """A name in lower case with its words joined by underscores: ``apiKey`` is ``api_key``."""
    parts = (_SEPARATORS.sub("_", part) for part in _HUMP.split(name))
    return "_".join(parts).replace("__", "_").strip("_").lower()


@lru_cache(maxsize=8192)
def holds_secret(name: str) -> bool:
    """Whether a variable, field, argument or key of this name holds a secret."""
    words = snake(name)
    return bool(_SECRET.fullmatch(words)) and not _PUBLIC.fullmatch(words)


@lru_cache(maxsize=8192)
def holds_address(name: str) -> bool:
    """Whether it holds the address of a database or broker, in which a password may stand."""
    words = snake(name)
    return bool(_DATABASE.fullmatch(words)) and not _PUBLIC.fullmatch(words)
