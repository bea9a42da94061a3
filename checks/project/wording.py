"""Words of prose and of names, made comparable: stop words left out, endings taken off."""

from __future__ import annotations

import re
from functools import lru_cache

from checks.project.secretnames import snake

_WORD = re.compile(r"[^\W_]+(?:['’][a-z]+)?(?:_[^\W_]+)*", re.UNICODE)
_STOP = frozenset(
    "a an the this that these those of for to in on at by with from into as and or is are be been "
    "was were it its their his her our your my we i you they he she them us so if then than there "
    "here which who whose what when where will would shall should may might can could must do does "
    "did has have had not no any all each every some such also just only".split()
)
_SHORT = {
    "app": "application", "arg": "argument", "args": "argument", "async": "asynchronous",
    "attr": "attribute", "auth": "authentication", "bool": "boolean", "cfg": "configuration",
    "conf": "configuration", "config": "configuration", "conn": "connection", "ctx": "context",
    "db": "database", "dest": "destination", "dict": "dictionary", "dir": "directory",
    "doc": "document", "env": "environment", "err": "error", "exc": "exception", "fn": "function",
    "func": "function", "id": "identifier", "ids": "identifier", "idx": "index", "img": "image",
    "info": "information", "int": "integer", "kwargs": "keyword", "max": "maximum",
    "min": "minimum", "msg": "message", "num": "number", "obj": "object", "org": "organization",
    "param": "parameter", "params": "parameter", "prev": "previous", "pwd": "password",
    "repo": "repository", "req": "request", "resp": "response", "res": "response", "src": "source",
    "str": "string", "temp": "temporary", "tmp": "temporary", "ts": "timestamp",
    "uid": "identifier", "uuid": "identifier", "val": "value", "del": "delete",
}  # fmt: skip


def words(text: str) -> list[str]:
    """The words of a text in order, names taken apart, as stems; stop words left out."""
    found: list[str] = []
    for match in _WORD.finditer(text):
        if match[0].lower() in _STOP:
            continue
        parts = snake(match[0].partition("'")[0]).split("_")
        found += [stem(part) for part in parts if part and part not in _STOP]
    return found


def name_words(name: str) -> set[str]:
    """The words of a name, stop words among them left out."""
    return set(words(name))


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """A word without the endings of plurals and verbs; usual short forms are written out."""
    word = _SHORT.get(word, word)
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    for ending, least in (("ing", 6), ("ed", 5), ("es", 5), ("s", 4)):
        if word.endswith(ending) and len(word) >= least and not word.endswith(("ss", "us", "is")):
            base = word[: -len(ending)]
            if len(base) > 2 and base[-1] == base[-2] and base[-1] not in "sl":
                base = base[:-1]
            return base.rstrip("e")
    return word.rstrip("e") if len(word) > 3 else word
