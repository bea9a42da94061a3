"""Messages as files: kombu's file transport, with each message put in place whole.

Kombu opens a file under its final name and writes afterwards. A worker that looks in between takes
an empty message, cannot read it, and ends.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from time import monotonic
from typing import Any, override

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """Puts a message beside the others under a name that nobody looks for, then renames it."""

    @override
    def _put(self, queue: str, *args: Any, **kwargs: Any) -> None:
        (message,) = args  # kombu's classes do not agree on its name
        folder = Path(self.data_folder_out)
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}"
        unfinished = folder / f"{name}.unfinished"
        try:
            unfinished.write_text(dumps(message), encoding="utf-8")
            unfinished.replace(folder / f"{name}.{queue}.msg")
        except OSError as error:
            raise ChannelError(f"The message cannot be added to {folder}: {error}") from error


class Transport(filesystem.Transport):
    """The transport with such channels."""

    Channel = Channel
