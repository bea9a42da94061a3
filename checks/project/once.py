"""Work that a subject is asked for again and again, done once.

A check is asked under several limits, and several checks ask the same of a file; what does not
depend on the limits is remembered with the subject and goes when the project goes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate


def once[Subject, **More, Found](
    function: Callable[Concatenate[Subject, More], Found],
) -> Callable[Concatenate[Subject, More], Found]:
    """A function that remembers its answers with its first argument.

    Args:
        function: Asks about a file, a row or a project, and hashable limits by position. It gives
            a value that nobody changes, and no iterator.

    Returns:
        The same function, which works out each answer at most once.
    """
    name = f"{function.__module__}.{function.__qualname__}"

    @wraps(function)
    def asked(subject: Subject, /, *more: More.args, **named: More.kwargs) -> Found:
        memo: dict[Any, Any] | None = subject.__dict__.get("_once")
        if memo is None:
            memo = subject.__dict__["_once"] = {}
        key = (name, more) if more else name
        if key in memo:
            found: Found = memo[key]
            return found
        found = memo[key] = function(subject, *more, **named)
        return found

    return asked
