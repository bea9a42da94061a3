"""The form by which somebody asks for a waiver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, override

from django import forms

from checks.pathpatterns import is_pattern
from checks.rules.specs import specs
from checks.standardfields import hint
from checks.waivers import ROOT
from dashboard.forms import CodeInput, LastDayField
from dashboard.services.waiver_requests import Wish

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dashboard.models import Finding


class WaiverForm(forms.Form):
    """What somebody asks to have accepted: of one finding, or of a path or a clause."""

    use_required_attribute = False

    path_pattern = forms.CharField(
        label="Path",
        required=False,
        max_length=1_000,
        help_text="A pattern as in .gitignore. Left empty, the waiver covers the whole clause.",
        widget=CodeInput,
    )
    check_id = forms.CharField(
        label="Check",
        required=False,
        max_length=200,
        help_text="Only findings of this check; may be left empty.",
        widget=CodeInput,
    )
    clause = forms.CharField(
        required=False,
        max_length=200,
        help_text="As standard/clause. The findings count in other clauses as before.",
        widget=CodeInput,
    )
    component = forms.ChoiceField(
        label="Judged folder",
        required=False,
        help_text="The other folders of the repository count as before.",
    )
    reason = forms.CharField(
        max_length=4_000,
        help_text="Why this is accepted, for somebody who reads it in a year.",
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why this should be accepted."},
    )
    expires_on = LastDayField(
        label="Last day",
        required=False,
        help_text="A must is never waived for ever, so it needs one.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(
        self,
        data: Any = None,
        *,
        finding: Finding | None = None,
        folders: Sequence[str] = ("",),
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        self.finding = finding
        if finding is not None:
            for name in ("path_pattern", "check_id", "clause"):
                del self.fields[name]
        if finding is not None or len(folders) < 2:
            del self.fields["component"]
        elif isinstance(field := self.fields["component"], forms.ChoiceField):
            named = [(path or ROOT, path or "the root") for path in folders]
            field.choices = [("", "every folder"), *named]

    def clean_path_pattern(self) -> str:
        """Return the pattern.

        Raises:
            ValidationError: It is none.
        """
        pattern: str = self.cleaned_data["path_pattern"].strip()
        if not is_pattern(pattern):
            raise forms.ValidationError(f"{pattern} is no pattern of files.")
        return pattern

    def clean_check_id(self) -> str:
        """Return the check.

        Raises:
            ValidationError: There is none of that name.
        """
        name: str = self.cleaned_data["check_id"].strip()
        if name and name not in specs():
            raise forms.ValidationError(f"There is no check {name}{hint(name, specs())}.")
        return name

    @override
    def clean(self) -> dict[str, Any]:
        """Return what was said, which has to be about something."""
        said = {name: v for name, v in self.cleaned_data.items() if name != "reason"}
        if self.finding is None and not (said.get("path_pattern") or said.get("clause")):
            raise forms.ValidationError("Say what it is about: a path, a clause or both.")
        return self.cleaned_data

    def wish(self) -> Wish:
        """Return what is asked for, as far as it can be read."""
        said = {name: value for name, value in self.cleaned_data.items() if value}
        return Wish(finding=self.finding, **said)
