"""Forms: what people may send, and the sentence for what they may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast, override

from django import forms
from django.utils import timezone

from checks.cloneurl import UrlError, check_branch, parse
from checks.pathpatterns import is_pattern
from checks.toml import MAX_BYTES
from dashboard.models import CredentialKind, Provider, Repository, Role, Standard, Team
from dashboard.services.attestations import Word
from dashboard.services.clone_policy import policy
from dashboard.services.components import MOST
from dashboard.services.repositories import Changes

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from dashboard.models import Probe, User
    from dashboard.services.attestations import Topic

THEME_COOKIE = "theme"
FOLDER_LENGTH = 500
NO_CREDENTIAL = "none"


class StandardsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """The standards to adopt, each with its own box."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Standard.objects.newest().defer("source"), **kwargs)

    @override
    def label_from_instance(self, obj: Any) -> str:
        """Return the title; the template adds the summary."""
        return str(obj.title)


class CodeInput(forms.TextInput):
    """What is typed letter by letter: nothing completes it, and nothing calls it misspelt."""

    def __init__(self) -> None:
        super().__init__(attrs={"class": "mono", "autocomplete": "off", "spellcheck": "false"})


class LastDayField(forms.DateField):
    """The last day on which something counts: today or later, or none."""

    @override
    def clean(self, value: Any) -> Any:
        """Return the day.

        Raises:
            ValidationError: It is past.
        """
        day = super().clean(value)
        if day and day < timezone.localdate():
            raise forms.ValidationError(f"The last day, {day}, is past: give today or a later one.")
        return day


class SecretArea(forms.Textarea):
    """A text area that never sends back what was entered, not even with a refused form."""

    @override
    def format_value(self, value: Any) -> str:
        """Return nothing, whatever was entered."""
        return ""


class AddressForm(forms.Form):
    """First step of a registration: where the repository is, and how it lets us in."""

    use_required_attribute = False

    team = forms.ModelChoiceField(
        queryset=Team.objects.none(),
        empty_label=None,
        help_text="Members of the team see the repository and its findings.",
    )
    clone_url = forms.CharField(
        label="Clone address",
        max_length=500,
        help_text="What git clone takes, for example https://github.com/owner/name.git",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
        ),
    )
    credential_kind = forms.ChoiceField(
        label="Access",
        choices=[(NO_CREDENTIAL, "Public, no credential"), *CredentialKind.choices],
        initial=NO_CREDENTIAL,
    )
    username = forms.CharField(
        label="User name",
        max_length=200,
        required=False,
        help_text="Only with a token; most forges accept any name beside a token.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    secret = forms.CharField(
        label="Token or private key",
        max_length=20_000,
        required=False,
        strip=False,
        help_text="Needs read access only. Stored encrypted and never shown again.",
        widget=SecretArea(
            attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false", "class": "mono"}
        ),
    )

    host_key = forms.CharField(
        label="Host key of the server",
        max_length=5_000,
        required=False,
        help_text="Only with an SSH key: the known_hosts line, which you have compared with what "
        "the server's owner publishes.",
        widget=forms.Textarea(
            attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false", "class": "mono"}
        ),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams = cast("forms.ModelChoiceField[Team]", self.fields["team"])
        teams.queryset = Team.objects.with_role(user, Role.LEAD)

    def clean_clone_url(self) -> str:
        """Return the address in its one spelling."""
        try:
            url = parse(self.cleaned_data["clone_url"].strip(), policy())
            url.refuse_inner(policy())
        except UrlError as error:
            raise forms.ValidationError(error.sentence, code=error.code) from None
        return url.text

    @override
    def clean(self) -> dict[str, Any]:
        """Refuse a known address, and a credential without its secret."""
        cleaned = super().clean() or {}
        kind, secret = cleaned.get("credential_kind"), cleaned.get("secret", "")
        if kind in CredentialKind.values and not secret.strip():
            self.add_error("secret", "Enter the token or key, or choose access without one.")
        if kind == NO_CREDENTIAL and secret.strip():
            self.add_error("credential_kind", "Choose what kind of credential this is.")
        known = Repository.objects.filter(
            team=cleaned.get("team"), clone_url=cleaned.get("clone_url")
        ).first()
        if known and cleaned.get("team"):
            self.add_error("clone_url", f"The team has registered this already, as {known.name}.")
        return cleaned


class ChoicesForm(forms.Form):
    """Second step: name, branch and standards, once the server has answered."""

    use_required_attribute = False

    name = forms.CharField(max_length=200, help_text="What people call it.")
    branch = forms.ChoiceField(
        label="Branch to judge",
        required=False,
        help_text="Pushes to other branches are not judged.",
    )
    standards = StandardsField(
        label="Standards to adopt",
        error_messages={"required": "Choose at least one standard; it can be changed later."},
    )

    def __init__(self, *args: Any, probe: Probe, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        branch = cast("forms.ChoiceField", self.fields["branch"])
        branch.choices = branch_choices(probe.branches, probe.default_branch)


def branch_choices(branches: Sequence[str], default: str) -> list[tuple[str, str]]:
    """Return the choices of a branch: the server's default first, whatever it is called."""
    named = f" (now {default})" if default else ""
    return [("", f"the default branch{named}"), *((name, name) for name in branches)]


class RepositorySettingsForm(forms.Form):
    """Name, branch and standards of a registered repository."""

    use_required_attribute = False

    name = forms.CharField(max_length=200)
    branch = forms.CharField(
        label="Branch to judge",
        max_length=255,
        required=False,
        help_text="Leave empty for the default branch of the server.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    standards = StandardsField(
        label="Adopted standards",
        error_messages={"required": "Choose at least one standard."},
    )
    folders = forms.CharField(
        label="Judged folders",
        max_length=5_000,
        required=False,
        help_text="One a line, each with a score of its own. Leave empty for the whole repository.",
        widget=forms.Textarea(attrs={"rows": 2, "class": "mono", "spellcheck": "false"}),
    )

    def __init__(self, data: Any = None, *, repository: Repository) -> None:
        self.held = {
            row.slug: row.standard for row in repository.adoptions.select_related("standard")
        }
        initial = {
            "name": repository.name,
            "branch": repository.watched_branch,
            "standards": Standard.objects.newest().filter(slug__in=self.held),
            "folders": "\n".join(row.path for row in repository.components.judged()),
        }
        super().__init__(data, initial=initial)
        self.outdated = [row for row in self.held.values() if not row.is_latest]

    def clean_branch(self) -> str:
        """Return the branch name when git allows it."""
        name = self.cleaned_data["branch"].strip()
        try:
            return check_branch(name) if name else ""
        except UrlError as error:
            raise forms.ValidationError(error.sentence, code=error.code) from None

    def clean_folders(self) -> list[str]:
        """Return the folders, none for the whole repository.

        Raises:
            ValidationError: One leads out of the repository.
        """
        lines = [line.strip().strip("/") for line in self.cleaned_data["folders"].splitlines()]
        folders = [line for line in lines if line not in {"", "."}]
        for folder in folders:
            if {"..", "", "."} & set(folder.split("/")) or len(folder) > FOLDER_LENGTH:
                raise forms.ValidationError(f"{folder}: give folders inside the repository.")
            if any(folder.startswith(f"{other}/") for other in folders):
                raise forms.ValidationError(f"{folder} lies in another of the folders.")
        if len(folders) > MOST:
            raise forms.ValidationError(f"Give at most {MOST} folders.")
        return folders

    def changes(self) -> Changes:
        """Return what was asked for. An adopted version stays until it is renewed on purpose."""
        return Changes(
            name=self.cleaned_data["name"],
            watched_branch=self.cleaned_data["branch"],
            standards=[self.held.get(row.slug, row) for row in self.cleaned_data["standards"]],
        )


class RemoveForm(forms.Form):
    """Removing a repository takes its name, typed."""

    use_required_attribute = False

    confirm = forms.CharField(
        label="Type the name of the repository",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Any = None, *, repository: Repository) -> None:
        super().__init__(data, prefix="remove")
        self.repository = repository

    def clean_confirm(self) -> str:
        """Return the name when it is the repository's."""
        name: str = self.cleaned_data["confirm"]
        if name != self.repository.name:
            raise forms.ValidationError(f"Type {self.repository.name} to remove it.")
        return name


class HookForm(forms.Form):
    """Which forge will call."""

    use_required_attribute = False

    provider = forms.ChoiceField(label="Forge")

    def __init__(self, data: Any = None, *, taken: Collection[str], likely: str) -> None:
        free = [choice for choice in Provider.choices if choice[0] not in taken]
        super().__init__(data, initial={"provider": likely})
        cast("forms.ChoiceField", self.fields["provider"]).choices = free

    def clean_provider(self) -> Provider:
        """Return the forge."""
        return Provider(self.cleaned_data["provider"])


class AttestationForm(forms.Form):
    """What a lead vouches for, with evidence and an end."""

    use_required_attribute = False

    statement = forms.CharField(
        max_length=4_000,
        help_text="What is true, in a sentence that somebody can check.",
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say what you vouch for."},
    )
    evidence = forms.CharField(
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Give a link or say how it can be seen."},
    )
    days = forms.IntegerField(label="Counts for (days)", min_value=1)
    watched = forms.CharField(
        label="Files it is about",
        required=False,
        max_length=2_000,
        help_text="Patterns as in .gitignore, one a line. When such a file changes, the word is "
        "out of date. May be left empty.",
        widget=forms.Textarea(attrs={"rows": 2, "class": "mono", "spellcheck": "false"}),
    )

    def __init__(self, data: Any = None, *, topic: Topic) -> None:
        super().__init__(data, initial={"days": topic.validity_days}, auto_id=f"{topic.name}-%s")
        self.topic = topic
        days = cast("forms.IntegerField", self.fields["days"])
        days.help_text = f"At most {topic.validity_days}, which the standard sets."
        least = topic.evidence_min_chars
        self.fields[
            "evidence"
        ].help_text = f"A link, or in at least {least} characters where and how it can be seen."

    def clean_days(self) -> int:
        """Return the days when the standard allows as many."""
        days: int = self.cleaned_data["days"]
        if days > self.topic.validity_days:
            raise forms.ValidationError(
                f"The standard lets this count for {self.topic.validity_days} days at most."
            )
        return days

    def clean_evidence(self) -> str:
        """Return the evidence when it is a link or long enough to be one."""
        text: str = self.cleaned_data["evidence"].strip()
        least = self.topic.evidence_min_chars
        if len(text) < least and not text.startswith(("https://", "http://")):
            raise forms.ValidationError(f"Give a link, or at least {least} characters.")
        return text

    def clean_watched(self) -> list[str]:
        """Return the patterns, one for each line.

        Raises:
            ValidationError: One of them is no pattern.
        """
        lines = [line.strip() for line in self.cleaned_data["watched"].splitlines()]
        patterns = [line for line in lines if line]
        for pattern in patterns:
            if not is_pattern(pattern):
                raise forms.ValidationError(f"{pattern} is no pattern of files.")
        return patterns

    def word(self) -> Word:
        """Return what was said."""
        return Word(**self.cleaned_data)


class StandardForm(forms.Form):
    """The text of a standard, pasted or as a file; a file wins."""

    use_required_attribute = False

    source = forms.CharField(
        label="The standard",
        required=False,
        strip=False,
        help_text="TOML, as docs/writing-a-standard.md describes it.",
        widget=forms.Textarea(attrs={"rows": 22, "class": "mono", "spellcheck": "false"}),
    )
    file = forms.FileField(label="Or a file", required=False)

    @override
    def clean(self) -> dict[str, Any]:
        """Take the text of the file where there is one; refuse what is no text or too long."""
        cleaned = super().clean() or {}
        upload = cleaned.get("file")
        if upload is not None and upload.size > MAX_BYTES:
            self.add_error("file", f"The file has more than {MAX_BYTES // 1024} KiB.")
        elif upload is not None:
            try:
                cleaned["source"] = upload.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                self.add_error("file", "The file is no UTF-8 text.")
        cleaned["source"] = cleaned.get("source", "").replace("\r\n", "\n")
        if not cleaned["source"].strip() and not self.errors:
            self.add_error("source", "Paste a standard or choose a file.")
        return cleaned


class AppearanceForm(forms.Form):
    """Light, dark, or as the system says."""

    THEMES: ClassVar = [("auto", "as the system says"), ("light", "light"), ("dark", "dark")]

    theme = forms.ChoiceField(label="Colours", choices=THEMES, widget=forms.RadioSelect)
