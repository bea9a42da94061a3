"""The forms of gates: of a repository, and of a standard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from checks.gate import Gate
from dashboard.services.editing import KEPT, Kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.forms.boundfield import BoundField

_DECIMALS = 6


def _hundredths(label: str, about: str = "") -> forms.FloatField:
    """A number from 0 to 100 that may be left out."""
    return forms.FloatField(
        label=label,
        required=False,
        min_value=0,
        max_value=100,
        help_text=f"{about}Leave empty to ask for none.",
    )


class GateForm(forms.Form):
    """What every scan of a repository has to reach."""

    use_required_attribute = False

    asked = forms.BooleanField(label="Judge every scan by a gate", required=False)
    minimum = _hundredths("Least score of every standard", "The lower end counts. ")
    open_musts = forms.IntegerField(
        label="Open musts that are allowed",
        required=False,
        min_value=0,
        max_value=100_000,
        help_text="Leave empty to allow any number.",
    )
    coverage = _hundredths("Least coverage in percent")
    no_new_findings = forms.BooleanField(
        label="No new findings",
        required=False,
        help_text="Against the last judged commit that brought none; of another branch, against "
        "where it left the default.",
    )
    not_worse = forms.BooleanField(
        label="Not worse than last week",
        required=False,
        help_text="Against the newest result older than seven days that had not fallen.",
    )
    no_unknown = forms.BooleanField(label="No unknown clause", required=False)

    def __init__(self, data: Any = None, *, gate: Gate | None, prefix: str | None = None) -> None:
        shown = gate or Gate()
        initial = {name: getattr(shown, name) for name in shown.__struct_fields__}
        if shown.coverage is not None:
            initial["coverage"] = round(shown.coverage * 100, _DECIMALS)
        super().__init__(data, initial={**initial, "asked": gate is not None}, prefix=prefix)
        self.minimum_of = shown.minimum_of

    @property
    def switches(self) -> list[BoundField]:
        """The conditions that are asked or not."""
        return [self[name] for name in ("no_new_findings", "not_worse", "no_unknown")]

    def gate(self) -> Gate | None:
        """Return the gate that was asked for, None for none."""
        fields = {name: self.cleaned_data[name] for name in self.fields if name != "asked"}
        if not self.cleaned_data["asked"]:
            return None
        if fields["coverage"] is not None:
            fields["coverage"] = round(fields["coverage"] / 100, _DECIMALS + 2)
        return Gate(**fields, minimum_of=self.minimum_of)


class StandardGateForm(GateForm):
    """What every repository has to reach that has adopted a standard."""

    asked = forms.BooleanField(label="The standard sets a gate", required=False)

    def __init__(self, data: Any = None, *, gate: Gate | None) -> None:
        super().__init__(data, gate=gate, prefix="gate")

    @classmethod
    def sent(cls, data: Mapping[str, Any], gate: Gate | None) -> StandardGateForm:
        """Return the form as it was sent; one that was not on the page leaves the gate as it is."""
        return cls(data if "gate-minimum" in data else None, gate=gate)

    @property
    def usable(self) -> bool:
        """Whether nothing that was sent has to be refused."""
        return not self.is_bound or self.is_valid()

    def change(self) -> Gate | Kept | None:
        """Return the gate that was entered, None for none, or that nothing was changed."""
        return self.gate() if self.is_bound and self.has_changed() else KEPT
