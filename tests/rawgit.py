"""Writes git objects byte by byte, also those that no honest git would write."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from pathlib import Path

PERSON = b"Dev <dev@example.com> 1700000000 +0000"


class RawRepository:
    """A bare repository of loose objects.

    Args:
        git_dir: Folder to make it in.
        digits: 40 for SHA-1, 64 for SHA-256.
    """

    def __init__(self, git_dir: Path, *, digits: int = 40) -> None:
        self.git_dir = git_dir
        self._hash = hashlib.sha1 if digits == 40 else hashlib.sha256
        for name in ("objects/pack", "refs/heads", "refs/tags"):
            (git_dir / name).mkdir(parents=True)
        (git_dir / "HEAD").write_text("ref: refs/heads/main\n")
        version = 1 if digits == 64 else 0
        config = f"[core]\n\trepositoryformatversion = {version}\n\tbare = true\n"
        extension = "[extensions]\n\tobjectFormat = sha256\n" if digits == 64 else ""
        (git_dir / "config").write_text(config + extension)

    def write(self, kind: str, content: bytes) -> str:
        whole = b"%s %d\0%s" % (kind.encode(), len(content), content)
        oid = self._hash(whole).hexdigest()
        place = self.place(oid)
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(zlib.compress(whole, 1))
        return oid

    def place(self, oid: str) -> Path:
        return self.git_dir / "objects" / oid[:2] / oid[2:]

    def blob(self, content: bytes = b"x\n") -> str:
        return self.write("blob", content)

    def tree(self, entries: Iterable[tuple[str, bytes, str]]) -> str:
        parts = [
            mode.encode() + b" " + name + b"\0" + bytes.fromhex(o) for mode, name, o in entries
        ]
        return self.write("tree", b"".join(parts))

    def commit(
        self,
        tree: str,
        parents: Iterable[str] = (),
        *,
        author: bytes = PERSON,
        committer: bytes = PERSON,
        message: bytes = b"feat: start\n",
        branch: str = "main",
        headers: bytes = b"",
    ) -> str:
        lines = [b"tree " + tree.encode(), *(b"parent " + each.encode() for each in parents)]
        lines += [b"author " + author, b"committer " + committer]
        oid = self.write("commit", b"\n".join(lines) + b"\n" + headers + b"\n" + message)
        if branch:
            self.ref(f"refs/heads/{branch}", oid)
        return oid

    def ref(self, name: str, oid: str) -> None:
        place = self.git_dir / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(oid + "\n")
