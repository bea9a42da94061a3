"""Answer git's question for a credential, for one host only. A script.

    python -I -S gitcredential.py FD ORIGIN get

The user name and the secret are read from an inherited, unlinked file (descriptor FD): they stand
in no argument, no environment variable, no configuration and no name on a disk. git asks with
``protocol=`` and ``host=`` lines; a question for any other origin gets no answer.
"""

from __future__ import annotations

import os
import sys

_DEFAULT_PORTS = {"https": "443", "http": "80"}
_LONGEST = 65536


def _origin(question: dict[str, str]) -> str:
    protocol, host = question.get("protocol", ""), question.get("host", "")
    if not host.rpartition(":")[2].isdigit() or host.endswith("]"):
        host = f"{host}:{_DEFAULT_PORTS.get(protocol, '')}"
    return f"{protocol}://{host}"


def main(arguments: list[str]) -> int:
    """Print ``username=`` and ``password=`` when the question is for the expected origin."""
    descriptor, origin, action = int(arguments[0]), arguments[1], arguments[2]
    lines = [line.rstrip("\n").partition("=") for line in sys.stdin]
    question = {name: value for name, _, value in lines}
    if action != "get" or _origin(question).lower() != origin:
        return 0
    user, _, secret = os.pread(descriptor, _LONGEST, 0).decode("utf-8").partition("\n")
    sys.stdout.write(f"username={user}\npassword={secret}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
