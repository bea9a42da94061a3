"""Names of sensitive data, and names of something else."""

from __future__ import annotations

import pytest

from checks.rules.logging_names import sensitive

ALL = ("password", "token", "pii")


@pytest.mark.parametrize(
    "name",
    """token reset_token user_email hashed_password password_hash api_key apiKey client_secret
    session_id headers request_headers date_of_birth phone_number client_ip ip_address cookies
    wallet_address email_data full_name tax_id authorization secret_key emails card_number
    """.split(),
)
def test_names_of_data(name: str) -> None:
    assert sensitive(name, ALL)


@pytest.mark.parametrize(
    "name",
    """has_password token_type token_count max_tokens tokens_used email_id email_sent address_id
    ip_version secret_name ALLOW_CREDENTIALS ALLOWED_HEADERS storage_key cache_key tokenizer compass
    shipping name first_name username user_id remote_address email_template session password_length
    masked_email ship pinned_count total_tokens csv_headers""".split(),
)
def test_names_of_something_else(name: str) -> None:
    assert not sensitive(name, ALL)
