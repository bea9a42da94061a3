"""Logs: one JSON object per line, secrets removed, foreign text only ever as a field."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping

REDACTED = "[redacted]"
_FIELD = re.compile(
    r"password|secret|token|authorization|cookie|credential|api_?key", re.IGNORECASE
)
_TEXT = (
    (re.compile(r"(?<=://)[^/\s@]+(?=@)"), REDACTED),
    (
        re.compile(r"(?i)\b(authorization|private-token|x-gitlab-token)(\W{1,4})(\S+ )?\S+"),
        rf"\1\2{REDACTED}",
    ),
    (re.compile(r"\b(gh[pousr]_|github_pat_|glpat-|gta_|ATBB|xox[abp]-)[\w-]{10,}"), REDACTED),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END|\Z)", re.DOTALL), REDACTED),
)


def scrub(text: str) -> str:
    """Return the text without user-info in addresses and without what looks like a token."""
    for pattern, replacement in _TEXT:
        text = pattern.sub(replacement, text)
    return text


def _clean(key: str, value: Any) -> Any:
    if _FIELD.search(key) and value not in (None, "", 0, False, True):
        return REDACTED
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {k: _clean(str(k), v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean("", item) for item in value]
    return value


def redact(_logger: Any, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Structlog step: clean every field, also the ones that nest."""
    return {key: _clean(key, value) for key, value in event.items()}


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.ExtraAdder(),
]


def configure() -> None:
    """Send structlog's records through the standard library's handlers."""
    structlog.configure(
        processors=[*_SHARED[:-1], structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def settings(level: str) -> dict[str, Any]:
    """Return Django's LOGGING setting: JSON lines on standard error."""
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": _SHARED,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(default=repr),
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": level, "propagate": True},
            "django.db.backends": {"level": "INFO"},
        },
    }
