"""Forms of simulations: what to try, and one clause to try it with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast, override

from django import forms

from dashboard.models import Repository, Standard, Team
from dashboard.services import proposals
from dashboard.services.simulating import Wish

if TYPE_CHECKING:
    from dashboard.models import User
    from dashboard.services.proposals import Part


class SimulationForm(forms.Form):
    """Which standards come, change or go, and where."""

    use_required_attribute = False

    source = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
    replaces = forms.ChoiceField(
        label="The changed text",
        required=False,
        help_text="Tried where the standard is adopted whose place it takes.",
    )
    adopt = forms.ModelChoiceField(
        label="Adopt another standard",
        queryset=Standard.objects.newest(),
        to_field_name="slug",
        required=False,
        empty_label="none",
        help_text="In every repository that is tried, in its newest version.",
    )
    drops = forms.ModelMultipleChoiceField(
        label="Adopt no longer",
        queryset=Standard.objects.none(),
        to_field_name="slug",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    team = forms.ModelChoiceField(
        queryset=Team.objects.none(),
        to_field_name="slug",
        required=False,
        empty_label="all that you see",
        label="Repositories",
    )

    def __init__(self, data: Any = None, *, reader: User, initial: Any = None) -> None:
        super().__init__(data, initial=initial, auto_id="try-%s")
        newest = Standard.objects.newest().defer("source")
        place = cast("forms.ChoiceField", self.fields["replaces"])
        drops = cast("forms.ModelMultipleChoiceField[Standard]", self.fields["drops"])
        team = cast("forms.ModelChoiceField[Team]", self.fields["team"])
        named = newest.values_list("slug", "title")
        place.choices = [
            ("", "is adopted beside the others"),
            *((slug, f"takes the place of {title}") for slug, title in named),
        ]
        visible = Repository.objects.visible_to(reader)
        drops.queryset = newest.filter(slug__in=visible.values("adoptions__slug"))
        team.queryset = Team.objects.visible_to(reader)

    @property
    def has_text(self) -> bool:
        """Whether a text was brought along."""
        return bool(self["source"].value())

    @override
    def clean(self) -> dict[str, Any]:
        """Refuse what changes nothing."""
        cleaned = super().clean() or {}
        cleaned["source"] = cleaned.get("source", "").replace("\r\n", "\n")
        if not (cleaned["source"] or cleaned.get("adopt") or cleaned.get("drops")):
            raise forms.ValidationError(
                "Nothing changes yet: choose a standard that comes or goes."
            )
        adopt, drops = cleaned.get("adopt"), cleaned.get("drops") or ()
        if adopt is not None and adopt in drops:
            raise forms.ValidationError("A standard cannot come and go at once.")
        return cleaned

    def wish(self) -> Wish:
        """Return what is to be tried.

        Raises:
            own_standards.RefusedError: The text is no standard; every mistake is named.
        """
        cleaned = self.cleaned_data
        parts: list[Part] = []
        if cleaned["source"]:
            parts.append(proposals.part_of(cleaned["source"], cleaned["replaces"]))
        if cleaned["adopt"]:
            parts.append(proposals.part_of(cleaned["adopt"].source, ""))
        dropped = frozenset(row.slug for row in cleaned["drops"])
        return Wish(parts, dropped, cleaned["team"])
