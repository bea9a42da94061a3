"""Python's search for cycles of objects, and when it finds nothing.

It looks at every object there is, again and again while many are made. What makes a project or a
report drops next to nothing on its way, so the search is left out until that is done.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def unsearched() -> Iterator[bool]:
    """Leave cycles alone meanwhile; says whether they were searched until now."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield enabled
    finally:
        if enabled:
            gc.enable()
