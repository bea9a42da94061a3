"""Checks of comments: where code needs one, and where one only repeats the code."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.text import Comment
from checks.facts.tree import Expr
from checks.project.subjects import File, Function
from checks.project.wording import stem, words

type Rule = Literal["explain-complex", "no-restating"]

_SEPARATOR = re.compile(r"\W*|[-=#*~_+/<>]{2,}.*|.*[-=#*~_+]{3,}")
_LICENCE = re.compile(r"copyright|licen[cs]e|spdx-|all rights reserved", re.IGNORECASE)
_PRAGMA = re.compile(
    r"noqa\b|nosec\b|(?:type|pragma|fmt|yapf|isort|ruff|flake8|pylint|mypy|pyright|ty|region"
    r"|coding|vim|codespell|sourcery|language|cspell|bandit|black|nosemgrep|noinspection)\b\s*[:=]?"
    r"\s*(?:\S+$|ignore|disable|enable|skip|off|on\b|no|allow)|(?:end)?region\b|-\*-|!/|%%",
    re.IGNORECASE,
)
_TODO = re.compile(r"(?:TODO|FIXME|XXX|HACK)\b")
_CODE = re.compile(
    r"@\w[\w.]*(?:\(.*)?$"
    r"|(?:from\s+[\w.]+\s+import\s|import\s+[\w.]+(?:\s+as\s+\w+)?$)"
    r"|(?:async\s+)?(?:def|class|with|for|while|if|elif|try|except)\b.*:$|else:$|finally:$"
    r"|(?:return|raise|yield|assert|await|del)\s+.*[\w\])]\s*[(\[.=].*"
    r"|[\w.\[\]\"']+(?:\s*:\s*[\w.\[\], |]+)?\s*(?:[-+*/|&]?=)(?!=)\s*\S.*"
    r"|[\w.]+\(.*\)?[,:]?$|[\w.]+\[.*\]$|[\])}]+[,)]*$|[\"'][^\"']*[\"']\s*[:,].*|\w+=.*,$"
    r"|print\b.*|\.\w+\(.*"
)
_WHY = re.compile(
    r"\b(?:because|so that|since|otherwise|work-?around|work around|in order to|due to|unless"
    r"|to avoid|to prevent|see)\b|#\d+|https?://",
    re.IGNORECASE,
)
_LABEL = 3


class _Add(Protocol):
    """Takes the words of a statement."""

    def __call__(
        self, line: int, keyword: str, exprs: Sequence[Expr | None], *names: str
    ) -> None: ...


class Remark(msgspec.Struct, frozen=True):
    """Comments in lines of their own, one below the other: first and last line, and the text."""

    line: int
    last: int
    text: str


@check("inline-comments", each="rules")
def inline_comments(
    file: File,
    rule: Rule,
    *,
    rules: Sequence[Rule] = ("explain-complex", "no-restating"),
    min_complexity: int = 10,
    overlap: float = 0.8,
) -> Answer:
    """Comments say what the code cannot say.

    A reason is lost when nobody writes it down; a comment that repeats the code is one more line
    to keep true.

    Instead: explain the reason in a comment, or delete a comment which only repeats the code.

    Known problems: lines of comment below one another are one comment. Words are compared, not
    meanings, and only a statement in the very next line counts as the one below. One or two words
    above a constant or an attribute of a class are its label.
    """
    if rule == "explain-complex":
        return _unexplained(file, min_complexity)
    remarks = list(_remarks(file))
    if not remarks:
        return Skip("no comment")
    wanted = {each.last + 1 for each in remarks}
    named = _named_at(file, wanted)
    declared = _declared(file, wanted)
    found = []
    for each in remarks:
        said = set(words(each.text))
        below = named.get(each.last + 1)
        if not said or not below or _WHY.search(each.text) or each.text.isupper():
            continue  # a line in capitals is a heading
        if len(said) < _LABEL and each.last + 1 in declared:
            continue
        share = len(said & below) / len(said)
        if share >= overlap:
            text = "The comment only repeats the statement below"
            found.append(At(each.line, text, measured=f"{share:.2f}", limit=str(overlap),
                            anchor=" ".join(sorted(said))))  # fmt: skip
    return Sites(len(remarks), found)


def _unexplained(file: File, least: int) -> Answer:
    """Complex functions without a comment in their body."""
    complex_ones = [each for each in file.functions if each.fact.complexity >= least]
    if not complex_ones:
        return Skip("no complex function")
    lines = [each.line for each in file.facts.comments if _is_prose(each.text)]
    found = []
    for function in complex_ones:
        place = bisect_left(lines, _signature_end(function) + 1)
        if place == len(lines) or lines[place] > function.end_line:
            size = str(function.fact.complexity)
            text = f"`{function.name}` has a complexity of {size} and no comment"
            found.append(At(function.line, text, symbol=function.symbol, measured=size,
                            limit=str(least)))  # fmt: skip
    return Sites(len(complex_ones), found)


def _signature_end(function: Function) -> int:
    fact = function.fact
    if fact.returns is not None:
        return fact.header_end
    return max([fact.line, *(param.line for param in fact.params)])


def _is_prose(text: str) -> bool:
    """Whether a comment is meant for readers: no separator, pragma, note to do, or code."""
    if _SEPARATOR.fullmatch(text) or _PRAGMA.match(text) or _TODO.match(text):
        return False
    return not _LICENCE.search(text) and not _CODE.fullmatch(text)


def _remarks(file: File) -> Iterator[Remark]:
    """Comments of prose in lines of their own."""
    block: list[Comment] = []
    for each in (*(c for c in file.facts.comments if c.own), Comment(-1, "", True)):
        if block and each.line != block[-1].line + 1:
            if all(_is_prose(comment.text) or not comment.text for comment in block):
                text = " ".join(comment.text for comment in block)
                if text:
                    yield Remark(block[0].line, block[-1].line, text)
            block = []
        block.append(each)


def _declared(file: File, lines: set[int]) -> set[int]:
    """Those lines in which a constant of a module or an attribute of a class is declared."""
    rows = (row for row in file.facts.assigns if row.line in lines and row.function < 0)
    return {row.line for row in rows}


# What a statement names ---------------------------------------------------------------------------

_KEYWORDS = {"delete": "del", "async for": "for", "async with": "with", "comp": "", "lambda": "",
             "expr": "", "loopelse": "else", "tryelse": "else"}  # fmt: skip


def _named_at(file: File, lines: set[int]) -> dict[int, set[str]]:
    """The words of identifiers and keywords of the statements that begin at some lines."""
    found: dict[int, set[str]] = {}

    def add(line: int, keyword: str, exprs: Sequence[Expr | None], *names: str) -> None:
        text = " ".join([keyword, *names, *(_names(file, expr) for expr in exprs)])
        found.setdefault(line, set()).update(words(text), (stem(part) for part in keyword.split()))

    facts = file.facts
    for assign in facts.assigns:
        if assign.line in lines:
            add(assign.line, "", (*assign.targets, assign.annotation, assign.value))
    for statement in facts.statements:
        if statement.line in lines:
            add(statement.line, _KEYWORDS.get(statement.kind, statement.kind), (statement.value,),
                *statement.names)  # fmt: skip
    for block in facts.blocks:
        if block.line in lines:
            exprs = (*block.exprs, *block.targets)
            add(block.line, _KEYWORDS.get(block.kind, block.kind), exprs, block.name)
    for each in facts.raises:
        if each.line in lines:
            add(each.line, "raise", (each.exc, each.cause))
    for row in facts.imports:
        if row.line in lines:
            add(row.line, "import", (), row.module, row.name, row.alias)
    _definitions(file, lines, add)
    return found


def _definitions(file: File, lines: set[int], add: _Add) -> None:
    definitions: list[tree.Function | tree.Class] = [*file.facts.functions, *file.facts.classes]
    for definition in definitions:
        first = min([definition.line, *(each.line for each in definition.decorators)])
        if first not in lines:
            continue
        exprs: list[Expr | None] = [each.value for each in definition.decorators]
        names = [definition.name]
        if isinstance(definition, tree.Function):
            names += [param.name for param in definition.params]
            exprs += [param.annotation for param in definition.params] + [definition.returns]
        else:
            exprs += definition.bases
        keyword = "def" if isinstance(definition, tree.Function) else "class"
        add(first, keyword, exprs, *names)


def _names(file: File, expr: Expr | None) -> str:
    """The identifiers of an expression."""
    found = []
    for node in tree.walk(expr, file.facts):
        if isinstance(node, tree.Name):
            found.append(node.id)
        elif isinstance(node, tree.Attr):
            found.append(node.attr)
        elif isinstance(node, tree.CallRef):
            found += [item.name for item in file.facts.calls[node.index].keywords]
        elif isinstance(node, tree.Const) and node.kind in {"bool", "NoneType"}:
            found.append(str(node.value))
    return " ".join(found)
