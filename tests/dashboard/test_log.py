"""Logs never hold a secret."""

from __future__ import annotations

import pytest

from dashboard.log import REDACTED, redact, scrub


@pytest.mark.parametrize(
    "text",
    [
        "https://user:hunter2@example.org/x.git",
        "Authorization: Bearer hunter2",
        "authorization=Basic hunter2",
        "PRIVATE-TOKEN: hunter2",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----",
    ],
)
def test_secrets_inside_a_text_are_removed(text: str) -> None:
    assert "hunter2" not in scrub(text)
    assert REDACTED in scrub(text)


@pytest.mark.parametrize("prefix", ["ghp_", "github_pat_", "glpat-"])
def test_tokens_are_known_by_their_shape(prefix: str) -> None:
    assert scrub(f"fetch with {prefix}0123456789abcdef failed") == f"fetch with {REDACTED} failed"


def test_fields_with_telling_names_are_removed_at_any_depth() -> None:
    event = {"event": "saved", "detail": {"password": "hunter2", "rows": [{"api_key": "hunter2"}]}}

    assert "hunter2" not in str(redact(None, "info", event))


def test_ordinary_text_stays_as_it_is() -> None:
    text = "scan 12 of app/main.py at https://example.org/x.git took 3 s"

    assert redact(None, "info", {"event": text, "scan": 12}) == {"event": text, "scan": 12}
