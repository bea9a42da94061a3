"""The answers of checks as bytes, to be kept and judged again."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import msgspec

from checks.model import Outcome
from checks.rules.specs import Key

_DECODER = msgspec.msgpack.Decoder(tuple[Outcome, ...])
_ENCODER = msgspec.msgpack.Encoder()
_LEVEL = 1
"""Of zlib: four fifths of what the highest gains, for a tenth of its time."""


def pack(outcomes: Mapping[Key, Outcome]) -> bytes:
    """Answers as compressed bytes; CPU times are left out, so equal answers are equal bytes."""
    timeless = [msgspec.structs.replace(each, seconds=0.0) for each in outcomes.values()]
    return zlib.compress(_ENCODER.encode(timeless), _LEVEL)


def unpack(data: bytes) -> dict[Key, Outcome]:
    """The answers that :func:`pack` was given.

    Raises:
        ValueError: The bytes are damaged, or of a release that kept other things.
    """
    try:
        kept = _DECODER.decode(zlib.decompress(data))
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError("these are no answers of checks that this release can read") from error
    return {(each.check, each.params): each for each in kept}


def seconds(outcomes: Mapping[Key, Outcome]) -> dict[str, float]:
    """CPU seconds that each check took, under all its limits together; of those asked now."""
    taken: dict[str, float] = {}
    for outcome in filter(lambda each: each.seconds, outcomes.values()):
        taken[outcome.check] = taken.get(outcome.check, 0.0) + outcome.seconds
    return taken
