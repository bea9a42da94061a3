"""Forms of the findings list."""

from __future__ import annotations

from typing import Any, override

from django import forms
from django.http import QueryDict

from dashboard.forms import LastDayField
from dashboard.services.waiver_batches import MOST
from dashboard.text import whole

SELECTED, ALL = "selected", "all"


class AskForm(forms.Form):
    """Why the chosen findings are accepted, and until when."""

    use_required_attribute = False

    which = forms.ChoiceField(choices=[(SELECTED, "the selected"), (ALL, "all that match")])
    reason = forms.CharField(max_length=4_000, error_messages={"required": "Say why."})
    expires_on = LastDayField(required=False)
    query = forms.CharField(required=False, max_length=2_000)

    @override
    def clean(self) -> dict[str, Any]:
        """Read the numbers of the selected findings; None for all that match.

        Raises:
            ValidationError: Nothing is selected.
        """
        cleaned = super().clean() or {}
        if cleaned.get("which") == ALL:
            return cleaned | {"picked": None}
        sent = self.data.getlist("finding") if isinstance(self.data, QueryDict) else []
        picked = numbers(",".join(map(str, sent)))
        if not picked:
            raise forms.ValidationError("Select findings first, or choose all that match.")
        return cleaned | {"picked": picked}


def numbers(text: str) -> list[int]:
    """Return the numbers of a comma-separated list, at most as many as are asked for at once."""
    return [number for part in text.split(",") if (number := whole(part))][:MOST]
