"""The form over the clauses of a standard: strength, weight, off switch, limits as typed fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, override

import msgspec
from django import forms

from checks.rules.specs import specs
from checks.scoring import WEIGHTS, weight_of
from checks.waiverrules import APPROVERS, MAX_DAYS, MOST_DAYS, SUPPRESSIONS, WaiverRules
from checks.weights import LEAST, MOST
from dashboard.models import Strength
from dashboard.services import editing
from dashboard.services.editing import PAGE_SIZE, Changes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from django.forms.boundfield import BoundField

    import checks.standard as engine
    from dashboard.services.editing import Limit, Place

MOST_TEXT = 4_000
OWN = ("strength", "weight", "off")
"""What is entered of every clause, whatever decides it."""
ACCEPTED = {
    "any": "every comment hides its finding",
    "reasoned": "only a comment with a reason",
    "none": "no comment hides anything",
}
GRANTS = {"anyone": "any lead", "other": "somebody else than who asked"}
NOTHING = '""'
"""How an empty text stands in a list."""


class LinesField(forms.CharField):
    """A list, one entry a line."""

    widget = forms.Textarea

    def __init__(self, *, whole: bool, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=MOST_TEXT, **kwargs)
        self.whole = whole

    @override
    def prepare_value(self, value: Any) -> Any:
        """Show a list as lines."""
        if not isinstance(value, list):
            return value
        return "\n".join(NOTHING if each == "" else str(each) for each in value)

    @override
    def clean(self, value: Any) -> Any:
        """Return the list.

        Raises:
            ValidationError: A line is no whole number where the list holds such.
        """
        lines = [line.strip() for line in super().clean(value).splitlines() if line.strip()]
        if not self.whole:
            return ["" if line == NOTHING else line for line in lines]
        try:
            return [int(line) for line in lines]
        except ValueError:
            raise forms.ValidationError("Enter whole numbers, one a line.") from None


class TableField(forms.CharField):
    """Lists of whole numbers by their names, one name a line: ``POST: 201, 202``."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=MOST_TEXT, **kwargs)

    @override
    def prepare_value(self, value: Any) -> Any:
        """Show a table as lines."""
        return table_text(value) if isinstance(value, dict) else value

    @override
    def clean(self, value: Any) -> Any:
        """Return the table.

        Raises:
            ValidationError: A line is not a name with whole numbers, or a name comes twice.
        """
        table: dict[str, list[int]] = {}
        for line in filter(None, map(str.strip, super().clean(value).splitlines())):
            name, _, numbers = line.partition(":")
            try:
                entry = [int(number) for number in numbers.split(",")]
            except ValueError:
                entry = []
            if not entry or not name.strip():
                raise forms.ValidationError(f"Write {line!r} as a name and numbers: POST: 201, 202")
            if name.strip() in table:
                raise forms.ValidationError(f"{name.strip()} comes twice.")
            table[name.strip()] = entry
        return table


def table_text(table: Mapping[str, Sequence[int]]) -> str:
    """Return the lines in which a table is entered."""
    return "\n".join(f"{name}: {', '.join(map(str, entry))}" for name, entry in table.items())


class WeightField(forms.IntegerField):
    """What a clause weighs; empty for what its strength does."""

    def __init__(self, *, usual: int, **kwargs: Any) -> None:
        super().__init__(required=False, min_value=LEAST, max_value=MOST, **kwargs)
        self.widget.attrs |= {"placeholder": str(usual) if usual else "–", "class": "few"}


class ChosenField(forms.MultipleChoiceField):
    """Some of the values that a limit may take, in the order that the clause has them."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, limit: Limit, **kwargs: Any) -> None:
        self.kept = list(limit.value)
        self.known = list(dict.fromkeys([*limit.choices, *limit.value]))
        names = [(str(value), str(value)) for value in self.known]
        super().__init__(choices=names, required=False, **kwargs)

    @override
    def prepare_value(self, value: Any) -> Any:
        """Tick what the clause asks for."""
        return [str(each) for each in value or ()]

    @override
    def clean(self, value: Any) -> Any:
        """Return the values; what the clause asked for before stays in its order."""
        chosen = set(super().clean(value))
        kept = [each for each in self.kept if str(each) in chosen]
        return kept + [each for each in self.known if str(each) in chosen and each not in kept]


def field_for(limit: Limit) -> forms.Field:
    """Return the field that a limit is entered in."""
    usual = limit.default if limit.default not in ("", [], None) else "nothing"
    if isinstance(usual, list):
        usual = ", ".join(map(str, usual))
    if isinstance(usual, dict):
        usual = table_text(usual).replace("\n", "; ")
    shared: dict[str, Any] = {
        "label": limit.name,
        "help_text": "" if limit.kind in ("yes-no", "one") else f"usually {usual}",
    }
    match limit.kind:
        case "yes-no":
            return forms.BooleanField(required=False, **shared)
        case "whole":
            return forms.IntegerField(**shared)
        case "number":
            return forms.FloatField(**shared)
        case "one":
            known = dict.fromkeys([*limit.choices, limit.default, limit.value])
            shown = [(each, each or "nothing") for each in known]
            return forms.ChoiceField(choices=shown, required="" not in known, **shared)
        case "several":
            return ChosenField(limit, **shared)
        case "text":
            return forms.CharField(required=False, strip=False, max_length=MOST_TEXT, **shared)
        case "texts" | "wholes":
            return LinesField(whole=limit.kind == "wholes", **shared)
    return TableField(**shared)


@dataclass(frozen=True)
class CheckPart:
    """A check of a clause with the fields of its limits."""

    id: str
    title: str
    fields: Sequence[BoundField]


@dataclass(frozen=True)
class ClausePart:
    """A clause on the form."""

    clause: engine.Clause
    strength: BoundField
    weight: BoundField
    off: BoundField
    checks: Sequence[CheckPart]

    @property
    def is_off(self) -> bool:
        """Whether it is left out."""
        return bool(self.off.value())

    @property
    def limits(self) -> int:
        """How many limits it has."""
        return sum(len(check.fields) for check in self.checks)

    @property
    def faulty(self) -> bool:
        """Whether a limit was refused."""
        return any(each.errors for check in self.checks for each in check.fields)


class ClausesForm(forms.Form):
    """One page of the clauses of a text. Fields are named by the position of their clause.

    ``only`` is the id of the one clause to show, "" for the page. With it nothing is asked, or
    changed, that belongs to the standard as a whole.
    """

    use_required_attribute = False

    slug = forms.SlugField(
        max_length=60,
        help_text="Its name in addresses. Where your team has a standard of this name, the text "
        "becomes a new version of it.",
    )
    title = forms.CharField(max_length=200)
    summary = forms.CharField(
        required=False, max_length=2_000, widget=forms.Textarea(attrs={"rows": 2})
    )
    weight_must = WeightField(label="What a must weighs", usual=WEIGHTS["must"])
    weight_should = WeightField(label="What a should weighs", usual=WEIGHTS["should"])

    suppressions = forms.ChoiceField(
        label="Comments in the code that suppress a finding",
        choices=[(name, ACCEPTED[name]) for name in SUPPRESSIONS],
        required=False,
        help_text="What a refused comment suppresses counts as if it were not there.",
    )
    approver = forms.ChoiceField(
        label="Who grants a waiver",
        choices=[(name, GRANTS[name]) for name in APPROVERS],
        required=False,
    )
    max_days = forms.IntegerField(
        label="Longest waiver, in days",
        min_value=1,
        max_value=MOST_DAYS,
        required=False,
        help_text="With a number, every waiver of its clauses needs an end.",
        widget=forms.NumberInput(attrs={"placeholder": MAX_DAYS, "class": "few"}),
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        standard: engine.Standard,
        number: int,
        only: str = "",
    ) -> None:
        pages = max(1, -(-len(standard.written) // PAGE_SIZE))
        self.number = min(max(number, 1), pages)
        self.pages = range(1, pages + 1)
        self.standard = standard
        first = (self.number - 1) * PAGE_SIZE
        rows = list(enumerate(standard.written))
        chosen = [row for row in rows if row[1].id == only]
        self.shown = chosen or rows[first : first + PAGE_SIZE]
        head = {"slug": standard.slug, "title": standard.title, "summary": standard.summary}
        self.usual = msgspec.structs.asdict(standard.weights)
        weights = {f"weight_{strength}": weight for strength, weight in self.usual.items()}
        self.rules = msgspec.structs.asdict(standard.waivers)
        own = head | weights | self.rules
        super().__init__(data, initial=own, auto_id="edit-%s")
        self.whole = not only
        for name in own if only else ():
            del self.fields[name]
        self.places: dict[str, Place] = {}
        for position, clause in self.shown:
            self._enter(position, clause)

    def _enter(self, position: int, clause: engine.Clause) -> None:
        self.fields[f"{position}-strength"] = forms.ChoiceField(
            label=f"Strength of {clause.id}",
            choices=Strength.choices,
            initial=clause.strength,
            widget=forms.Select(attrs={"class": "chooser"}),
        )
        usual = self.standard.weights.of(clause.strength)
        self.fields[f"{position}-weight"] = WeightField(
            label=f"Weight of {clause.id}",
            usual=weight_of(clause.strength, usual),
            initial=None if clause.weight == usual else clause.weight,
        )
        self.fields[f"{position}-off"] = forms.BooleanField(
            label="off", required=False, initial=clause.off
        )
        for number in range(len(clause.checks)):
            for limit in editing.limits(clause, number):
                name = f"{position}-{number}-{limit.name}"
                self.fields[name] = field_for(limit)
                self.fields[name].initial = limit.value
                self.places[name] = (position, number, limit.name)

    def parts(self) -> Iterator[tuple[str, list[ClausePart]]]:
        """Yield the clauses of the page by their sections."""
        section: str | None = None
        rows: list[ClausePart] = []
        for position, clause in self.shown:
            if clause.section != section and rows:
                yield section or "", rows
                rows = []
            section = clause.section
            rows.append(self._part(position, clause))
        if rows:
            yield section or "", rows

    def _part(self, position: int, clause: engine.Clause) -> ClausePart:
        checks = []
        for number, check in enumerate(clause.checks):
            fields = [
                self[f"{position}-{number}-{limit.name}"]
                for limit in editing.limits(clause, number)
            ]
            checks.append(CheckPart(check.id, specs()[check.id].title, fields))
        strength, weight, off = (self[f"{position}-{name}"] for name in OWN)
        return ClausePart(clause, strength, weight, off, checks)

    def contents(self) -> list[tuple[int, str]]:
        """Return each page with the sections on it."""
        found = []
        for number in self.pages:
            first = (number - 1) * PAGE_SIZE
            names = [clause.section for clause in self.standard.written[first : first + PAGE_SIZE]]
            found.append((number, ", ".join(dict.fromkeys(filter(None, names)))))
        return found

    @property
    def accepted(self) -> str:
        """Which comments the text accepts."""
        return ACCEPTED[self.standard.waivers.suppressions]

    @property
    def off(self) -> int:
        """How many clauses are off."""
        return sum(clause.off for clause in self.standard.written)

    def _weight(self, position: int) -> int | None:
        """The weight of its own that a clause is to have; a may is never scored."""
        if self.cleaned_data[f"{position}-strength"] == Strength.MAY:
            return None
        weight: int | None = self.cleaned_data[f"{position}-weight"]
        return weight

    def _rules(self) -> dict[str, int | str | None]:
        """The rules of exceptions that are not as they were; None for what holds anyway."""
        usual = msgspec.structs.asdict(WaiverRules())
        # What was not on the page is none of its changes.
        sent = {
            name: self.cleaned_data[name] or usual[name] for name in self.rules if name in self.data
        }
        return {
            name: None if value == usual[name] else value
            for name, value in sent.items()
            if value != self.rules[name]
        }

    def changes(self) -> Changes:
        """Return what was entered and is not as it was."""
        cleaned = self.cleaned_data
        clauses = self.standard.written
        return Changes(
            head={
                name: value
                for name in ("slug", "title", "summary")
                if self.whole
                and (value := cleaned[name].replace("\r\n", "\n")) != getattr(self.standard, name)
            },
            strengths={
                position: cleaned[f"{position}-strength"]
                for position, clause in self.shown
                if cleaned[f"{position}-strength"] != clause.strength
            },
            off={
                position: cleaned[f"{position}-off"]
                for position, clause in self.shown
                if cleaned[f"{position}-off"] != clause.off
            },
            weights={
                position: weight
                for position, _ in self.shown
                if (weight := self._weight(position)) != self[f"{position}-weight"].initial
            },
            usual={
                strength: cleaned[f"weight_{strength}"]
                for strength, weight in self.usual.items()
                if self.whole and cleaned[f"weight_{strength}"] != weight
            },
            waivers=self._rules() if self.whole else {},
            limits={
                place: cleaned[name]
                for name, place in self.places.items()
                if cleaned[name] != clauses[place[0]].checks[place[1]].params[place[2]]
            },
        )
