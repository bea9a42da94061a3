"""How git is started: what it is told, what it inherits, when it is ended."""

from __future__ import annotations

import dataclasses
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from checks import gitguard
from checks.cloneurl import ClonePolicy, parse
from checks.gitfaults import FetchError
from checks.gitrunner import Credential, Session, run, session
from checks.gitwatch import Limits
from tests.gitservers import eventually

LIMITS = Limits(seconds=8, short_seconds=4, grace=1)
SECRET = "-----BEGIN OPENSSH PRIVATE KEY-----\ns3cret\n-----END OPENSSH PRIVATE KEY-----"
ADDRESS = "ssh://git@forge.example:2222/team/shop.git"


def config(shared: Session) -> dict[str, str]:
    environ = shared.environ
    return {
        environ[f"GIT_CONFIG_KEY_{number}"]: environ[f"GIT_CONFIG_VALUE_{number}"]
        for number in range(int(environ["GIT_CONFIG_COUNT"]))
    }


def ssh_options(shared: Session) -> dict[str, str]:
    words = shlex.split(shared.environ["GIT_SSH_COMMAND"])
    assert words[:3] == ["ssh", "-F", "/dev/null"]
    assert all(word.startswith("-o") for word in words[3:])
    return dict(word[2:].split("=", 1) for word in words[3:])


def test_nothing_of_the_callers_environment_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "GIT_PROXY_COMMAND"):
        monkeypatch.setenv(name, "leaked")
    with session(None, (), limits=LIMITS) as shared:
        assert "leaked" not in shared.environ.values()
        assert list((shared.folder / "home").iterdir()) == []
    assert not shared.folder.exists()


def test_only_the_transport_of_the_address_is_open() -> None:
    with session(None, (), limits=LIMITS) as shared:
        assert shared.environ["GIT_ALLOW_PROTOCOL"] == "none"
        assert config(shared)["protocol.allow"] == "never"
    with session(parse("https://forge.example/a"), ["8.8.8.8"], limits=LIMITS) as shared:
        opened = [name for name, value in config(shared).items() if value == "always"]
        assert opened == ["protocol.https.allow"]
        assert shared.environ["GIT_ALLOW_PROTOCOL"] == "https"


def test_the_connection_is_pinned_to_the_addresses_that_were_checked() -> None:
    url = parse("https://forge.example:8443/a")
    with session(url, ["8.8.8.8", "2606:4700::1111"], limits=LIMITS) as shared:
        pinned = config(shared)["http.curloptResolve"]
        assert pinned == "forge.example:8443:8.8.8.8,[2606:4700::1111]"
    with session(parse(ADDRESS), ["8.8.8.8", "1.1.1.1"], limits=LIMITS) as shared:
        assert ssh_options(shared)["HostName"] == "8.8.8.8"
        assert ssh_options(shared)["HostKeyAlias"] == "[forge.example]:2222"


def test_an_ssh_key_is_a_private_file_for_the_time_of_the_conversation(tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text("operator key")
    credential = Credential("ssh://forge.example:2222", "git", SECRET, host_keys="person key")
    policy = ClonePolicy(trust=tmp_path)
    with session(
        parse(ADDRESS), ["8.8.8.8"], limits=LIMITS, credential=credential, policy=policy
    ) as shared:
        options = ssh_options(shared)
        key = Path(options["IdentityFile"])
        assert key.read_text() == SECRET + "\n"
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        known = Path(options["UserKnownHostsFile"]).read_text()
        assert known == "person key\noperator key\n"
        assert options["StrictHostKeyChecking"] == "yes"
    assert not key.exists()


def test_an_ssh_key_of_another_host_is_left_out() -> None:
    credential = Credential("ssh://other.example:22", "git", SECRET)
    with session(parse(ADDRESS), ["8.8.8.8"], limits=LIMITS, credential=credential) as shared:
        assert ssh_options(shared)["IdentityFile"] == "none"


def test_an_operator_may_trust_an_authority_for_one_host(tmp_path: Path) -> None:
    (tmp_path / "certificates").mkdir()
    (tmp_path / "certificates" / "forge.example.pem").touch()
    policy = ClonePolicy(trust=tmp_path)
    for host, trusted in (("forge.example", True), ("other.example", False)):
        url = parse(f"https://{host}/a")
        with session(url, ["8.8.8.8"], limits=LIMITS, policy=policy) as shared:
            assert ("http.sslCAInfo" in config(shared)) is trusted


def test_a_server_that_speaks_no_ssh_is_named(tmp_path: Path) -> None:
    from checks import gitfetch

    policy = ClonePolicy.from_environment({"STRAIGHTEDGE_CLONE_ALLOWED_HOSTS": "127.0.0.1"})
    with pytest.raises(FetchError) as caught:
        gitfetch.probe("ssh://git@127.0.0.1:9/x", policy=policy, limits=LIMITS)
    assert caught.value.code == "unreachable"


def test_output_input_and_exit_code_come_back() -> None:
    with session(None, (), limits=LIMITS) as shared:
        hashed = run(["hash-object", "--stdin"], shared, stdin=b"x" * 200_000)
        assert (hashed.code, len(hashed.stdout)) == (0, 41)
        failed = run(["rev-parse", "--verify", "none"], shared)
        assert failed.code == 128
        assert "not a git repository" in failed.stderr


def test_a_program_that_takes_too_long_is_ended() -> None:
    with session(None, (), limits=LIMITS) as shared:
        finished = run(["-c", "alias.wait=!sleep 60", "wait"], shared, seconds=0.5)
    assert finished.overrun == "timeout"


def test_more_output_than_allowed_ends_the_program() -> None:
    limits = dataclasses.replace(LIMITS, listing_bytes=10_000)
    with session(None, (), limits=limits) as shared:
        finished = run(["-c", "alias.flood=!yes", "flood"], shared)
    assert finished.overrun == "too-large"
    assert len(finished.stdout) < 200_000


def test_complaints_are_kept_to_their_last_part() -> None:
    with session(None, (), limits=LIMITS) as shared:
        flood = "alias.flood=!seq 100000 >&2; echo the end >&2; false"
        finished = run(["-c", flood, "flood"], shared)
    assert finished.stderr.endswith("the end\n")
    assert len(finished.stderr) <= 8192


def test_a_program_that_ignores_its_end_is_killed_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "child"
    stubborn = f'trap "" TERM; (trap "" TERM; echo $$ > {mark}; sleep 60) & sleep 61'
    guard, limits = (
        [sys.executable, "-I", "-S", gitguard.__file__],
        ["2000000000"] * 2 + ["60", "1"],
    )
    with (
        (tmp_path / "input").open("w+b") as given,
        subprocess.Popen(
            [*guard, *limits, str(given.fileno()), "/bin/sh", "-c", stubborn],
            stdin=subprocess.PIPE,
            pass_fds=(given.fileno(),),
            start_new_session=True,
        ) as process,
    ):
        assert eventually(mark.exists)
        group = int(mark.read_text())
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 137
    assert not Path(f"/proc/{group}").exists()
