"""What is committed runs on any machine and holds nothing of the one it was written on."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.house.source_tree import ROOT, tracked

MACHINE_PATH = re.compile(
    r"(?<![\w.:/*~$}{>-])/(?:root|work|home/\w+|Users/\w+|opt/(?:pypi|wheels))(?=/|\b)/?"
)
TOP_LEVEL = frozenset(
    [
        "dashboard",
        "checks",
        "templates",
        "static",
        "tests",
        "docs",
        "manage.py",
        "pyproject.toml",
        "uv.lock",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "Makefile",
        "compose.yaml",
        "Dockerfile",
    ]
)
PUBLIC_INDEX = re.compile(r"https://(pypi\.org/simple|files\.pythonhosted\.org/)")


def text_of(path: str) -> str:
    """Return a tracked file's text, "" for one that is no text."""
    try:
        return (ROOT / path).read_text()
    except UnicodeDecodeError:
        return ""


def machine_paths(text: str) -> list[str]:
    """Return the absolute paths in a text that exist on one person's machine only."""
    return [match.group() for match in MACHINE_PATH.finditer(text)]


def test_no_file_names_a_path_of_one_machine() -> None:
    found = {path: machine_paths(text_of(path)) for path in tracked()}
    found = {path: paths for path, paths in found.items() if paths}
    assert not found


@pytest.mark.parametrize(
    "text", ["cd |work/main", '"|home/ann/src"', "(|root/.ssh)", "|Users/ann/x", "=|opt/wheels"]
)
def test_a_machine_path_is_seen(text: str) -> None:
    # Written with another stroke, so that this file names none.
    assert machine_paths(text.replace("|", "/"))


@pytest.mark.parametrize(
    "text", ["https:||x.example|work|1", ".|work|x", "team|work|", "|r|<slug>|top|", "|usr|bin"]
)
def test_an_address_or_a_relative_path_is_no_machine_path(text: str) -> None:
    assert not machine_paths(text.replace("|", "/"))


def test_the_top_level_holds_what_it_was_meant_to_hold() -> None:
    first = {path.split("/")[0] for path in tracked()}
    assert not {name for name in first if not name.startswith(".")} - TOP_LEVEL


def test_the_lock_file_names_the_public_index_only() -> None:
    lock = tomllib.loads(text_of("uv.lock"))
    addresses = []
    for package in lock["package"]:
        addresses += [package["source"].get("registry", "https://pypi.org/simple")]
        files = [package.get("sdist", {}), *package.get("wheels", [])]
        addresses += [file["url"] for file in files if file]
    assert len(addresses) > len(lock["package"])
    assert not [address for address in addresses if not PUBLIC_INDEX.match(address)]


def test_every_locked_file_has_a_hash() -> None:
    lock = tomllib.loads(text_of("uv.lock"))
    files = [file for package in lock["package"] for file in package.get("wheels", [])]
    assert files
    assert all(file["hash"].startswith("sha256:") for file in files)
