"""Parsing Python text: whatever it says ends as a tree or as a sentence."""

from __future__ import annotations

import ast
import re
import warnings

_OLD_EXCEPT = re.compile(r"^(\s*except\*?\s+)([^()#]+?,[^()#]+?)(\s*:.*)$", re.DOTALL)
_MAX_REPAIRS = 20


def parse(text: str, lines: list[str]) -> tuple[ast.Module | None, str, str, int]:
    """Parse; a bare ``except A, B:`` (Python 3.14) is put into parentheses and parsed again.

    Args:
        text: The text.
        lines: Its lines; repaired ones are replaced in place.

    Returns:
        The tree, a remark, and without a tree the reason with its line.
    """
    note = ""
    for _ in range(_MAX_REPAIRS):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(text), note, "", 0
        except SyntaxError as fault:
            number = fault.lineno or 1
            if "parenthesized" not in str(fault.msg) or not _parenthesise(lines, number):
                return None, "", f"does not parse: line {number}: {fault.msg}"[:300], number
            text, note = "\n".join(lines), "read with the except syntax of Python 3.14"
        except ValueError as fault:
            return None, "", f"does not parse: {fault}"[:300], 1
        except RecursionError:
            return None, "", "does not parse: nested too deeply", 1
        except MemoryError:
            return None, "", "does not parse: nested too deeply for the parser's memory", 1
    return None, "", "does not parse: too many constructs of a newer Python", 1


def _parenthesise(lines: list[str], number: int) -> bool:
    """Repair the line of a fault, and all of its kind below; False when it is of another kind."""
    if not 0 < number <= len(lines) or not _OLD_EXCEPT.match(lines[number - 1]):
        return False
    for index in range(number - 1, len(lines)):
        if match := _OLD_EXCEPT.match(lines[index]):
            lines[index] = f"{match[1]}({match[2]}){match[3]}"
    return True
