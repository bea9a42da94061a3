"""Tables in the versions of files that a history holds."""

from __future__ import annotations

import pytest

from checks.facts.pastmodels import Part, tables
from checks.facts.pasttables import TableReader, Version
from checks.facts.syntax import extract

BASE = '''"""Models."""
from sqlalchemy import Column, Integer, String


class Base(Mixin):
    id = Column(Integer, primary_key=True)


@register
@other(
    1,
)
class User(Base):
    __tablename__ = "users"
    name = Column(String(20))


def helper():
    return User
'''
MORE = BASE.replace("String(20)", "String(30)") + "\n\nclass Late(Base):\n    a = Column(Integer)\n"
IN_TEXT = f'{BASE}\nHELP = """\nclass User(Base):\n    x = Column(Integer)\n"""\n'
IN_BLOCK = "if True:\n    class Inner(Base):\n        __tablename__ = 'i'\n\nclass Base: pass\n"


@pytest.mark.parametrize(
    "text",
    [BASE, MORE, IN_TEXT, IN_BLOCK, "", BASE.replace("\n", "\r\n"), BASE.replace("\n", "\r")],
)
def test_parts_declare_the_same_at_the_same_lines_as_the_whole(text: str) -> None:
    read = TableReader()
    read.read(BASE.encode())
    found = read.read(text.encode())
    whole = tables([(Part(extract(text.encode())), 0)], {})
    assert found.tables.keys() == whole.keys()
    for name, placed in found.tables.items():
        table, same = placed.table, whole[name].table
        assert placed.above + table.line == same.line
        assert [(column, kind, placed.above + line) for column, (kind, line) in
                table.columns.items()] == [
            (column, kind, line) for column, (kind, line) in same.columns.items()
        ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["class A(:\n  pass\n", "x = (\n\nclass A:\n    pass\n", "\0", "try:\n    x\nclass A: pass"],
)
def test_what_is_no_python_is_not_compared(text: str) -> None:
    assert TableReader().read(text.encode()) == Version({}, parsed=False)
