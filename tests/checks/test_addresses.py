"""Resolving a host: every address counts, and what was resolved is what is connected to."""

from __future__ import annotations

import pytest

from checks.addresses import AddressError, AllowedHosts, permitted_addresses

NOTHING_OPEN = AllowedHosts()


def test_a_name_with_one_inner_address_is_refused() -> None:
    with pytest.raises(AddressError) as caught:
        permitted_addresses(
            "forge.example", 443, NOTHING_OPEN, lookup=lambda host, port: ["8.8.8.8", "10.0.0.1"]
        )
    assert caught.value.code == "private"


def test_a_name_that_does_not_resolve_is_refused() -> None:
    def fails(host: str, port: int) -> list[str]:
        raise OSError

    def finds_nothing(host: str, port: int) -> list[str]:
        return []

    for lookup in (fails, finds_nothing):
        with pytest.raises(AddressError) as caught:
            permitted_addresses("forge.example", 443, NOTHING_OPEN, lookup=lookup)
        assert caught.value.code == "unresolved"


def test_a_named_host_may_resolve_inside_but_not_to_metadata() -> None:
    allowed = AllowedHosts.parse(["forge.internal"])
    assert permitted_addresses(
        "forge.internal", 443, allowed, lookup=lambda host, port: ["10.0.0.1"]
    ) == ("10.0.0.1",)
    with pytest.raises(AddressError) as caught:
        permitted_addresses(
            "forge.internal", 443, allowed, lookup=lambda host, port: ["169.254.169.254"]
        )
    assert caught.value.code == "metadata"


def test_all_addresses_are_answered_once_with_ipv4_first() -> None:
    answers = ["2606:4700::1111", "8.8.8.8", "8.8.8.8"]
    assert permitted_addresses(
        "forge.example", 443, NOTHING_OPEN, lookup=lambda host, port: answers
    ) == ("8.8.8.8", "2606:4700::1111")
