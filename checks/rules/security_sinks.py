"""Check of calls that turn text into commands, code or markup."""

from __future__ import annotations

from collections.abc import Sequence

from checks.check import Answer, At, Skip, check
from checks.facts import tree
from checks.facts.lint import Diagnostic
from checks.project.subjects import Call, File
from checks.rules.style import reported

_CODES = {
    "shell": ("S602", "S604", "S605", "S609"),
    "eval": ("S102", "S307"),
    "html": ("S701", "S702", "S704"),
}
_MESSAGES = {
    "shell": "A command goes through a shell",
    "eval": "Text is run as code",
    "html": "Text becomes markup without being escaped",
}
_PLAIN_SUFFIXES = (".txt", ".sql", ".txt.j2", ".txt.jinja", ".txt.jinja2", ".sql.j2", ".sql.jinja")
_LOADERS = frozenset({"FileSystemLoader", "PackageLoader"})


@check("no-injection-sinks")
def no_injection_sinks(file: File, *, kinds: Sequence[str] = ("shell", "eval", "html")) -> Answer:
    """No text reaches a shell, ``eval`` or markup that is not escaped.

    Whoever gives a part of the text gives the command, the code or the script on the page.

    Instead: pass lists of arguments, parse instead of evaluating, keep autoescaping on.

    Known problems: a constant command counts too. Templates count as plain text where all that
    the file names, or its folder of templates holds, end in ``.txt`` or ``.sql``.
    """
    if not file.linted:
        return Skip("ruff could not read the file")
    found: dict[int, At] = {}
    for kind in kinds:
        for each in file.lint(*_CODES.get(kind, ())):
            if each.code != "S701" or not _is_plain(file, each):
                found.setdefault(each.line, reported(each, _MESSAGES[kind], anchor=each.code))
    return [found[line] for line in sorted(found)] or None


def _is_plain(file: File, each: Diagnostic) -> bool:
    """Whether an environment of Jinja renders plain text only."""
    named = [
        text
        for call in file.calls_named("get_template", "select_template")
        for arg in call.fact.args
        if (text := tree.text_of(arg)) is not None
    ]
    if named:
        return all(name.endswith(_PLAIN_SUFFIXES) for name in named)
    folders = {
        text.strip("./")
        for call in file.calls_named(*_LOADERS)
        if each.line <= call.line <= each.line + 3
        for arg in (*call.fact.args, *_joined(call))
        if (text := tree.text_of(arg))
    }
    held = [
        path
        for path in file.project.entries
        if any(f"/{folder}/" in f"/{path}" for folder in folders)
    ]
    return bool(held) and all(path.endswith(_PLAIN_SUFFIXES) for path in held)


def _joined(call: Call) -> list[tree.Expr]:
    """The last parts of paths that are joined by ``/``."""
    return [
        arg.items[-1]
        for arg in call.fact.args
        if isinstance(arg, tree.Bin) and arg.op == "Div" and arg.items
    ]
