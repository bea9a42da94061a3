"""Shell text as the commands it runs, as far as a reader without a shell can tell.

Quotes, comments, continuations, here-documents and substitutions are understood; conditions are
not evaluated: what stands behind ``if`` counts as run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

_KEYWORDS = frozenset("if then else elif while until do ! { } ( time fi done esac coproc".split())
_HEADS = frozenset({"for", "case", "select", "function"})
_HARMLESS = frozenset({"true", ":", "echo", "printf"})
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_HEREDOC = re.compile(r"<<-?\s*(['\"]?)([A-Za-z_][\w.-]*)\1")
_EXPRESSION = re.compile(r"\$\{\{.{0,1000}?\}\}", re.DOTALL)
_BRACED = re.compile(r"\$\{[^{}]{0,1000}\}")
_MAX_DEPTH = 4
_MAX_TEXT = 200_000
_MAX_INNER = 10_000


class Command(msgspec.Struct, frozen=True):
    """One simple command.

    Attributes:
        words: Its words without quotes; assignments and shell keywords in front are left out.
        forgiven: Its failure is caught (``|| true``), so that it cannot fail the script.
        offset: Lines from the start of the text, 0 for its first line.
    """

    words: tuple[str, ...]
    forgiven: bool = False
    offset: int = 0


def read_commands(text: str) -> list[Command]:
    """The commands of a script, those of substitutions included, in order."""
    found: list[Command] = []
    queue = [(text[:_MAX_TEXT], 0, 0)]
    while queue:
        part, offset, depth = queue.pop(0)
        lexer = _Lexer(part)
        for statement in lexer.read():
            found.extend(_simple(statement, offset))
        if depth < _MAX_DEPTH:
            queue.extend((inner, offset + line, depth + 1) for inner, line in lexer.inner)
    return found


class _Piece(msgspec.Struct):
    """One command of a statement, and the operator in front of it."""

    operator: str
    words: list[str]
    line: int


def _simple(pieces: Sequence[_Piece], offset: int) -> Iterator[Command]:
    """Commands of one statement, that is a list joined by ``&&``, ``||`` and ``|``."""
    commands = [(piece, _stripped(piece.words)) for piece in pieces]
    last = max((i for i, (piece, _) in enumerate(commands) if piece.operator == "||"), default=-1)
    rescued = last > 0 and _cannot_fail([piece.words for piece in pieces[last:]])
    for index, (piece, words) in enumerate(commands):
        if words:
            yield Command(tuple(words), rescued and index < last, offset + piece.line)


def _stripped(words: list[str]) -> list[str]:
    index = 0
    while index < len(words) and (words[index] in _KEYWORDS or _ASSIGNMENT.match(words[index])):
        index += 1
    rest = words[index:]
    return [] if rest and rest[0] in _HEADS else rest


def _cannot_fail(commands: Sequence[Sequence[str]]) -> bool:
    return all(
        not words or words[0] in _HARMLESS or tuple(words[:2]) == ("exit", "0")
        for words in commands
    )


class _Lexer:
    """Splits text into statements of words; keeps what substitutions hold for later."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 0
        self._word: list[str] | None = None
        self._open = 0
        self._heredocs: list[str] = []
        self._pieces = [_Piece("", [], 0)]
        self.inner: list[tuple[str, int]] = []

    def read(self) -> Iterator[list[_Piece]]:
        """Statements in order."""
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == "\n":
                self._end_word()
                yield from self._end_statement()
                self._at += 1
                self._line += 1
                self._skip_heredocs()
            elif char in ";&|()":
                yield from self._operator(char)
            elif char in " \t\r":
                self._end_word()
                self._at += 1
            elif char == "#" and self._word is None:
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            else:
                self._letter(char)
        self._end_word()
        yield from self._end_statement()

    # Words ----------------------------------------------------------------------------------------

    def _letter(self, char: str) -> None:
        if char == "\\":
            self._escape()
        elif char == "'":
            self._quoted_plainly()
        elif char == '"':
            self._quoted()
        elif char in "$`":
            self._add(self._expansion())
        elif char == "<" and (match := _HEREDOC.match(self._text, self._at)):
            self._end_word()
            self._heredocs.append(match[2])
            self._at = match.end()
        else:
            self._add(char)
            self._at += 1

    def _add(self, text: str) -> None:
        if self._word is None:
            self._word = []
        self._word.append(text)

    def _escape(self) -> None:
        following = self._text[self._at + 1 : self._at + 2]
        self._at += 2
        if following == "\n":
            self._line += 1
        elif following:
            self._add(following)

    def _quoted_plainly(self) -> None:
        end = self._text.find("'", self._at + 1)
        end = len(self._text) if end < 0 else end
        part = self._text[self._at + 1 : end]
        self._add(part)
        self._line += part.count("\n")
        self._at = end + 1

    def _quoted(self) -> None:
        self._at += 1
        self._add("")
        while self._at < len(self._text) and (char := self._text[self._at]) != '"':
            if char == "\\":
                self._escape()
            elif char in "$`":
                self._add(self._expansion())
            else:
                self._line += char == "\n"
                self._add(char)
                self._at += 1
        self._at += 1

    def _expansion(self) -> str:
        """What ``$`` or a backtick begins, as written; commands inside are read later."""
        text, start = self._text, self._at
        for pattern in (_EXPRESSION, _BRACED):
            if match := pattern.match(text, start):
                self._at = match.end()
                return match[0]
        if text[start] == "`":
            end = text.find("`", start + 1)
        elif text.startswith("$(", start):
            end = self._closing(start + 1)
        else:
            self._at += 1
            return "$"
        end = len(text) if end < 0 else end
        inner = text[start + (1 if text[start] == "`" else 2) : end]
        self.inner.append((inner, self._line))
        self._line += inner.count("\n")
        self._at = end + 1
        return text[start : end + 1]

    def _closing(self, start: int) -> int:
        depth = 0
        for index in range(start, min(len(self._text), start + _MAX_INNER)):
            if self._text[index] == "(":
                depth += 1
            elif self._text[index] == ")":
                depth -= 1
                if not depth:
                    return index
        return -1

    def _end_word(self) -> None:
        if self._word is not None:
            if not self._pieces[-1].words:
                self._pieces[-1].line = self._line
            self._pieces[-1].words.append("".join(self._word))
            self._word = None

    # Statements -----------------------------------------------------------------------------------

    def _operator(self, char: str) -> Iterator[list[_Piece]]:
        """An operator; ``2>&1`` and ``&>`` belong to a redirection and separate nothing."""
        before, behind = (
            self._text[self._at - 1 : self._at],
            self._text[self._at + 1 : self._at + 2],
        )
        if char == "&" and (before == ">" or behind == ">"):
            self._add(char)
            self._at += 1
            return
        self._end_word()
        if behind == char and char in "&|":
            self._pieces.append(_Piece(char * 2, [], self._line))
            self._at += 2
        elif char == "|":
            self._pieces.append(_Piece("|", [], self._line))
            self._at += 2 if behind == "&" else 1
        elif char == "(" and not self._pieces[-1].words:
            self._pieces[-1].words.append("(")
            self._open += 1
            self._at += 1
        elif char == ")" and self._open:
            self._open -= 1
            self._at += 1
        else:
            yield from self._end_statement()
            self._at += 1

    def _end_statement(self) -> Iterator[list[_Piece]]:
        pieces = self._pieces
        # A line that ends in an operator goes on in the next one.
        if len(pieces) > 1 and not pieces[-1].words:
            return
        self._pieces = [_Piece("", [], self._line)]
        if any(piece.words for piece in pieces):
            yield pieces

    def _skip_heredocs(self) -> None:
        while self._heredocs:
            mark = self._heredocs.pop(0)
            while self._at < len(self._text):
                end = self._text.find("\n", self._at)
                end = len(self._text) if end < 0 else end
                line = self._text[self._at : end]
                self._at = end + 1
                self._line += 1
                if line.strip() == mark:
                    break
