"""Markdown and reStructuredText as sections."""

from __future__ import annotations

from checks.facts.doctree import Code, Link, Paragraph, Section
from checks.facts.prose import read_markdown, read_rst


def test_markdown_is_headings_paragraphs_code_and_links() -> None:
    text = (
        "---\ntitle: x\n---\n# Orders #\n\nTakes [orders](docs/orders.md) and\nkeeps them.\n\n"
        "## Setup\n\n- install uv\n- run it\n\n    uv sync\n    uv run app\n\n"
        "Then:\n\n    make run\n\n```Bash\n# not a heading\nmake test\n```\n\n![er](docs/er.png)\n"
        "[ref]: https://example.com/x\n"
    )
    assert read_markdown(text.splitlines()) == (
        Section(
            "Orders",
            1,
            4,
            (Paragraph("Takes orders and keeps them.", 6),),
            (),
            (Link("orders", "docs/orders.md", 6),),
        ),
        Section(
            "Setup",
            2,
            9,
            (
                Paragraph("install uv", 11),
                Paragraph("run it", 12),
                Paragraph("uv sync uv run app", 14),
                Paragraph("Then:", 17),
                Paragraph("er", 26),
            ),
            (Code("make run", "", 19), Code("# not a heading\nmake test", "bash", 22)),
            (Link("er", "docs/er.png", 26, image=True), Link("ref", "https://example.com/x", 27)),
        ),
    )


def test_underlined_headings_rules_comments_and_html_of_markdown() -> None:
    text = (
        "Title\n=====\nText\n\n---\n\n<!--\n# hidden\n-->\nPart\n----\n"
        '<p align="center"><img width=1 src="a.svg"> Logo</p>\n~~~mermaid\nerDiagram\n~~~\n'
    )
    sections = read_markdown(text.splitlines())
    assert [(each.title, each.level, each.line) for each in sections] == [
        ("Title", 1, 1),
        ("Part", 2, 10),
    ]
    assert sections[1].paragraphs == (Paragraph("Logo", 12),)
    assert sections[1].links == (Link("", "a.svg", 12, image=True),)
    assert sections[1].code == (Code("erDiagram", "mermaid", 14),)


def test_text_before_the_first_heading_is_a_section_without_title() -> None:
    assert read_markdown(["hello", "", "# A"]) == (
        Section("", 0, 1, (Paragraph("hello", 1),)),
        Section("A", 1, 3),
    )


def test_an_unclosed_fence_ends_with_the_file() -> None:
    assert read_markdown(["```", "a", "# b"])[0].code == (Code("a\n# b", "", 2),)


def test_rst_is_headings_by_their_marks_paragraphs_and_code() -> None:
    text = (
        "======\nOrders\n======\n\nTakes `orders <https://example.com>`_.\n\n"
        "Setup\n-----\n\nRun::\n\n"
        "    uv sync\n    uv run\n\n.. code-block:: bash\n   :linenos:\n\n   make\n\n"
        "Details\n~~~~~~~\n\n.. image:: er.png\n.. note:: skip\n\n"
        "More\n----\n* item one\n* item two\n"
    )
    sections = read_rst(text.splitlines())
    assert [(each.title, each.level, each.line) for each in sections] == [
        ("Orders", 1, 2),
        ("Setup", 2, 7),
        ("Details", 3, 20),
        ("More", 2, 26),
    ]
    assert sections[0].links == (Link("orders", "https://example.com", 5),)
    assert sections[1].paragraphs == (Paragraph("Run", 10),)
    assert [(each.text, each.language) for each in sections[1].code] == [
        ("uv sync\nuv run", ""),
        ("make", "bash"),
    ]
    assert sections[2].links == (Link("", "er.png", 23, image=True),)
    assert sections[3].paragraphs == (Paragraph("item one", 28), Paragraph("item two", 29))
