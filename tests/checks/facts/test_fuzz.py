"""Whatever bytes a file holds, extractors answer, answer alike twice, and never raise."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.facts.documents import read
from checks.facts.kinds import Kind, kind_of
from checks.facts.syntax import extract
from checks.rules.specs import areas, examples
from tests.house.source_tree import ROOT

EXAMPLES = 60


def _real_files() -> dict[str, list[bytes]]:
    """Files of this repository and of the examples, by kind."""
    found: dict[str, list[bytes]] = {}
    for path in sorted(ROOT.glob("*")) + sorted(ROOT.glob("c*/**/*.py"))[::9]:
        kind = kind_of(path.relative_to(ROOT).as_posix()) if path.is_file() else None
        if kind is not None and path.stat().st_size < 40_000:
            found.setdefault(kind, []).append(path.read_bytes())
    for area in areas():
        for pairs in examples(area).values():
            for part in re.split(r"(?m)^#-- ", pairs[0].bad)[1:]:
                name, _, body = part.partition("\n")
                kind = kind_of(name.strip())
                if kind is not None:
                    found.setdefault(kind, []).append(body.encode())
    return found


REAL = _real_files()


@st.composite
def mutated(draw: st.DrawFn, kind: str) -> bytes:
    """A real file, cut, repeated, spliced or with other bytes in it; sometimes bytes alone."""
    if kind not in REAL or draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=300))
    data = draw(st.sampled_from(REAL[kind]))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 200)))
        match draw(st.sampled_from(("cut", "drop", "repeat", "insert", "splice"))):
            case "cut":
                data = data[:start]
            case "drop":
                data = data[:start] + data[end:]
            case "repeat":
                data = data[:end] + data[start:end] * 3 + data[end:]
            case "insert":
                data = data[:start] + draw(st.binary(max_size=12)) + data[start:]
            case "splice":
                other = draw(st.sampled_from(REAL[kind]))
                data = data[:start] + other[start:end] + data[end:]
    return data


@settings(max_examples=EXAMPLES * 4)
@given(data=mutated("python"))
def test_no_python_file_breaks_the_extractor(data: bytes) -> None:
    first, second = extract(data), extract(data)

    assert msgspec.msgpack.encode(first) == msgspec.msgpack.encode(second)


@pytest.mark.parametrize("kind", sorted(set(REAL) - {"python"}))
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_no_document_breaks_its_reader(kind: Kind, data: st.DataObject) -> None:
    content = data.draw(mutated(kind))

    first, second = read(kind, content), read(kind, content)

    assert msgspec.msgpack.encode(first) == msgspec.msgpack.encode(second)
