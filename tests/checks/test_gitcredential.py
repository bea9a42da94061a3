"""The helper that hands git a credential answers one origin only."""

from __future__ import annotations

import subprocess
import sys
import tempfile

import pytest

from checks import gitcredential

HELPER = [sys.executable, "-I", "-S", gitcredential.__file__]


def ask(question: str, origin: str, action: str = "get") -> str:
    with tempfile.TemporaryFile() as secret:
        secret.write(b"ada\ns3cret")
        secret.flush()
        done = subprocess.run(
            [*HELPER, str(secret.fileno()), origin, action],
            input=question,
            text=True,
            capture_output=True,
            check=True,
            pass_fds=(secret.fileno(),),
        )
    return done.stdout


@pytest.mark.parametrize(
    ("question", "origin"),
    [
        ("protocol=https\nhost=forge.example\n\n", "https://forge.example:443"),
        ("protocol=https\nhost=forge.example:8443\npath=x\n", "https://forge.example:8443"),
        ("protocol=http\nhost=127.0.0.1:8000\n\n", "http://127.0.0.1:8000"),
        ("protocol=https\nhost=[2a00::1]\n", "https://[2a00::1]:443"),
        ("protocol=https\nhost=[2a00::1]:8443\n", "https://[2a00::1]:8443"),
    ],
)
def test_the_expected_origin_gets_the_credential(question: str, origin: str) -> None:
    assert ask(question, origin) == "username=ada\npassword=s3cret\n"


@pytest.mark.parametrize(
    ("question", "action"),
    [
        ("protocol=https\nhost=evil.example\n", "get"),
        ("protocol=http\nhost=forge.example\n", "get"),
        ("protocol=https\nhost=forge.example:8443\n", "get"),
        ("protocol=https\nhost=forge.example.evil.example\n", "get"),
        ("host=forge.example\n", "get"),
        ("", "get"),
        ("protocol=https\nhost=forge.example\n", "store"),
        ("protocol=https\nhost=forge.example\n", "erase"),
    ],
)
def test_anything_else_gets_no_answer(question: str, action: str) -> None:
    assert ask(question, "https://forge.example:443", action) == ""
