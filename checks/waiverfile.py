"""Waivers as a file: read, with every mistake named at its line, and written.

The file is ``.straightedge/waivers.toml`` at the root of a repository, read at the judged commit.
An entry with a mistake waives nothing and spoils no other.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from checks import toml
from checks.model import WAIVER_FILE, Report, WaiverResult
from checks.pathpatterns import is_pattern
from checks.source import Source
from checks.waivers import ROOT, Waiver

PATH = WAIVER_FILE
MOST = 500
"""Entries that are read of one file."""
_TEXTS = ("path", "check", "clause", "fingerprint", "component", "reason", "author", "approver")
_SCOPE = ("fingerprint", "path", "clause")
_FIELDS = (*_TEXTS, "expires", "count")
_HEAD = re.compile(r"\s*\[\[\s*waiver\s*\]\]")
_LONGEST = {"reason": 4000, "path": 1000, "component": 1000}


class WaiverFile(msgspec.Struct, frozen=True):
    """What a file holds.

    Attributes:
        waivers: Its sound entries, in their order.
        wrong: Entries that waive nothing, with what is wrong and the line.
        lines: Where each sound entry begins, by its id.
    """

    waivers: tuple[Waiver, ...] = ()
    wrong: tuple[WaiverResult, ...] = ()
    lines: Mapping[str, int] = {}


def of(source: Source) -> WaiverFile:
    """The waivers of a repository at the commit that is read; none without the file."""
    entry = next((each for each in source.tree() if each.path == PATH), None)
    if entry is None:
        return WaiverFile()
    if entry.kind not in ("file", "executable") or entry.size > toml.MAX_BYTES:
        return WaiverFile(wrong=(_wrong(PATH, "it is no file of a readable size"),))
    content = dict(source.blobs([entry.oid])).get(entry.oid)
    return WaiverFile() if content is None else parse(content)


def parse(content: bytes) -> WaiverFile:
    """The waivers that the bytes of a file hold."""
    try:
        data = toml.loads(content)
    except toml.TomlRefused as error:
        return WaiverFile(wrong=(_wrong(PATH, str(error)),))
    entries = data.pop("waiver", [])
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        return WaiverFile(wrong=(_wrong(PATH, "waivers must be written as [[waiver]] tables"),))
    wrong = [_wrong(PATH, f"unknown field {name!r}") for name in data]
    lines = _lines(content.decode("utf-8-sig"), len(entries))
    sound: dict[str, Waiver] = {}
    starts: dict[str, int] = {}
    for entry, line in zip(entries[:MOST], lines, strict=False):
        where = f"line {line}" if line else f"entry {len(sound) + len(wrong) + 1}"
        faults = _faults(entry)
        waiver = None if faults else _waiver(entry)
        if waiver and waiver.id in sound:
            faults = [f"it is the same as the entry at line {starts[waiver.id]}"]
        if waiver is None or faults:
            wrong.append(_wrong(where, "; ".join(faults)))
        else:
            sound[waiver.id], starts[waiver.id] = waiver, line
    if len(entries) > MOST:
        wrong.append(_wrong(PATH, f"only the first {MOST} of {len(entries)} entries are read"))
    return WaiverFile(tuple(sound.values()), tuple(wrong), starts)


def render(waivers: Iterable[Waiver]) -> str:
    """The text of a file that holds these waivers; reading it gives them back."""
    parts = ["# Accepted exceptions. The format is described in docs/waivers.md of Straightedge."]
    for each in waivers:
        fields = [f"{name} = {_quoted(value)}" for name in _TEXTS if (value := getattr(each, name))]
        if each.expires:
            fields.append(f"expires = {each.expires.isoformat()}")
        fields.append(f"count = {each.absorbed}")
        parts.append("\n".join(["[[waiver]]", *fields]))
    return "\n\n".join(parts) + "\n"


def with_wrong(report: Report, file: WaiverFile) -> Report:
    """The report, naming the entries that waive nothing because they are wrong."""
    if not file.wrong:
        return report
    return msgspec.structs.replace(report, waivers=(*(report.waivers or ()), *file.wrong))


def _waiver(entry: Mapping[str, Any]) -> Waiver:
    """A sound entry. Its id comes from all it says, so an entry that is edited is another one."""
    texts = {name: entry[name] for name in _TEXTS if name in entry}
    # An entry for every folder keeps the id that it had before there were entries for one.
    names = [name for name in _TEXTS if name != "component" or name in texts]
    said = [*(texts.get(name, "") for name in names), str(entry.get("expires")), entry["count"]]
    digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:10]
    expires = entry.get("expires")
    return Waiver(id=f"file-{digest}", expires=expires, absorbed=entry["count"], **texts)


def _faults(entry: Mapping[str, Any]) -> list[str]:
    faults = [f"unknown field {name!r}" for name in entry if name not in _FIELDS]
    for name in _TEXTS:
        value = entry.get(name, "")
        if not isinstance(value, str) or (name in entry and not value.strip()):
            faults.append(f"{name} is not a text")
        elif len(value) > _LONGEST.get(name, 200):
            faults.append(f"{name} has more than {_LONGEST.get(name, 200)} characters")
        elif "\x00" in value:
            faults.append(f"{name} has a NUL character")
    path = entry.get("path")
    if isinstance(path, str) and not is_pattern(path):
        faults.append(f"path {path!r} is no pattern as in .gitignore")
    folder = entry.get("component")
    if isinstance(folder, str) and not is_folder(folder):
        faults.append(f"component {folder!r} is no folder as in services/api")
    if not any(name in entry for name in _SCOPE):
        faults.append("it names neither fingerprint, path nor clause")
    if "reason" not in entry:
        faults.append("reason is missing")
    expires, count = entry.get("expires"), entry.get("count")
    if "expires" in entry and (not isinstance(expires, date) or isinstance(expires, datetime)):
        faults.append("expires is not a date such as 2026-12-01")
    if type(count) is not int or not 1 <= count <= 1_000_000:
        faults.append("count is not the number of findings that it absorbs, at least 1")
    return faults


def is_folder(text: str) -> bool:
    """Whether a text names a folder the way judged folders are called, or "." for the root."""
    parts = text.split("/")
    return text == ROOT or not any(part in ("", ".", "..") for part in parts)


def _lines(text: str, entries: int) -> list[int]:
    """Where each entry begins; zeros where that cannot be told, as with inline tables."""
    found = [number for number, line in enumerate(text.split("\n"), 1) if _HEAD.match(line)]
    return found if len(found) == entries else [0] * entries


def _wrong(name: str, fault: str) -> WaiverResult:
    return WaiverResult(id=name, state="wrong", matched=0, absorbed=0, note=f"{fault}.")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
