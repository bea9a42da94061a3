"""What travels between a review and its analysis children: frames of msgpack with a length."""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from checks.facts.lint import LintContext

HEADER: Final = struct.Struct(">I")
"""Length of the frame that follows, in bytes."""

READY: Final = -1
"""Task of a frame that only says "started" or "still alive"."""

DONE: Final = -2
"""Task of the frame that ends a batch."""


class Task(msgspec.Struct, frozen=True, array_like=True):
    """One fact to make of one blob.

    Attributes:
        id: Number within the batch.
        kind: ``py``, ``lint`` or a kind of document (:mod:`checks.facts.kinds`).
        basename: Last part of the file's path; only its shape is used, and only by ``lint``.
        context: Index into the contexts of the batch, -1 for none.
    """

    id: int
    kind: str
    basename: str = ""
    context: int = -1


class Item(msgspec.Struct, frozen=True, array_like=True):
    """One blob and what is wanted of it."""

    data: bytes
    tasks: tuple[Task, ...]


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """What a child gets at once; it reads all of it before it writes a word."""

    contexts: tuple[LintContext, ...]
    items: tuple[Item, ...]


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """One fact, or a sign of life.

    Attributes:
        task: Number of the task, :data:`READY` or :data:`DONE`.
        data: The encoded fact; empty when there is none.
        note: Why the fact is missing or incomplete; "" when all is well.
        lasting: False when another run may succeed, so that nothing is kept.
    """

    task: int
    data: bytes = b""
    note: str = ""
    lasting: bool = True


ENCODER: Final = msgspec.msgpack.Encoder()
BATCHES: Final = msgspec.msgpack.Decoder(Batch)
ANSWERS: Final = msgspec.msgpack.Decoder(Answer)


def frame(message: Batch | Answer) -> bytes:
    """The message with its length in front."""
    body = ENCODER.encode(message)
    return HEADER.pack(len(body)) + body
