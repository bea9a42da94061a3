"""MAP of Python blobs by ruff: many blobs, one isolated process, our rules and never theirs.

Files are exported under names of our own, so nothing of a repository reaches ruff but the text
that it judges: no configuration, no ignore file, no path. Rules that judge a path (N999) are not
for this engine.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final, Literal

import msgspec

type Option = bool | int | str | tuple[str, ...]
type Shape = Literal["", "init", "main", "stub"]

BASE_WIDTH: Final = 79
"""Lines wider than this are facts; every limit a standard sets is judged from their width."""

SECTION_RULES: Final = frozenset({"D214", "D215", "D405", "D410", "D411", "D412", "D414", "D416"})
"""Rules that read the sections of docstrings, each convention in its own way."""

_CODE = re.compile(r"[A-Z]{1,6}[0-9]{3,4}")
_PATH_RULES = frozenset({"N999", "INP001"})
_NAME = re.compile(r"[^\W\d]\w{0,79}(?:\.[^\W\d]\w{0,79}){0,9}")
_TARGETS = frozenset(f"py3{minor}" for minor in range(7, 16))
_MAX_NAMES = 500

# The options of ruff's isort that change which order is right, with the type each must have.
_ISORT: Final[Mapping[str, type]] = {
    "case-sensitive": bool,
    "classes": tuple,
    "combine-as-imports": bool,
    "constants": tuple,
    "detect-same-package": bool,
    "extra-standard-library": tuple,
    "force-single-line": bool,
    "force-sort-within-sections": bool,
    "force-to-top": tuple,
    "force-wrap-aliases": bool,
    "forced-separate": tuple,
    "from-first": bool,
    "known-local-folder": tuple,
    "known-third-party": tuple,
    "length-sort": bool,
    "length-sort-straight": bool,
    "lines-after-imports": int,
    "lines-between-types": int,
    "no-lines-before": tuple,
    "no-sections": bool,
    "order-by-type": bool,
    "relative-imports-order": str,
    "single-line-exclusions": tuple,
    "split-on-trailing-comma": bool,
    "variables": tuple,
}
_RELATIVE_ORDERS = {"closest-to-furthest", "furthest-to-closest"}


FORMAT_WIDTHS: Final = (88, 100)
"""Widths in which the formatter is asked, beside the project's own."""


class LintContext(msgspec.Struct, frozen=True):
    """What the right answer depends on besides the blob. Equal contexts share their facts.

    Attributes:
        rules: Ruff codes to run, as :func:`selectable` gives them.
        target_version: Oldest Python the project supports, as ``py312``; other words mean 3.13.
        first_party: Top-level packages of the project; import order depends on them.
        line_length: Width at which the project wraps its imports.
        isort: Options of the project's import sorter, in ruff's spelling (``force-single-line``);
            unknown names and wrong types are left out.
    """

    rules: tuple[str, ...]
    target_version: str = "py313"
    first_party: tuple[str, ...] = ()
    line_length: int = 88
    isort: tuple[tuple[str, Option], ...] = ()


class Diagnostic(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One report of ruff.

    ``noqa_line`` is where a ``noqa`` comment would have to stand to cover it: the last line of a
    multi-line string, else ``line``.
    """

    code: str
    line: int
    column: int
    end_line: int
    noqa_line: int
    message: str


class LongLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line over :data:`BASE_WIDTH` columns, as E501 measures it (pragma comments left out).

    ``url_column`` is the width before the URL that ends the line, 0 when none does: such a line
    is spared where the URL begins within the limit.
    """

    line: int
    width: int
    url_column: int
    noqa_line: int

    def exceeds(self, limit: int) -> bool:
        """Whether E501 with this limit reports the line; never for limits below 79."""
        return self.width > limit and not 0 < self.url_column <= limit


class LintFact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What ruff says of one blob: in order of line, column and code, suppressed ones included.

    ``width`` is the project's own; ``reformatted`` holds (width, first line) for each width in
    which its formatter would change the blob, None where that could not be told.
    """

    diagnostics: tuple[Diagnostic, ...] = ()
    long_lines: tuple[LongLine, ...] = ()
    width: int = 88
    reformatted: tuple[tuple[int, int], ...] | None = None


DECODER: Final = msgspec.msgpack.Decoder(LintFact)


def selectable(codes: Iterable[str]) -> tuple[str, ...]:
    """The codes this engine can run, sorted: no rules on paths, nothing that is no ruff code."""
    return tuple(
        sorted({code for code in codes if _CODE.fullmatch(code) and code not in _PATH_RULES})
    )


def shape_of(basename: str) -> Shape:
    """What a file's name means to ruff; all other names are the same to its rules."""
    if basename == "__init__.py":
        return "init"
    if basename == "__main__.py":
        return "main"
    return "stub" if basename.endswith(".pyi") else ""


@lru_cache(maxsize=64)
def kind_of_fact(context: LintContext, shape: Shape) -> str:
    """The kind under which facts of this context are kept: ``lint:<digest>``."""
    return f"lint:{hashlib.sha256(msgspec.msgpack.encode((context, shape))).hexdigest()[:16]}"


def arguments(context: LintContext, convention: str = "google") -> list[str]:
    """Command-line arguments of ruff, without its path and without files."""
    names = [name for name in context.first_party if _NAME.fullmatch(name)][:_MAX_NAMES]
    target = context.target_version if context.target_version in _TARGETS else "py313"
    config: dict[str, Option] = {
        "line-length": min(max(context.line_length, 1), 320),
        "lint.pycodestyle.max-line-length": BASE_WIDTH,
        "lint.flake8-annotations.mypy-init-return": True,
        "lint.flake8-annotations.allow-star-arg-any": True,
        "lint.flake8-annotations.suppress-none-returning": False,
        "lint.flake8-annotations.suppress-dummy-args": True,
        "lint.flake8-tidy-imports.ban-relative-imports": "all",
        "lint.pydocstyle.convention": convention,
        "lint.isort.known-first-party": tuple(names),
    }
    config.update((f"lint.isort.{name}", value) for name, value in _isort(context.isort))
    words = ["check", "--isolated", "--no-cache", "--no-respect-gitignore", "--ignore-noqa"]
    words += ["--output-format", "json-lines", "--exit-zero", "-q"]
    words += ["--target-version", target, "--select", ",".join(selectable(context.rules))]
    for name, value in config.items():
        words += ["--config", f"{name}={_toml(value)}"]
    return words


def format_arguments(context: LintContext, width: int) -> list[str]:
    """Command-line arguments of ruff's formatter, without its path and without files."""
    target = context.target_version if context.target_version in _TARGETS else "py313"
    words = ["format", "--diff", "--isolated", "--no-cache", "--no-respect-gitignore", "-q"]
    return [*words, "--target-version", target, "--line-length", str(width)]


def format_widths(context: LintContext) -> tuple[int, ...]:
    """The widths in which a file of this context is formatted."""
    return tuple(sorted({*FORMAT_WIDTHS, min(max(context.line_length, 1), 320)}))


def _isort(options: Iterable[tuple[str, Option]]) -> Iterator[tuple[str, Option]]:
    for name, value in options:
        expected = _ISORT.get(name)
        if expected is None or type(value) is not expected:
            continue
        if isinstance(value, str) and value not in _RELATIVE_ORDERS:
            continue
        if isinstance(value, tuple):
            value = tuple(item for item in value if len(item) <= 200)[:_MAX_NAMES]
        yield name, value


def _toml(value: Option) -> str:
    """A TOML literal; strings as JSON writes them, which TOML reads alike."""
    return msgspec.json.encode(value).decode()
