"""Lock files."""

from __future__ import annotations

from pathlib import Path

from checks.facts.doctree import Locked
from checks.facts.lockfile import read_lock

UV = """\
version = 1
requires-python = ">=3.13"

[[package]]
name = "App_Server"
version = "0.1.0"
source = { virtual = "." }
dependencies = [
    { name = "httpx", version = "9.9" },
]

[package.dev-dependencies]
dev = [{ name = "x" }]

[[package]]
name = "httpx"
version = "0.28.0"
source = { registry = "https://pypi.org/simple" }
"""

POETRY = """\
[[package]]
name = "anyio"
version = "4.0"
description = "x"

[package.dependencies]
version = "not this"

[[package]]
name = "idna"
version = "3.4"

[metadata]
name = "not a package"
lock-version = "2.0"
"""

PIPENV = """\
{
    "_meta": {
        "requires": {
            "python_version": "3.12"
        }
    },
    "default": {
        "anyio": {
            "hashes": [
                "sha256:00"
            ],
            "version": "==4.0"
        },
        "local": {
            "path": "."
        }
    }
}
"""


def test_packages_of_uv_with_version_line_and_source() -> None:
    packages, head = read_lock(UV.splitlines())
    assert packages == (
        Locked("app-server", "0.1.0", 4, "virtual"),
        Locked("httpx", "0.28.0", 15, "registry"),
    )
    assert head == {"requires-python": ">=3.13"}


def test_packages_of_poetry_are_not_confused_with_the_tables_below_them() -> None:
    packages, _ = read_lock(POETRY.splitlines())
    assert packages == (Locked("anyio", "4.0", 1), Locked("idna", "3.4", 9))


def test_packages_of_pipenv_are_those_with_a_version() -> None:
    assert read_lock(PIPENV.splitlines()) == ((Locked("anyio", "4.0", 8, "registry"),), {})


def test_a_real_lock_file_names_every_package_once() -> None:
    text = (Path(__file__).parents[3] / "uv.lock").read_text()
    packages, _ = read_lock(text.splitlines())
    assert len(packages) == text.count("[[package]]")
    assert all(package.version for package in packages)
    assert {"django", "ruff", "msgspec"} <= {package.name for package in packages}
