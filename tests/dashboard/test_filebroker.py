"""Messages in files: whoever looks sees a whole one or none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection
from kombu.transport import filesystem
from kombu.utils.json import dumps

import dashboard.celery  # noqa: F401  # names the transport

PAYLOAD = {"body": "scan 7"}


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[Any]:
    options = {f"data_folder_{way}": str(tmp_path) for way in ("in", "out")}
    options["control_folder"] = str(tmp_path / "control")
    with Connection("filesystem://localhost", transport_options=options) as made:
        yield made.channel()


def test_a_worker_that_looks_while_another_writes_sees_nothing_yet(
    channel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_text
    looked = []

    def look() -> None:
        with pytest.raises(Empty):
            channel._get("post")
        looked.append(True)

    def slowly(path: Path, text: str, **options: Any) -> int:
        write(path, text[:20], **options)
        look()
        return write(path, text, **options)

    def encoded(payload: Any) -> str:
        look()
        return dumps(payload)

    monkeypatch.setattr(Path, "write_text", slowly)
    monkeypatch.setattr(filesystem, "dumps", encoded)  # what kombu calls with the file open

    channel._put("post", PAYLOAD)

    assert looked
    assert channel._get("post") == PAYLOAD


def test_a_message_for_another_queue_is_left_alone(channel: Any) -> None:
    channel._put("fetch", PAYLOAD)

    with pytest.raises(Empty):
        channel._get("post")
    assert channel._get("fetch") == PAYLOAD
