"""Dockerfiles, Makefiles and justfiles: what is run, on which line, continuations joined."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.facts.doctree import Command, Instruction, Target

_ESCAPE = re.compile(r"#\s*escape\s*=\s*`\s*", re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?\s*(['\"]?)([A-Za-z_]\w*)\1")
_RULE = re.compile(r"(?P<names>[^\s:#=][^:#=]*?)\s*::?(?![:=])(?P<rest>.*)")
_VARIABLE = re.compile(
    r"(?:export\s+|override\s+)*(?P<name>[\w.-]+)\s*(?:::|:|\?|\+|!)?=(?P<value>.*)"
)
_JUST_VARIABLE = re.compile(r"(?:export\s+)?(?P<name>[\w-]+)\s*:=(?P<value>.*)")
_JUST_RECIPE = re.compile(r"@?(?P<name>[A-Za-z_][\w-]*)(?P<arguments>[^:]*):(?!=)(?P<needs>.*)")
_PREFIX = re.compile(r"[-@+\s]*")
_WORD = re.compile(r"[A-Za-z_][\w-]*")


def read_dockerfile(lines: Sequence[str]) -> tuple[Instruction, ...]:
    """Instructions of a Dockerfile, comments and blank lines left out."""
    escape = "`" if any(_ESCAPE.fullmatch(line) for line in lines[:2]) else "\\"
    found: list[Instruction] = []
    number = 0
    while number < len(lines):
        start = number
        text, number = _joined(lines, number, escape, comments=True)
        name, _, value = text.strip().partition(" ")
        if not name or name.startswith("#"):
            continue
        value, number = _with_heredocs(lines, number, value.strip())
        found.append(Instruction(name.upper(), value, start + 1, number))
    return tuple(found)


def _joined(lines: Sequence[str], number: int, escape: str, *, comments: bool) -> tuple[str, int]:
    """One logical line and the position behind it; ``comments`` inside it are dropped."""
    parts: list[str] = []
    first = number
    while number < len(lines):
        line = lines[number].rstrip()
        number += 1
        if comments and number - 1 > first and (not line or line.lstrip().startswith("#")):
            continue
        if not line.endswith(escape) or (comments and line.lstrip().startswith("#")):
            parts.append(line if not parts else line.strip())
            break
        parts.append(line[:-1].rstrip() if not parts else line[:-1].strip())
    return " ".join(parts), number


def _with_heredocs(lines: Sequence[str], number: int, value: str) -> tuple[str, int]:
    parts = [value]
    for match in _HEREDOC.finditer(value):
        while number < len(lines):
            line = lines[number]
            number += 1
            if line.strip() == match[2]:
                break
            parts.append(line)
    return "\n".join(parts), number


def read_makefile(lines: Sequence[str]) -> tuple[tuple[Target, ...], dict[str, str]]:
    """Targets with their commands, and variables as written; conditionals are read through."""
    targets: list[Target] = []
    variables: dict[str, str] = {}
    current: list[tuple[str, int, tuple[str, ...]]] = []
    commands: list[Command] = []

    def finish() -> None:
        targets.extend(Target(name, line, needs, tuple(commands)) for name, line, needs in current)
        current.clear()
        commands.clear()

    number = 0
    while number < len(lines):
        start = number
        text, number = _joined(lines, number, "\\", comments=False)
        if text.startswith("\t"):
            if current:
                commands.extend(_commands(text, start + 1))
        elif (match := _RULE.match(text)) and not _VARIABLE.match(text):
            finish()
            needs, _, inline = match["rest"].partition(";")
            words = tuple(word for word in needs.split("#")[0].split() if word != "|")
            current = [(name, start + 1, words) for name in match["names"].split()]
            commands.extend(_commands(inline, start + 1))
        elif match := _VARIABLE.match(text):
            variables.setdefault(match["name"], match["value"].strip())
    finish()
    return tuple(targets), variables


def read_justfile(lines: Sequence[str]) -> tuple[tuple[Target, ...], dict[str, str]]:
    """Recipes with their commands, and variables as written."""
    targets: list[Target] = []
    variables: dict[str, str] = {}
    number = 0
    while number < len(lines):
        start = number
        text, number = _joined(lines, number, "\\", comments=False)
        if match := _JUST_VARIABLE.match(text):
            variables.setdefault(match["name"], match["value"].strip().strip("\"'"))
        elif match := _JUST_RECIPE.match(text):
            body, number = _body(lines, number)
            needs = tuple(_WORD.findall(re.sub(r"\([^)]*\)", _first_word, match["needs"])))
            targets.append(Target(match["name"], start + 1, needs, tuple(body)))
    return tuple(targets), variables


def _first_word(call: re.Match[str]) -> str:
    """``(build "x")`` needs ``build``; what follows are arguments."""
    word = _WORD.search(call[0])
    return word[0] if word else ""


def _body(lines: Sequence[str], number: int) -> tuple[list[Command], int]:
    commands: list[Command] = []
    while number < len(lines) and (not lines[number].strip() or lines[number][0] in " \t"):
        start = number
        text, number = _joined(lines, number, "\\", comments=False)
        commands.extend(_commands(text, start + 1))
    return commands, number


def _commands(text: str, line: int) -> Iterator[Command]:
    prefix = _PREFIX.match(text)
    marks = prefix[0] if prefix else ""
    command = text[len(marks) :].strip()
    if command and not command.startswith("#"):
        yield Command(command, line, "-" in marks)
