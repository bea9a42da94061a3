"""MAP of a document: bytes of one blob, read as one kind, to a :class:`DocumentFact`.

Nothing that a file holds raises here: what cannot be read is said in the fact's ``error``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from checks.facts.doctree import DECODER, DocumentFact, Tree, Unreadable
from checks.facts.inifile import read_ini
from checks.facts.jsonfile import read_json
from checks.facts.kinds import Kind
from checks.facts.lockfile import read_lock
from checks.facts.prose import read_markdown, read_rst
from checks.facts.recipes import read_dockerfile, read_justfile, read_makefile
from checks.facts.requirements import read_requirements
from checks.facts.text import decode, split_lines
from checks.facts.tomlfile import read_toml
from checks.facts.yamlfile import read_yaml

__all__ = ["DECODER", "DocumentFact", "read"]

type _Fields = dict[str, Any]


def read(kind: Kind, data: bytes) -> DocumentFact:
    """Read one blob as one kind of document.

    Args:
        kind: As :func:`checks.facts.kinds.kind_of` says; ``python`` is read elsewhere.
        data: The raw bytes, of at most the size the caller allows.

    Returns:
        The fact; with ``error`` set when the document cannot be read.
    """
    decoded = decode(data)
    if not decoded.readable:
        return DocumentFact(kind, error=decoded.note)
    try:
        return DocumentFact(kind, note=decoded.note, **_READERS[kind](decoded.text))
    except Unreadable as fault:
        # a template of rules is no YAML before it is filled in, and is read line by line
        kept = decoded.text if kind == "yaml" and "alert:" in decoded.text else ""
        return DocumentFact(kind, error=str(fault), note=decoded.note, text=kept)


def _tree(reader: Callable[[str], Tree]) -> Callable[[str], _Fields]:
    def fields(text: str) -> _Fields:
        tree = reader(text)
        return {"documents": tuple(tree.documents), "lines": tree.lines}

    return fields


def _lock(text: str) -> _Fields:
    packages, head = read_lock(split_lines(text))
    return {"packages": packages, "documents": (head,)}


def _requirements(text: str) -> _Fields:
    requirements, includes = read_requirements(split_lines(text))
    return {"requirements": requirements, "includes": includes, "text": text}


def _dockerfile(text: str) -> _Fields:
    return {"instructions": read_dockerfile(split_lines(text)), "text": text}


def _makefile(text: str) -> _Fields:
    targets, variables = read_makefile(split_lines(text))
    return {"targets": targets, "variables": variables, "text": text}


def _justfile(text: str) -> _Fields:
    targets, variables = read_justfile(split_lines(text))
    return {"targets": targets, "variables": variables, "text": text}


_READERS: dict[Kind, Callable[[str], _Fields]] = {
    "yaml": _tree(read_yaml),
    "toml": _tree(read_toml),
    "json": _tree(read_json),
    "ini": _tree(read_ini),
    "lock": _lock,
    "requirements": _requirements,
    "dockerfile": _dockerfile,
    "makefile": _makefile,
    "justfile": _justfile,
    "markdown": lambda text: {"sections": read_markdown(split_lines(text))},
    "rst": lambda text: {"sections": read_rst(split_lines(text))},
    "text": lambda text: {"text": text},
    "gitignore": lambda text: {"text": text},
    "shell": lambda text: {"text": text},
}
