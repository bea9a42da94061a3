"""INI files (setup.cfg, tox.ini, alembic.ini, .coveragerc ...) as plain data with lines."""

from __future__ import annotations

import configparser
import re

from checks.facts.doctree import Tree, Unreadable
from checks.facts.text import split_lines

_SECTION = re.compile(r"\[(?P<name>[^\]]+)\]")
_OPTION = re.compile(r"(?P<name>[^\s#;\[=:][^=:]*?)\s*(?:[=:]|$)")


def read_ini(text: str) -> Tree:
    """Read an INI file: section, then option, then text; nothing is interpolated.

    Options before the first section are in the section "". Options keep their case; of one given
    twice the last holds.

    Raises:
        Unreadable: It does not parse.
    """
    lines = split_lines(text)
    parser = configparser.RawConfigParser(
        allow_no_value=True, strict=False, default_section="\0none", empty_lines_in_values=False
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string("\n".join(["[\0head]", *lines]))
    except configparser.MultilineContinuationError as fault:
        # A ParsingError that carries its line, and none of the list of its family.
        raise _unreadable(fault.lineno) from None
    except configparser.ParsingError as fault:
        raise _unreadable(fault.errors[0][0] if fault.errors else 1) from None
    except configparser.Error:
        raise Unreadable("does not parse: not an INI file") from None
    data = {name: dict(parser.items(name)) for name in parser.sections()}
    head = data.pop("\0head", {})
    return Tree([{"": head, **data} if head else data], _lines(lines))


def _unreadable(line: int) -> Unreadable:
    """The fault at a line as the parser counts, with the section that we put in front."""
    return Unreadable(f"does not parse: line {line - 1}: not an option or a section")


def _lines(lines: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    section = ""
    for number, line in enumerate(lines, 1):
        if match := _SECTION.match(line):
            section = match["name"]
            found.setdefault(section, number)
        elif match := _OPTION.match(line):
            found[f"{section}.{match['name']}"] = number
    return found
