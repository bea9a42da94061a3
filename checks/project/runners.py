"""Task runners: which recipe a name stands for in a Makefile, a Taskfile, tox, poe and others."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from checks.facts.doctree import DocumentFact, Target, Unreadable
from checks.facts.inifile import read_ini
from checks.project.declared import table_of, texts_of
from checks.project.wrappers import Words

_REFERENCE = re.compile(r"\$[({](?P<name>[\w.-]+)[)}]")
_JUST_REFERENCE = re.compile(r"\{\{\s*(?P<name>[\w-]+)\s*\}\}")
_TOX_REFERENCE = re.compile(r"\{\[(?P<section>[^\]]+)\](?P<option>\w+)\}")
_FACTOR = re.compile(r"^[\w{},!.-]+:\s+")
_SUBSTITUTIONS = 6
_MAX_TARGETS = 100
_MAKE_VALUES = frozenset(
    {"-C", "--directory", "-f", "--file", "--makefile", "-j", "-o", "-W", "-I"}
)


class Recipe(msgspec.Struct, frozen=True):
    """Shell text that a name stands for, and the folder it is run in."""

    text: str
    folder: str
    forgiven: bool = False


def option(words: Sequence[str], *names: str) -> str:
    """The value of an option, given as the next word or behind ``=``; "" without one."""
    for index, word in enumerate(words):
        if word in names and index + 1 < len(words):
            return words[index + 1]
        name, equals, value = word.partition("=")
        if equals and name in names:
            return value
    return ""


def listed(words: Sequence[str], *names: str) -> list[str]:
    """All names that an option gives, whether in several words or joined by commas."""
    found: list[str] = []
    reading = False
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if name in names:
            reading = True
            found.extend(value.split(",") if equals else [])
        elif word.startswith("-"):
            reading = False
        elif reading:
            found.extend(part.strip() for part in word.split(","))
    return [name for name in found if name]


def quoted(word: str) -> str:
    """A word as shell text."""
    return shlex.quote(word)


def add_scripts(found: dict[str, list[str]], table: dict[str, Any]) -> None:
    """Enter scripts of a table by name: a text, a list of texts, or a table with ``cmd``."""
    for name, given in table.items():
        for text in script_texts(given):
            found.setdefault(str(name), []).append(text)


def script_texts(given: object) -> Iterator[str]:
    """Shell text of one script: a text, a list of texts, or a table that holds them."""
    if isinstance(given, dict):
        for key in ("cmd", "shell", "composite", "chain"):
            value = given.get(key)
            if key == "cmd" and isinstance(value, list):
                yield " ".join(quoted(part) for part in texts_of(value))
            else:
                yield from texts_of(value)
    else:
        yield from texts_of(given)


# make and just ------------------------------------------------------------------------------------


def make(words: Words, document: DocumentFact, folder: str) -> Iterator[Recipe]:
    """Recipes of the targets that a call of make names, with what they need."""
    wanted: list[str] = []
    skip = False
    for word in words[1:]:
        if not skip and not word.startswith("-") and "=" not in word:
            wanted.append(word)
        skip = word in _MAKE_VALUES
    variables = {**document.variables, "MAKE": "make"}
    first = (each.name for each in document.targets if not each.name.startswith("."))
    goal = variables.get(".DEFAULT_GOAL") or next(first, "")
    yield from _recipes(wanted or [goal], document.targets, variables, folder, _REFERENCE)


def just(words: Words, document: DocumentFact, folder: str) -> Iterator[Recipe]:
    """Recipes that a call of just names, with what they need."""
    wanted = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    first = document.targets[0].name if document.targets else ""
    names = {each.name for each in document.targets}
    chosen = [name for name in wanted if name in names] or ([] if wanted else [first])
    yield from _recipes(chosen, document.targets, document.variables, folder, _JUST_REFERENCE)


def _recipes(
    wanted: Sequence[str],
    targets: Sequence[Target],
    variables: dict[str, str],
    folder: str,
    reference: re.Pattern[str],
) -> Iterator[Recipe]:
    by_name: dict[str, list[Target]] = {}
    for target in targets:
        by_name.setdefault(target.name, []).append(target)
    queue, seen = list(wanted), set(wanted)
    while queue and len(seen) < _MAX_TARGETS:
        for target in by_name.get(queue.pop(0), ()):
            for need in target.needs:
                if need not in seen:
                    seen.add(need)
                    queue.append(need)
            for each in target.commands:
                yield Recipe(_filled(each.text, variables, reference), folder, each.ignored)


def _filled(text: str, variables: dict[str, str], reference: re.Pattern[str]) -> str:
    for _ in range(_SUBSTITUTIONS):
        filled = reference.sub(lambda match: variables.get(match["name"], match[0]), text)
        if filled == text or len(filled) > 50_000:
            break
        text = filled
    return text.replace("$$", "$")


# task, poe ----------------------------------------------------------------------------------------


def task(words: Words, data: object, folder: str) -> Iterator[Recipe]:
    """Commands of the tasks of a Taskfile that a call names, with what they depend on."""
    tasks = table_of(data, "tasks")
    wanted = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    queue = wanted or ["default"]
    seen = set(queue)
    while queue and len(seen) < _MAX_TARGETS:
        given = tasks.get(queue.pop(0))
        table = given if isinstance(given, dict) else {"cmds": given}
        place = str(table.get("dir") or "")
        base = "/".join(part for part in (folder, place) if part and "{{" not in part)
        items = [*_listed(table.get("deps"), "task"), *_listed(table.get("cmds"), ""),
                 *_listed(table.get("cmd"), "")]  # fmt: skip
        for kind, text, forgiven in items:
            if kind == "task" and text not in seen:
                seen.add(text)
                queue.append(text)
            elif not kind:
                yield Recipe(text, base, forgiven)


def _listed(value: object, kind: str) -> Iterator[tuple[str, str, bool]]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield kind, item, False
        elif isinstance(item, dict) and isinstance(item.get("task"), str):
            yield "task", item["task"], False
        elif isinstance(item, dict) and isinstance(item.get("cmd"), str):
            yield "", item["cmd"], item.get("ignore_error") in {True, "true"}


def poe(given: object) -> Iterator[str]:
    """Shell text of one task of poethepoet; references become calls of poe."""
    if isinstance(given, str):
        yield given
    elif isinstance(given, dict) and "sequence" in given:
        yield from poe(given["sequence"])
    elif isinstance(given, dict):
        for key in ("cmd", "shell"):
            if isinstance(given.get(key), str):
                yield given[key]
        if isinstance(given.get("ref"), str):
            yield f"poe {given['ref']}"
        for needed in texts_of(given.get("deps")):
            yield f"poe {needed}"
    elif isinstance(given, list):
        for item in given[:_MAX_TARGETS]:
            if isinstance(item, str):
                yield f"poe {item}"
            elif isinstance(item, dict) and "sequence" not in item:
                yield from poe(item)


# tox ----------------------------------------------------------------------------------------------


def tox(words: Words, data: object, folder: str) -> Iterator[Recipe]:
    """Commands of the environments of tox that a call names, of all where it names none."""
    wanted = listed(words, "-e", "--env", "-m")
    legacy = table_of(data, "tool", "tox").get("legacy_tox_ini")
    if isinstance(legacy, str):
        try:
            data = next(iter(read_ini(legacy).documents), {})
        except Unreadable:
            return
    native = table_of(data, "tool", "tox") or table_of(data)
    if "env_run_base" in native or "env" in native:
        yield from _tox_native(wanted, native, folder)
    else:
        yield from _tox_ini(wanted, table_of(data), folder)


def _tox_ini(wanted: Sequence[str], data: dict[str, Any], folder: str) -> Iterator[Recipe]:
    sections = {name: table_of(data, name) for name in data if name.startswith("testenv")}
    chosen = {f"testenv:{name}" for name in wanted} & set(sections)
    if len(chosen) < len(set(wanted)):
        chosen.add("testenv")
    for name in sorted(chosen if wanted else sections):
        for option_name in ("commands_pre", "commands", "commands_post"):
            text = sections.get(name, {}).get(option_name)
            for line in _tox_lines(text, data):
                yield Recipe(line.lstrip("-@ "), folder, line.startswith("-"))


def _tox_lines(text: object, data: dict[str, Any]) -> Iterator[str]:
    if not isinstance(text, str):
        return
    for _ in range(_SUBSTITUTIONS):
        filled = _TOX_REFERENCE.sub(
            lambda match: str(table_of(data, match["section"]).get(match["option"], "")), text
        )
        if filled == text or len(filled) > 50_000:
            break
        text = filled
    for line in text.replace("\\\n", " ").split("\n"):
        if plain := _FACTOR.sub("", line.strip()):
            yield plain


def _tox_native(wanted: Sequence[str], data: dict[str, Any], folder: str) -> Iterator[Recipe]:
    envs = table_of(data, "env")
    names = [name for name in wanted if name in envs] if wanted else list(envs)
    tables = [table_of(envs, name) for name in names]
    if not wanted or len(names) < len(wanted):
        tables.append(table_of(data, "env_run_base"))
    for table in tables:
        commands = table.get("commands")
        for command in commands if isinstance(commands, list) else []:
            if parts := texts_of(command):
                yield Recipe(" ".join(map(quoted, parts)), folder)
