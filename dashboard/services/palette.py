"""The tokens of the style sheet as it is served, and the contrast of the pairs that pages use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.contrib.staticfiles import finders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHEET = "site.css"
TEXT, SHAPE = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11
_COLOUR = re.compile(r"(--se-[\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")
_SIZE = re.compile(r"(--se-(?:text|space)-[\w-]+): ([\d.]+)rem")
_GROUNDS = ("page", "raised", "sunken")
# What is drawn on what, and what contrast it needs.
_PAIRS: Sequence[tuple[str, str, float]] = (
    *((ink, ground, TEXT) for ink in ("ink", "ink-soft", "accent") for ground in _GROUNDS),
    *((tone, f"{tone}-soft", TEXT) for tone in ("good", "bad", "warn", "quiet")),
    *((tone, "raised", TEXT) for tone in ("good", "bad", "warn")),
    ("on-accent", "accent", TEXT),
    *(("on-grade", letter, TEXT) for letter in "abcde"),
    *((letter, "raised", SHAPE) for letter in "abcde"),
)


@dataclass(frozen=True)
class Colour:
    """A colour in both themes, as ``#rrggbb``."""

    name: str
    light: str
    dark: str


@dataclass(frozen=True)
class Size:
    """A size of type or of space, in rem."""

    name: str
    rem: float

    @property
    def pixels(self) -> float:
        """How much that is where nobody has changed the size of type."""
        return self.rem * 16


@dataclass(frozen=True)
class Contrast:
    """A colour on another, with the ratio in both themes and what it has to be."""

    ink: Colour
    ground: Colour
    light: float
    dark: float
    needed: float

    @property
    def enough(self) -> bool:
        """Whether both themes reach it."""
        return min(self.light, self.dark) >= self.needed


@dataclass(frozen=True)
class Palette:
    """All tokens, and the pairs."""

    colours: Sequence[Colour]
    types: Sequence[Size]
    spaces: Sequence[Size]
    contrasts: Sequence[Contrast]


def read_palette() -> Palette:
    """Return the tokens out of the style sheet itself."""
    path = finders.find(SHEET)
    if not path:
        raise LookupError(f"{SHEET} is not among the static files")
    text = Path(path).read_text("utf-8")
    colours = [Colour(*found) for found in _COLOUR.findall(text)]
    sizes = [Size(name, float(rem)) for name, rem in _SIZE.findall(text)]
    return Palette(
        colours=colours,
        types=[size for size in sizes if "-text-" in size.name],
        spaces=[size for size in sizes if "-space-" in size.name],
        contrasts=_contrasts({colour.name: colour for colour in colours}),
    )


def _contrasts(colours: Mapping[str, Colour]) -> list[Contrast]:
    found = []
    for over, under, needed in _PAIRS:
        ink, ground = colours[f"--se-{over}"], colours[f"--se-{under}"]
        light, dark = contrast(ink.light, ground.light), contrast(ink.dark, ground.dark)
        found.append(Contrast(ink, ground, light, dark, needed))
    return found


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours ``#rrggbb``, 1 to 21, as WCAG 2 defines it."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
