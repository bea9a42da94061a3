"""Start git for the network and for mirrors: environment from nothing, limits on everything.

No repository is trusted: not its configuration, hooks, attributes or objects; no server is either.
:func:`run` starts one git program and returns when nothing of it is left; :mod:`checks.gitfetch`
says which programs, and :mod:`checks.gitfaults` what their complaints mean.
"""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from checks import gitcredential, gitguard
from checks.cloneurl import ClonePolicy, CloneUrl
from checks.facts.scratch import scratch_directory
from checks.gitread import SEARCH_PATH, git_program
from checks.gitwatch import Limits, Overrun, Progress, Watch

_FAULTS_OF_OLD_HISTORIES = (
    "badDate",
    "badDateOverflow",
    "badEmail",
    "badName",
    "badTimezone",
    "missingAuthor",
    "missingCommitter",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "missingTaggerEntry",
    "multipleAuthors",
    "zeroPaddedDate",
    "zeroPaddedFilemode",
    "badFilemode",
    "treeNotSorted",
    "nulInCommit",
)


@dataclass(frozen=True, slots=True)
class Credential:
    """Proof of who fetches, bound to one origin (``https://host:port``).

    Attributes:
        origin: The only place it may be sent to; see :attr:`checks.cloneurl.CloneUrl.origin`.
        user: User name; forges that take a bare token accept any.
        secret: Password, token, or the text of an ssh private key.
        host_keys: Lines of a ``known_hosts`` file that a person has confirmed for this host.
    """

    origin: str
    user: str = ""
    secret: str = field(default="", repr=False)
    host_keys: str = ""

    def __post_init__(self) -> None:
        """Refuse line breaks: they would add lines to git's credential protocol."""
        if not self.origin.startswith("ssh:") and not f"{self.user}{self.secret}".isprintable():
            raise ValueError("User name and secret must not contain line breaks or other controls.")

    def fits(self, url: CloneUrl) -> bool:
        """Whether it may be shown to the host of this address."""
        return bool(self.secret) and self.origin == url.origin


@dataclass(frozen=True, slots=True)
class Finished:
    """What a git program left: exit code, output, the last 8 kB of its complaints."""

    code: int
    stdout: bytes
    stderr: str
    overrun: Overrun = ""


@dataclass(frozen=True, slots=True)
class Session:
    """All that the programs of one conversation share; see :func:`session`.

    Attributes:
        folder: Private folder, in memory where possible; the working directory, removed at the
            end, by another conversation if this one is killed.
        environ: The whole environment of each program.
        inherited: Descriptors each program inherits: the credential, the mirror's lock.
        limits: See :class:`Limits`.
    """

    folder: Path
    environ: Mapping[str, str]
    inherited: tuple[int, ...]
    limits: Limits


@contextlib.contextmanager
def session(
    url: CloneUrl | None,
    addresses: Sequence[str],
    *,
    policy: ClonePolicy | None = None,
    limits: Limits,
    credential: Credential | None = None,
    inherited: tuple[int, ...] = (),
) -> Iterator[Session]:
    """Prepare a private folder, environment and credential for one conversation with ``url``.

    Args:
        url: The only address that may be spoken to; None allows no transport at all.
        addresses: What its host was resolved to; the connection is pinned to them.
        policy: Trust material of the operator.
        limits: See :class:`Limits`.
        credential: Left out silently when it is bound to another origin.
        inherited: Further descriptors the programs keep open.
    """
    policy = policy or ClonePolicy()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(scratch_directory())
        config = _base_config(limits)
        environ = _base_environ(folder)
        fitting = credential if credential and url and credential.fits(url) else None
        if url is not None:
            environ["GIT_ALLOW_PROTOCOL"] = _protocol(url)
            config.append((f"protocol.{_protocol(url)}.allow", "always"))
            if url.kind in {"https", "http"}:
                config += _http_config(url, addresses, policy)
                if fitting:
                    secret = stack.enter_context(
                        _unlinked(folder, f"{fitting.user}\n{fitting.secret}")
                    )
                    inherited = (*inherited, secret.fileno())
                    config.append(_helper_config(url, secret.fileno()))
            elif url.kind in {"ssh", "scp"}:
                key = _key_file(folder, fitting) if fitting else None
                known = _known_hosts(folder, fitting, policy)
                environ |= _ssh_environ(url, addresses, known, key)
            else:
                environ["GIT_CONFIG_GLOBAL"] = str(_trusting_file(folder, url))
        yield Session(folder, environ | _config_environ(config), inherited, limits)


def _protocol(url: CloneUrl) -> str:
    return {"scp": "ssh", "path": "file"}.get(url.kind, url.kind)


def _base_environ(folder: Path) -> dict[str, str]:
    home = folder / "home"
    home.mkdir()
    return {
        "PATH": f"{Path(git_program()).parent}:{SEARCH_PATH}",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
    }


def _base_config(limits: Limits) -> list[tuple[str, str]]:
    return [
        ("protocol.allow", "never"),
        ("http.followRedirects", "false"),
        ("http.proxy", ""),
        ("http.lowSpeedLimit", "1000"),
        ("http.lowSpeedTime", str(limits.silent_seconds)),
        ("credential.helper", ""),
        ("core.askPass", ""),
        ("core.hooksPath", "/dev/null"),
        ("core.fsmonitor", "false"),
        ("safe.bareRepository", "explicit"),
        ("transfer.bundleURI", "false"),
        ("transfer.fsckObjects", "true"),
        *((f"fetch.fsck.{fault}", "ignore") for fault in _FAULTS_OF_OLD_HISTORIES),
        ("submodule.recurse", "false"),
        ("gc.auto", "0"),
        ("maintenance.auto", "false"),
        ("pack.threads", "1"),
        ("core.bigFileThreshold", "16m"),
        ("core.packedGitWindowSize", "64m"),
        ("core.packedGitLimit", "1g"),
    ]


def _http_config(
    url: CloneUrl, addresses: Sequence[str], policy: ClonePolicy
) -> list[tuple[str, str]]:
    config = []
    if url.host not in addresses:
        targets = ",".join(f"[{text}]" if ":" in text else text for text in addresses)
        config.append(("http.curloptResolve", f"{url.host}:{url.port}:{targets}"))
    certificates = policy.trust / "certificates" / f"{url.host}.pem" if policy.trust else None
    if certificates is not None and certificates.exists():
        config.append(("http.sslCAInfo", str(certificates)))
    return config


def _helper_config(url: CloneUrl, descriptor: int) -> tuple[str, str]:
    """Make git ask our helper, and only for this origin."""
    words = [sys.executable, "-I", "-S", gitcredential.__file__, str(descriptor), url.origin]
    return f"credential.{url.origin}.helper", "!" + shlex.join(words)


def _config_environ(config: Sequence[tuple[str, str]]) -> dict[str, str]:
    environ = {"GIT_CONFIG_COUNT": str(len(config))}
    for number, (name, value) in enumerate(config):
        environ[f"GIT_CONFIG_KEY_{number}"] = name
        environ[f"GIT_CONFIG_VALUE_{number}"] = value
    return environ


@contextlib.contextmanager
def _unlinked(folder: Path, text: str) -> Iterator[IO[bytes]]:
    """A file without a name."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(text.encode("utf-8"))
        file.flush()
        yield file


def _key_file(folder: Path, credential: Credential) -> Path:
    """A key under a name, mode 0600, for this time only: ssh closes inherited descriptors."""
    path = folder / "key"
    path.touch(mode=0o600)
    path.write_text(credential.secret.strip() + "\n")
    return path


def _known_hosts(folder: Path, credential: Credential | None, policy: ClonePolicy) -> Path:
    """Confirmed host keys: those of the credential, and those of the operator."""
    texts = [credential.host_keys.encode()] if credential else []
    if policy.trust is not None and (policy.trust / "known_hosts").exists():
        texts.append((policy.trust / "known_hosts").read_bytes())
    path = folder / "known_hosts"
    path.write_bytes(b"\n".join([*texts, b""]))
    return path


def _ssh_environ(
    url: CloneUrl, addresses: Sequence[str], known: Path, key: Path | None
) -> dict[str, str]:
    alias = url.host if url.port == 22 else f"[{url.host}]:{url.port}"
    options = {
        "BatchMode": "yes",
        "IdentitiesOnly": "yes",
        "IdentityFile": str(key) if key else "none",
        "PreferredAuthentications": "publickey",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(known),
        "GlobalKnownHostsFile": "/dev/null",
        "HostName": addresses[0],
        "HostKeyAlias": alias,
        "ForwardAgent": "no",
        "ForwardX11": "no",
        "PermitLocalCommand": "no",
        "ConnectTimeout": "10",
        "ServerAliveInterval": "15",
    }
    words = ["ssh", "-F", "/dev/null", *(f"-o{name}={value}" for name, value in options.items())]
    return {"GIT_SSH_COMMAND": shlex.join(words), "GIT_SSH_VARIANT": "ssh"}


def _trusting_file(folder: Path, url: CloneUrl) -> Path:
    """Configuration of the serving side of a local fetch, which inherits no other.

    git refuses to serve a folder that another user owns; which folders may be read was decided by
    the operator, so that this one is named as safe.
    """
    path = folder / "config"
    quoted = url.path.replace("\\", "\\\\").replace('"', '\\"')
    path.write_text(f'[safe]\n\tdirectory = "{quoted}"\n\tdirectory = "{quoted}/.git"\n')
    return path


def run(
    arguments: Sequence[str],
    session: Session,
    *,
    git_dir: Path | None = None,
    stdin: bytes = b"",
    extra: Mapping[str, str] | None = None,
    seconds: float | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Finished:
    """Run ``git arguments…`` to its end and leave no process of it behind.

    Args:
        arguments: A fixed list; text from outside only after ``--`` or as a full reference name.
        session: Environment and limits.
        git_dir: The mirror that is worked on; its growth is watched once a second.
        stdin: Input of the program.
        extra: Further environment variables.
        seconds: Wall clock; ``limits.short_seconds`` when left out.
        progress: Called with each new percentage of a fetch.
    """
    limits = session.limits
    environ = {**session.environ, **(extra or {})} | ({"GIT_DIR": str(git_dir)} if git_dir else {})
    seconds = limits.short_seconds if seconds is None else seconds
    guard = [sys.executable, "-I", "-S", gitguard.__file__, str(limits.memory), str(limits.bytes)]
    guard += [str(max(1, int(seconds))), str(limits.grace)]
    # The input is a file: a pipe could fill up against a program that does not read.
    with tempfile.TemporaryFile(dir=session.folder) as given:
        given.write(stdin)
        given.seek(0)
        with subprocess.Popen(
            [*guard, str(given.fileno()), git_program(), *arguments],
            cwd=session.folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=(*session.inherited, given.fileno()),
        ) as process:
            watch = Watch(process, limits, seconds, git_dir, progress)
            try:
                watch.until_end()
            finally:
                _end(process, limits)
    return Finished(process.returncode, bytes(watch.output), watch.complaints(), watch.overrun)


def _end(process: subprocess.Popen[bytes], limits: Limits) -> None:
    """Cut the lifeline and wait: the guard needs ``grace`` seconds at most."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(limits.grace + 10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
