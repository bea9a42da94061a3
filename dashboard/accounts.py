"""How people get an account: an administrator makes it; nobody signs up from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, override

from allauth.account.adapter import DefaultAccountAdapter

if TYPE_CHECKING:
    from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """The sign-in library's hook into this product."""

    @override
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody makes an account without being asked."""
        return False
