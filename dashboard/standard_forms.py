"""Forms about standards: where one is read from, and which repositories adopt a version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms

from dashboard.forms import CodeInput
from dashboard.models import Repository, Role, Team

if TYPE_CHECKING:
    from dashboard.models import User

PATH_LENGTH = 500


class OriginForm(forms.Form):
    """A TOML file of a registered repository that a team's standard is read from."""

    use_required_attribute = False

    team = forms.ModelChoiceField(
        queryset=Team.objects.none(),
        empty_label=None,
        help_text="Its leads decide about the standard.",
    )
    repository = forms.ModelChoiceField(
        queryset=Repository.objects.none(),
        error_messages={"required": "Choose the repository that holds the file."},
        help_text="Whoever may push to its judged branch can bring a new version.",
    )
    path = forms.CharField(
        label="File",
        max_length=PATH_LENGTH,
        help_text="From the top of the repository, for example docs/team-rules.toml",
        error_messages={"required": "Give the path of the TOML file in the repository."},
        widget=CodeInput,
    )

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data)
        leads = Team.objects.with_role(user, Role.LEAD)
        teams = cast("forms.ModelChoiceField[Team]", self.fields["team"])
        teams.queryset = leads
        self.fields["team"].initial = leads.first()
        repositories = cast("forms.ModelChoiceField[Repository]", self.fields["repository"])
        repositories.queryset = Repository.objects.visible_to(user)

    def clean_path(self) -> str:
        """Return the path as the tree has it.

        Raises:
            ValidationError: It leads out of the repository.
        """
        path: str = self.cleaned_data["path"].strip().removeprefix("./").strip("/")
        if not path or {"..", ".", ""} & set(path.split("/")):
            raise forms.ValidationError("Give the path of a file inside the repository.")
        return path
