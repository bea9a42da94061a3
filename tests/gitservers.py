"""Real git over http on loopback: ``git http-backend`` behind a small server that can misbehave.

with GitServer(tmp_path / "served") as server:
    origin = Origin.create(server.root / "shop.git")
    origin.commit({"app.py": "x = 1\\n"})
    fetch(server.url("shop.git"), ...)
"""

from __future__ import annotations

import base64
import datetime
import os
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, override

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

type Mode = Literal[
    "git",  # a well-behaved git server
    "login-page",  # status 200 and a web page, whatever is asked
    "missing",  # 404
    "broken",  # 503
    "redirect",  # 302 to ``server.target`` + the path asked for
    "slow",  # answers, but only once another mode is set
    "hang",  # takes the request and says nothing
    "drip",  # headers, then a byte a second
    "endless-refs",  # an advertisement without an end
    "hang-at-pack",  # lists references, then says nothing
    "page-at-pack",  # lists references, then answers with a web page
    "says-err",  # a server message with a secret and control characters in it
]

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "LC_ALL": "C.UTF-8",
}
_PAGE = b"<!doctype html><title>Sign in</title><form>Please sign in</form>"


def git(git_dir: Path, *arguments: str, stdin: str | bytes = b"") -> str:
    """Run git as a test's own hand, with the user's configuration out of the way."""
    done = subprocess.run(
        ["git", *arguments],
        env={**IDENTITY, "PATH": os.environ["PATH"], "GIT_DIR": str(git_dir), "HOME": "/"},
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode("utf-8", "surrogateescape").strip()


@dataclass(frozen=True, slots=True)
class Origin:
    """A bare repository that a test writes to without a work tree."""

    git_dir: Path

    @classmethod
    def create(cls, git_dir: Path, *, branch: str = "main", object_format: str = "sha1") -> Self:
        """Make an empty repository whose HEAD names ``branch``."""
        git_dir.mkdir(parents=True)
        form = f"--object-format={object_format}"
        git(git_dir, "init", "--quiet", "--bare", "--template=", form, "-b", branch, str(git_dir))
        return cls(git_dir)

    def commit(
        self,
        files: Mapping[str, str | bytes],
        *,
        branch: str = "main",
        message: str = "Change",
        unrelated: bool = False,
        when: int = 1_700_000_000,
    ) -> str:
        """Commit these files (the whole tree) on a branch; returns the commit's id."""
        stream = [f"commit refs/heads/{branch}\n".encode("utf-8", "surrogateescape")]
        stream.append(f"committer Ada <ada@example.org> {when} +0000\n".encode())
        stream.append(_data(message.encode()))
        parent = "" if unrelated else self.top(branch)
        if parent:
            stream.append(f"from {parent}\n".encode())
        stream.append(b"deleteall\n")
        for path, content in files.items():
            body = content.encode() if isinstance(content, str) else content
            stream.append(f'M 100644 inline "{path}"\n'.encode() + _data(body))
        if unrelated:
            stream.insert(0, f"reset refs/heads/{branch}\n".encode())
        git(self.git_dir, "fast-import", "--quiet", "--force", stdin=b"".join(stream))
        return self.top(branch)

    def top(self, branch: str = "main") -> str:
        """Commit id at the top of a branch, "" for none."""
        name = f"refs/heads/{branch}"
        return git(self.git_dir, "for-each-ref", "--format=%(objectname)", name)

    def delete(self, branch: str) -> None:
        """Delete a branch."""
        git(self.git_dir, "update-ref", "-d", f"refs/heads/{branch}")

    def set_head(self, branch: str) -> None:
        """Make another branch the default one."""
        git(self.git_dir, "symbolic-ref", "HEAD", f"refs/heads/{branch}")


def certificate(folder: Path, host: str) -> Path:
    """A certificate for ``host`` that only itself vouches for, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{host}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


def _data(body: bytes) -> bytes:
    return f"data {len(body)}\n".encode() + body + b"\n"


@dataclass(slots=True)
class GitServer:
    """Serves all repositories below ``root``; every attribute may change while it runs.

    ``requests`` lists (method, path, authorization header) of what was asked.
    """

    root: Path
    login: tuple[str, str] | None = None
    mode: Mode = "git"
    target: str = ""
    tls: ssl.SSLContext | None = None
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None
    _ending: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self.root.mkdir(parents=True, exist_ok=True)
        outer: GitServer = self

        class Handler(_Handler):
            git_server = outer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None
        return int(self._server.server_address[1])

    def url(self, name: str) -> str:
        """Clone address of a repository below the root."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/{name}"

    def wait(self, seconds: float) -> bool:
        """Sleep; True when the server is ending."""
        return self._ending.wait(seconds)


class _Handler(BaseHTTPRequestHandler):
    git_server: GitServer
    protocol_version = "HTTP/1.1"

    @override
    def log_message(self, format: str, *args: object) -> None:
        return

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        server = self.git_server
        self.close_connection = True
        authorization = self.headers.get("Authorization", "")
        server.requests.append((self.command, self.path, authorization))
        if server.login is not None:
            wanted = base64.b64encode(":".join(server.login).encode()).decode()
            if authorization != f"Basic {wanted}":
                self._plain(401, b"", {"WWW-Authenticate": 'Basic realm="forge"'})
                return
        at_pack = self.command == "POST" and b"fetch" in self._body()[:200]
        try:
            self._in_mode(server.mode, at_pack)
        except (BrokenPipeError, ConnectionResetError):
            return

    def _in_mode(self, mode: Mode, at_pack: bool) -> None:
        server = self.git_server
        match mode:
            case "login-page":
                self._plain(200, _PAGE, {"Content-Type": "text/html"})
            case "page-at-pack" if at_pack:
                self._plain(200, _PAGE, {"Content-Type": "text/html"})
            case "missing":
                self._plain(404, b"no such thing")
            case "broken":
                self._plain(503, b"later")
            case "redirect":
                self._plain(302, b"", {"Location": server.target + self.path})
            case "slow":
                while server.mode == "slow" and not server.wait(0.02):
                    pass
                self._in_mode(server.mode, at_pack)
            case "hang":
                server.wait(60)
            case "hang-at-pack" if at_pack:
                server.wait(60)
            case "drip" | "endless-refs":
                self._advertise(0.2 if mode == "drip" else 0.0)
            case "says-err":
                text = b"ERR \x1b[31mtoken glpat-abcdefghijkl1234 at /srv/forge/secret/x\n"
                body = b"001e# service=git-upload-pack\n0000" + b"%04x" % (len(text) + 4) + text
                kind = "application/x-git-upload-pack-advertisement"
                self._plain(200, body, {"Content-Type": kind})
            case _:
                self._backend()

    def _plain(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _advertise(self, pause: float) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
        self.end_headers()
        self.wfile.write(b"001e# service=git-upload-pack\n0000")
        for number in range(10**9):
            line = b"%040x refs/heads/branch-%d\n" % (number + 1, number)
            self.wfile.write(b"%04x" % (len(line) + 4) + line)
            self.wfile.flush()
            if pause and self.git_server.wait(pause):
                return

    def _body(self) -> bytes:
        if not hasattr(self, "_read"):
            self._read = b"".join(self._chunks())
        return self._read

    def _chunks(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline().strip(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            yield self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _backend(self) -> None:
        path, _, query = self.path.partition("?")
        body = self._body()
        environ = {
            **IDENTITY,
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.git_server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], env=environ, input=body, capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        status, headers = 200, {}
        for line in head.decode("latin-1").split("\r\n"):
            name, _, value = line.partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            elif name:
                headers[name] = value
        self._plain(status, content, headers)


def eventually(question: object, seconds: float = 10.0) -> bool:
    """Ask again and again until the answer is true or time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if callable(question) and question():
            return True
        time.sleep(0.05)
    return False
