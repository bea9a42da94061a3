"""The form of a repository's gate."""

from __future__ import annotations

from typing import Any

from django import forms

from checks.gate import Gate


class GateForm(forms.Form):
    """What every scan of a repository has to reach."""

    use_required_attribute = False

    asked = forms.BooleanField(label="Judge every scan by a gate", required=False)
    minimum = forms.FloatField(
        label="Least score of every standard",
        required=False,
        min_value=0,
        max_value=100,
        help_text="The lower end counts. Leave empty to ask for none.",
    )
    open_musts = forms.IntegerField(
        label="Open musts that are allowed",
        required=False,
        min_value=0,
        max_value=100_000,
        help_text="Leave empty to allow any number.",
    )
    coverage = forms.FloatField(
        label="Least coverage in percent",
        required=False,
        min_value=0,
        max_value=100,
        help_text="Leave empty to ask for none.",
    )
    no_new_findings = forms.BooleanField(
        label="No new findings",
        required=False,
        help_text="Against the commit that was judged before; of another branch, against where it "
        "left the default.",
    )
    not_worse = forms.BooleanField(
        label="Not worse than last week",
        required=False,
        help_text="Against the newest result that is older than seven days.",
    )
    no_unknown = forms.BooleanField(label="No unknown clause", required=False)

    def __init__(self, data: Any = None, *, gate: Gate | None) -> None:
        shown = gate or Gate()
        initial = {name: getattr(shown, name) for name in shown.__struct_fields__}
        if shown.coverage is not None:
            initial["coverage"] = shown.coverage * 100
        super().__init__(data, initial={**initial, "asked": gate is not None})
        self.minimum_of = shown.minimum_of

    def gate(self) -> Gate | None:
        """Return the gate that was asked for, None for none."""
        fields = {name: self.cleaned_data[name] for name in self.fields if name != "asked"}
        if not self.cleaned_data["asked"]:
            return None
        if fields["coverage"] is not None:
            fields["coverage"] /= 100
        return Gate(**fields, minimum_of=self.minimum_of)
