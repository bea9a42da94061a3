"""Checks of secrets: none is written into what is tracked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.leaks import is_read, masked
from checks.facts.lint import Diagnostic
from checks.facts.tree import Expr
from checks.project.leaking import gives_password, in_tree, is_formatted, is_placeholder
from checks.project.project import Project
from checks.project.secretnames import holds_secret, snake
from checks.project.subjects import File
from checks.rules.applies import has_python
from checks.rules.style import reported

_CODES = ("S105", "S106", "S107")
_NAMED = re.compile(r'"([^"]*)"')
_NO_VALUE = re.compile(r"[/#.]|https?://|\{|%[sd(]|\$")
_PARTS = frozenset(
    """id key name header access refresh bearer reset auth csrf x the of for api user client type
    token secret password cookie session jwt verification verify email oauth2 oauth code field
    grant invalid missing expired wrong credentials service basic forgot change confirm
    new old set""".split()
)
_STAND_INS = frozenset("dummy fake mock placeholder example sample stub".split())
_PLACEHOLDERS = (
    "", "change-me", "changeme", "secret", "password", "pass", "test", "example", "dummy",
    "placeholder", "postgres", "root", "admin", "guest", "user", "minio*", "localhost", "xxx*",
    "***", "<*>", "${*}", "your-*", "todo",
)  # fmt: skip


@check("no-hardcoded-secrets", applies=has_python, asks_source=True)
def no_hardcoded_secrets(
    project: Project, *, placeholders: Sequence[str] = _PLACEHOLDERS, check_urls: bool = True
) -> Answer:
    """No secret is written into the code or into another tracked file.

    Who reads the repository, or a copy of it, has the secret, and it cannot be changed per place.

    Instead: read the value from the settings or a vault, and rotate it.

    Known problems: a secret is told by the name it is bound to, or by its format. A value that
    consists of the words of its name (``CSRF_TOKEN = "csrf_token"``) is taken for a name. Files
    over one megabyte, images and lock files are not looked through.
    """
    count, found = 0, dict[tuple[str, int], At]()
    for file in project.production:
        fallbacks = list(_fallbacks(file))
        literals = [*_bound(file), *fallbacks]
        count += len(literals)
        for position, (at, value) in enumerate(literals, len(fallbacks) - len(literals)):
            fallback = position >= 0
            if value is None or not _is_harmless(at.anchor, value, placeholders, fallback=fallback):
                found.setdefault((file.path, at.line), at)
    for path, leak in in_tree(project):
        program = path.endswith((".py", ".pyi"))
        url = check_urls and gives_password(leak, path, placeholders, program=program)
        if url or is_formatted(leak, path):
            what = "URL with a password" if url else leak.kind
            shown = masked(leak.value)
            at = At(leak.line, f"A {what} is tracked: {shown}", path=path, anchor=f"{what} {shown}")
            found.setdefault((path, leak.line), at)
    count += sum(map(is_read, project.entries))
    return Sites(max(count, len(found)), list(found.values())) if count else Skip("no literal")


def _is_harmless(
    name: str, value: str, placeholders: Sequence[str], *, fallback: bool = False
) -> bool:
    """Whether a value is a placeholder, a name, a label, a path or a pattern.

    What a secret falls back to is used as one, whatever it looks like: it is no label.
    """
    if is_placeholder(value, placeholders) or len(value) < 3 or _NO_VALUE.match(value):
        return True
    if not _STAND_INS.isdisjoint(snake(name).split("_")):
        return True
    if not fallback and any(char.isspace() for char in value.strip()):
        return True  # a label, or a message
    if any(char.isalpha() and not char.isascii() for char in value):
        return True  # a message in a language without spaces between words
    parts = set(snake(value).split("_"))
    return parts <= _PARTS | set(snake(name).split("_"))


# Literals of secret-like names --------------------------------------------------------------------


def _bound(file: File) -> Iterator[tuple[At, str | None]]:
    """What ruff takes for a secret, with its value where that is found."""
    for each in file.lint(*_CODES):
        named = _NAMED.search(each.message)
        name = "" if named is None else named[1]
        if not holds_secret(name) or _is_setting_or_member(file, each.line):
            continue
        if _is_refused(file, each.line):
            continue
        value = _value_at(file, each, name)
        message = f"`{name}` is a literal in the code"
        at = reported(each, message, anchor=name)
        yield msgspec.structs.replace(at, path=file.path), value


def _is_setting_or_member(file: File, line: int) -> bool:
    """Whether a line is of a settings class, which another check judges, or of an enum."""
    classes = file.project.classes
    around = [cls for cls in file.classes if cls.line <= line <= cls.end_line]
    return any(
        classes.role(cls) in {"settings", "enum"} or cls.key in classes.settings_parts
        for cls in around
    ) and not any(f.line <= line <= f.end_line for f in file.functions)


def _is_refused(file: File, line: int) -> bool:
    """Whether code at a line refuses a known value: ``assert key != "dev"``, or it raises."""
    for statement in file.facts.statements:
        if statement.kind == "assert" and statement.line <= line <= statement.end_line:
            kinds = {n.kind for n in tree.walk(statement.value) if isinstance(n, tree.Op)}
            if kinds & {"Compare:NotEq", "Compare:NotIn"}:
                return True
    return any(
        block.kind == "if" and block.line == line and block.last == "Raise"
        and any(isinstance(n, tree.Op) and n.kind in {"Compare:Eq", "Compare:In"}
                for expr in block.exprs for n in tree.walk(expr))
        for block in file.facts.blocks
    )  # fmt: skip


def _value_at(file: File, each: Diagnostic, name: str) -> str | None:
    """The literal that a report is about."""
    candidates: list[Expr | None] = [
        assign.value for assign in file.facts.assigns if assign.line <= each.line <= assign.end_line
    ]
    for call in file.facts.calls:
        if call.line <= each.line <= call.end_line:
            candidates += [item.value for item in call.keywords if item.name == name]
    for function in file.facts.functions:
        if function.line <= each.line <= function.header_end:
            candidates += [param.default for param in function.params if param.name == name]
    for expr in candidates:
        text = tree.text_of(expr)
        if text is not None:
            return text
    return _compared_at(file, each.line)


def _compared_at(file: File, line: int) -> str | None:
    """The text that something is compared with around a line."""
    exprs = [
        expr
        for block in file.facts.blocks
        if block.line <= line <= block.end_line
        for expr in block.exprs
    ]
    exprs += [
        statement.value
        for statement in file.facts.statements
        if statement.line <= line <= statement.end_line and statement.value is not None
    ]
    exprs += [
        assign.value
        for assign in file.facts.assigns
        if assign.line <= line <= assign.end_line and assign.value is not None
    ]
    for expr in exprs:
        for node in tree.walk(expr, file.facts):
            if isinstance(node, tree.Op) and node.kind in {"Compare:Eq", "Compare:NotEq"}:
                text = next((t for t in map(tree.text_of, node.items) if t is not None), None)
                if text is not None:
                    return text
    return None


def _fallbacks(file: File) -> Iterator[tuple[At, str | None]]:
    """Literal defaults of variables and attributes that hold a secret."""
    for call in file.calls_named("getattr"):
        args = call.fact.args
        name = tree.text_of(args[1]) if len(args) == 3 else None
        text = tree.text_of(args[2]) if len(args) == 3 else None
        if name is not None and text is not None and holds_secret(name):
            yield (
                At(call.line, f"`{name}` falls back to a literal", path=file.path, anchor=name),
                text,
            )
    for call, variable, default in file.project.environment.defaults(file):
        text = tree.text_of(default)
        if text is None:
            continue
        assign = file.tables.assign_of_call.get(call.index)
        targets = [] if assign is None else [tree.dotted(each) for each in assign.targets]
        names = [variable, *(target.rpartition(".")[2] for target in targets)]
        name = next((each for each in names if each and holds_secret(each)), "")
        if name:
            message = f"`{name}` falls back to a literal"
            line = call.line if assign is None else assign.line
            if _is_setting_or_member(file, line):
                continue
            yield At(line, message, path=file.path, anchor=name), text
