"""Checks of configuration as code reads it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.globs import any_match
from checks.project.subjects import File

_PLATFORM = re.compile(
    r"(PATH|HOME|TZ|CI|USER|PWD|SHELL|LANG|TMPDIR|HOSTNAME|PYTEST_\w+|PYTHON\w*|KUBERNETES_\w+"
    r"|AWS_LAMBDA_\w+|GITHUB_ACTIONS|VIRTUAL_ENV)"
)


@check("no-direct-environ-access")
def no_direct_environ_access(
    file: File,
    *,
    allowed_paths: Sequence[str] = (
        "**/config.py", "**/settings.py", "**/config/**", "**/settings/**", "gunicorn.conf.py",
        "**/gunicorn.conf.py",
    ),
    strict: bool = False,
) -> Answer:  # fmt: skip
    """Environment variables are read in one place.

    Reads scattered over the code have no type, no default in common and no list of what is
    needed to start.

    Instead: add a field to the settings class and use it.

    Known problems: a read through a wrapper is followed one level.
    """
    tolerated = not strict and _is_settings_module(file, tuple(allowed_paths))
    count, found = 0, []
    for read in file.project.environment.reads(file):
        if _PLATFORM.fullmatch(read.name):
            continue
        count += 1
        if tolerated or _in_settings_class(file, read.line):
            continue
        what = f"`{read.name}`" if read.name else "the environment"
        symbol = read.function.symbol if read.function is not None else file.module
        message = f"{what} is read outside the settings"
        found.append(At(read.line, message, symbol=symbol, anchor=read.name))
    return Sites(count, found) if count else Skip("no environment variable is read")


def _is_settings_module(file: File, allowed_paths: tuple[str, ...]) -> bool:
    classes = file.project.classes
    return any_match(file.path, allowed_paths) or any(
        classes.role(cls) == "settings" for cls in file.classes
    )


def _in_settings_class(file: File, line: int) -> bool:
    classes = file.project.classes
    return any(
        cls.line <= line <= cls.end_line
        and (classes.role(cls) == "settings" or cls.key in classes.settings_parts)
        for cls in file.classes
    )
