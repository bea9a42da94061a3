"""Forms about standards: where one is read from, and which repositories adopt a version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.db.models import Q

from dashboard.forms import CodeInput
from dashboard.models import Repository, Role, Team

if TYPE_CHECKING:
    from dashboard.models import User

PATH_LENGTH = 500
MOST_FOUND = 20


class OriginForm(forms.Form):
    """A TOML file of a registered repository that a team's standard is read from."""

    use_required_attribute = False

    team = forms.ModelChoiceField(
        queryset=Team.objects.none(),
        empty_label=None,
        help_text="Its leads decide about the standard.",
    )
    repository = forms.CharField(
        error_messages={"required": "Name the repository that holds the file."},
        help_text="Its name or a part of it. Whoever may push to its judged branch can bring a new"
        " version.",
        # A list of all would be long where there are many: the server finds as one types, and
        # without a script when the form is sent.
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "list": "repositories",
                "hx-get": "",
                "hx-trigger": "input changed delay:200ms",
                "hx-target": "#repositories",
            }
        ),
    )
    path = forms.CharField(
        label="File",
        max_length=PATH_LENGTH,
        help_text="From the top of the repository, for example docs/team-rules.toml",
        error_messages={"required": "Give the path of the TOML file in the repository."},
        widget=CodeInput,
    )

    def __init__(self, data: Any = None, *, user: User, typed: str = "") -> None:
        super().__init__(data, initial={"repository": typed})
        leads = Team.objects.with_role(user, Role.LEAD)
        teams = cast("forms.ModelChoiceField[Team]", self.fields["team"])
        teams.queryset = leads
        self.fields["team"].initial = leads.first()
        self._visible = Repository.objects.visible_to(user)

    def found(self) -> list[Repository]:
        """Return the first repositories that are called somewhat like what was typed."""
        typed = str(self["repository"].value() or "").replace("\x00", "").strip()
        return list(self._visible.called(typed)[:MOST_FOUND])

    def clean_repository(self) -> Repository:
        """Return the one repository that has this name.

        Raises:
            ValidationError: None has it, or several have.
        """
        name: str = self.cleaned_data["repository"]
        exactly = Q(slug=name) | Q(name=name) | Q(clone_url=name)
        rows = list(self._visible.filter(exactly).order_by("pk")[:MOST_FOUND])
        meant = [row for row in rows if row.slug == name] or rows
        if len(meant) != 1:
            raise forms.ValidationError(
                "Which one is meant?" if self.found() else "No repository you see is called so."
            )
        return meant[0]

    def clean_path(self) -> str:
        """Return the path as the tree has it.

        Raises:
            ValidationError: It leads out of the repository.
        """
        path: str = self.cleaned_data["path"].strip().removeprefix("./").strip("/")
        if not path or {"..", ".", ""} & set(path.split("/")):
            raise forms.ValidationError("Give the path of a file inside the repository.")
        return path
