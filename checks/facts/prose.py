"""Markdown and reStructuredText as sections: headings, paragraphs, code blocks, links.

No renderer: a line is a heading, code or text, which is all that a check asks. Both readers take
lines one at a time and hand what they see to one builder.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import override

import msgspec

from checks.facts.doctree import Code, Link, Paragraph, Section

_FENCE = re.compile(
    r"[ ]{0,3}(?:[-*+>]\s+)?\s*(?P<fence>`{3,}|~{3,})\s*\{?\.?(?P<language>[\w+#.-]*)"
)
_ATX = re.compile(r"[ ]{0,3}(?P<level>#{1,6})(?:[ \t]+(?P<title>.*?))?(?:[ \t]+#+)?[ \t]*$")
_SETEXT = re.compile(r"[ ]{0,3}(?P<mark>=+|-+)[ \t]*$")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s+")
_ROW = re.compile(r"\s*\|")
_LINK = re.compile(
    r"(?P<image>!?)\[(?P<text>[^\[\]]{0,300})\]\(\s*<?(?P<target>[^\s()<>]{1,500})[^)]{0,300}\)"
)
_REFERENCE = re.compile(r"[ ]{0,3}\[(?P<text>[^\]]{1,200})\]:\s*<?(?P<target>\S{1,500}?)>?(?:\s|$)")
_TAG = re.compile(
    r"<(?P<tag>img|a)\b[^>]{0,500}?\b(?:src|href)\s*=\s*[\"']?(?P<target>[^\s\"'>]{1,500})",
    re.IGNORECASE,
)
_HTML = re.compile(r"</?[a-zA-Z][^<>]{0,500}>")
_RST_LINK = re.compile(r"`(?P<text>[^`<>]{0,300}?)\s*<(?P<target>[^`<>]{1,500})>`__?")
_RST_IMAGE = re.compile(r"\s*\.\.\s+(?:\|[^|]+\|\s+)?(?:image|figure)::\s*(?P<target>\S+)")
_RST_CODE = re.compile(
    r"(?P<indent>\s*)\.\.\s+(?:code-block|code|sourcecode|highlight|parsed-literal|mermaid|uml|graphviz)::\s*(?P<language>[\w+#-]*)"
)
_RST_DIRECTIVE = re.compile(r"\s*\.\.\s")
_RST_TARGET = re.compile(r"\s*\.\.\s+_(?P<text>[^:]{1,200}):\s*(?P<target>\S{1,500})")
_ADORNMENT = re.compile(r"([=\-`:'\"~^_*+#<>.!$%&(),/;?@\[\\\]{|}])\1{2,}\s*$")


class _Open(msgspec.Struct):
    """The section that is being filled."""

    title: str
    level: int
    line: int
    paragraphs: list[Paragraph] = []
    code: list[Code] = []
    links: list[Link] = []


class _Builder:
    def __init__(self) -> None:
        self.sections: list[Section] = []
        self._open = _Open("", 0, 1)
        self._text: list[str] = []
        self._start = 0

    @property
    def in_paragraph(self) -> bool:
        return bool(self._text)

    def heading(self, title: str, level: int, line: int) -> None:
        """Begin a section."""
        self._close()
        self._open = _Open(title.strip(), level, line)

    def text(self, line: str, number: int) -> None:
        """Add a line to the paragraph, or begin one."""
        if not self._text:
            self._start = number
        self._text.append(line.strip())

    def end_paragraph(self) -> list[str]:
        """End the paragraph; its lines."""
        lines, self._text = self._text, []
        if text := " ".join(line for line in lines if line):
            self._open.paragraphs.append(Paragraph(text, self._start))
        return lines

    def take_back(self) -> str:
        """The paragraph's lines as one, no longer text (it was a heading)."""
        lines, self._text = self._text, []
        return " ".join(lines)

    def code(self, lines: Sequence[str], language: str, line: int) -> None:
        """Add a code block, without the blank lines at its end."""
        self.end_paragraph()
        text = "\n".join(lines).rstrip()
        if text:
            self._open.code.append(Code(text, language.lower(), line))

    def link(self, text: str, target: str, line: int, *, image: bool = False) -> None:
        """Add a link or an image."""
        self._open.links.append(Link(text.strip(), target, line, image))

    def _close(self) -> None:
        self.end_paragraph()
        section = self._open
        parts = (tuple(section.paragraphs), tuple(section.code), tuple(section.links))
        if section.level or any(parts):
            self.sections.append(Section(section.title, section.level, section.line, *parts))

    def finish(self) -> tuple[Section, ...]:
        """All sections."""
        self._close()
        return tuple(self.sections)


def read_markdown(lines: Sequence[str]) -> tuple[Section, ...]:
    """Sections of a Markdown document; front matter and comments are left out."""
    return _Markdown(lines).read()


class _Reader(ABC):
    """Goes through the lines of a document once; subclasses say what a line begins."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._number = 0
        self._builder = _Builder()

    def read(self) -> tuple[Section, ...]:
        """Read to the end."""
        while self._number < len(self._lines):
            line = self._lines[self._number]
            self._number += 1
            if not line.strip():
                self._builder.end_paragraph()
            elif not self._opens(line):
                self._prose(line)
        return self._builder.finish()

    @abstractmethod
    def _opens(self, line: str) -> bool:
        """Read what begins with the line, unless it is a line of a paragraph."""

    @abstractmethod
    def _prose(self, line: str) -> None:
        """Read a line of a paragraph."""


class _Markdown(_Reader):
    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(lines)
        self._number = self._front_matter()
        self._in_list = False

    def _front_matter(self) -> int:
        if self._lines and self._lines[0].strip() == "---":
            for number, line in enumerate(self._lines[1:200], 2):
                if line.strip() in {"---", "..."}:
                    return number
        return 0

    @override
    def _opens(self, line: str) -> bool:
        return self._block(line) or self._heading(line)

    def _block(self, line: str) -> bool:
        """Code and comments, which may hold anything."""
        if fence := _FENCE.match(line):
            self._fenced(fence)
            return True
        if line.startswith(("    ", "\t")) and not self._builder.in_paragraph and not self._in_list:
            self._indented()
            return True
        if line.lstrip().startswith("<!--"):
            self._comment(line)
            return True
        return False

    def _fenced(self, fence: re.Match[str]) -> None:
        start = self._number + 1
        mark = fence["fence"]
        body: list[str] = []
        while self._number < len(self._lines):
            line = self._lines[self._number]
            self._number += 1
            stripped = line.strip()
            if stripped.startswith(mark) and not stripped.strip(mark[0]):
                break
            body.append(line)
        self._builder.code(body, fence["language"], start)

    def _indented(self) -> None:
        start = self._number
        body: list[str] = []
        self._number -= 1
        while self._number < len(self._lines):
            line = self._lines[self._number]
            if line.strip() and not line.startswith(("    ", "\t")):
                break
            body.append(line[1:] if line.startswith("\t") else line[4:])
            self._number += 1
        self._builder.code(body, "", start)

    def _comment(self, line: str) -> None:
        while "-->" not in line and self._number < len(self._lines):
            line = self._lines[self._number]
            self._number += 1

    def _heading(self, line: str) -> bool:
        if match := _ATX.match(line):
            self._builder.heading(_plain(match["title"] or ""), len(match["level"]), self._number)
            self._in_list = False
            return True
        match = _SETEXT.match(line)
        if match is None:
            return False
        if self._builder.in_paragraph and not self._in_list:
            title = self._builder.take_back()
            level = 1 if match["mark"][0] == "=" else 2
            self._builder.heading(_plain(title), level, self._number - 1)
            return True
        self._builder.end_paragraph()
        return match["mark"][0] == "-"

    @override
    def _prose(self, line: str) -> None:
        if reference := _REFERENCE.match(line):
            self._builder.link(reference["text"], reference["target"], self._number)
            return
        item = _ITEM.match(line)
        if item or _ROW.match(line):
            self._builder.end_paragraph()
        if item:
            self._in_list = True
        elif not line.startswith((" ", "\t")) and not self._builder.in_paragraph:
            self._in_list = False
        for match in _LINK.finditer(line):
            image = bool(match["image"])
            self._builder.link(match["text"], match["target"], self._number, image=image)
        for match in _TAG.finditer(line):
            image = match["tag"].lower() == "img"
            self._builder.link("", match["target"], self._number, image=image)
        self._builder.text(_plain(line[item.end() :] if item else line), self._number)


def _plain(text: str) -> str:
    """Text without the markup of links and HTML; an image leaves its description."""
    return _HTML.sub(" ", _LINK.sub(lambda match: match["text"], text)).strip().strip("|").strip()


def read_rst(lines: Sequence[str]) -> tuple[Section, ...]:
    """Sections of a reStructuredText document; directives other than code are left out."""
    return _Rst(lines).read()


class _Rst(_Reader):
    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(lines)
        self._levels: list[str] = []

    @override
    def _opens(self, line: str) -> bool:
        return self._heading(line) or self._directive(line)

    def _at(self, number: int) -> str:
        return self._lines[number] if number < len(self._lines) else ""

    def _heading(self, line: str) -> bool:
        """A title with a line of marks below it, or with one above and one below."""
        if self._builder.in_paragraph:
            return False
        over = _ADORNMENT.match(line)
        title = self._at(self._number) if over else line
        under = _ADORNMENT.match(self._at(self._number + (1 if over else 0)))
        if not under or not title.strip() or _ADORNMENT.match(title):
            return bool(over)
        if not over and title.startswith((" ", "\t")):
            return False
        style = under[1] * (2 if over else 1)
        if style not in self._levels:
            self._levels.append(style)
        place = self._number + (1 if over else 0)
        self._builder.heading(title, self._levels.index(style) + 1, place)
        self._number = place + 1
        return True

    def _directive(self, line: str) -> bool:
        if code := _RST_CODE.match(line):
            self._literal(code["language"], len(code["indent"]))
        elif image := _RST_IMAGE.match(line):
            self._builder.link("", image["target"], self._number, image=True)
        elif target := _RST_TARGET.match(line):
            self._builder.link(target["text"], target["target"], self._number)
        elif not _RST_DIRECTIVE.match(line):
            return False
        return True

    def _literal(self, language: str, indent: int) -> None:
        """The deeper indented lines that follow, as code."""
        start = self._number + 1
        body: list[str] = []
        while self._number < len(self._lines):
            line = self._lines[self._number]
            if line.strip() and len(line) - len(line.lstrip()) <= indent:
                break
            if not any(body) and (not line.strip() or line.strip().startswith(":")):
                start = self._number + 2
            else:
                body.append(line)
            self._number += 1
        self._builder.code(_dedented(body), language, start)

    @override
    def _prose(self, line: str) -> None:
        if item := _ITEM.match(line):
            self._builder.end_paragraph()
            line = line[item.end() :]
        for match in _RST_LINK.finditer(line):
            self._builder.link(match["text"] or match["target"], match["target"], self._number)
        text = _RST_LINK.sub(lambda match: match["text"], line)
        self._builder.text(text.removesuffix("::"), self._number)
        if line.rstrip().endswith("::"):
            self._builder.end_paragraph()
            self._literal("", item.end() - 1 if item else len(line) - len(line.lstrip()))


def _dedented(lines: Sequence[str]) -> list[str]:
    filled = [line for line in lines if line.strip()]
    margin = min((len(line) - len(line.lstrip()) for line in filled), default=0)
    body = [line[margin:] for line in lines]
    while body and not body[0].strip():
        body.pop(0)
    return body
