"""The checks: importing this package enters every one of them into the catalogue."""

from __future__ import annotations

import pkgutil
from importlib import import_module

_DATA = {"specs"}


def load() -> None:
    """Import every module of checks; done once, cheap when repeated."""
    for module in pkgutil.iter_modules(__path__):
        if module.name not in _DATA:
            import_module(f"{__name__}.{module.name}")
