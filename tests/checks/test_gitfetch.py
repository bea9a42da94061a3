"""Mirrors of real repositories, over real http, from servers that mean well and others."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks import gitfetch
from checks.cloneurl import ClonePolicy, UrlError, parse
from checks.gitfaults import FetchError
from checks.gitfetch import Fetched, Probe, Remote
from checks.gitrunner import Credential, run, session
from checks.gitwatch import Progress
from tests.checks.fetching import LIMITS, POLICY, SECRET, credential, fetch, probe, refs
from tests.gitservers import GitServer, Mode, Origin, certificate, eventually, git


def test_a_mirror_holds_branches_and_tags_and_knows_no_remote(
    server: GitServer, origin: Origin, place: Path
) -> None:
    other = origin.commit({"b.py": "y = 2\n"}, branch="feature/b")
    git(origin.git_dir, "tag", "v1", other)
    git(origin.git_dir, "update-ref", "refs/pull/1/head", other)
    git(origin.git_dir, "update-ref", "refs/replace/" + other, origin.top())
    seen: list[Progress] = []
    fetched = fetch(server, place, progress=seen.append)
    assert fetched == Fetched(place, origin.top(), "main", "main", ("feature/b", "main"))
    assert refs(place) == {
        "refs/heads/main": origin.top(),
        "refs/heads/feature/b": other,
        "refs/tags/v1": other,
    }
    assert seen[-1] == Progress("receiving", 100, 6, 6)
    assert "remote" not in (place / "config").read_text()
    assert not (place / "hooks").exists()


def test_a_second_fetch_brings_only_what_is_new(
    server: GitServer, origin: Origin, place: Path
) -> None:
    fetch(server, place)
    server.requests.clear()
    assert fetch(server, place).commit == origin.top()
    assert all("git-upload-pack" in path for _, path, _ in server.requests)
    assert len(server.requests) == 2
    new = origin.commit({"app.py": "x = 2\n"})
    assert fetch(server, place, "main").commit == new


def test_a_deleted_branch_leaves_the_mirror_and_makes_room_for_a_longer_name(
    server: GitServer, origin: Origin, place: Path
) -> None:
    origin.commit({"a.py": ""}, branch="topic")
    fetch(server, place)
    origin.delete("topic")
    origin.commit({"a.py": ""}, branch="topic/part")
    assert fetch(server, place).branches == ("main", "topic/part")
    with pytest.raises(FetchError) as caught:
        fetch(server, place, "topic")
    assert caught.value.code == "branch-missing"


def test_a_renamed_default_branch_is_found(server: GitServer, origin: Origin, place: Path) -> None:
    fetch(server, place)
    origin.commit({"a.py": ""}, branch="trunk")
    origin.set_head("trunk")
    origin.delete("main")
    fetched = fetch(server, place)
    assert (fetched.branch, fetched.default_branch) == ("trunk", "trunk")


def test_states_without_a_usable_branch_have_names_of_their_own(
    server: GitServer, place: Path
) -> None:
    origin = Origin.create(server.root / "shop.git")
    assert probe(server) == Probe(probe(server).url, "", (), empty=True)
    with pytest.raises(FetchError) as caught:
        fetch(server, place)
    assert caught.value.code == "empty"
    commit = origin.commit({"a.py": ""}, branch="work")
    with pytest.raises(FetchError) as caught:
        fetch(server, place)
    assert caught.value.code == "branch-missing"
    assert "default branch" in caught.value.sentence
    git(origin.git_dir, "tag", "v1", commit)
    origin.delete("work")
    with pytest.raises(FetchError) as caught:
        fetch(server, place)
    assert caught.value.code == "no-branch"
    assert not place.exists()


def test_a_detached_head_leaves_the_choice_to_a_person(
    server: GitServer, origin: Origin, place: Path
) -> None:
    (origin.git_dir / "HEAD").write_text(origin.top() + "\n")
    assert probe(server).default_branch == ""
    with pytest.raises(FetchError, match="choose another branch"):
        fetch(server, place)
    assert fetch(server, place, "main").commit == origin.top()


MISBEHAVIOUR: list[tuple[Mode, str]] = [
    ("login-page", "not-a-git-server"),
    ("page-at-pack", "not-a-git-server"),
    ("missing", "not-found"),
    ("broken", "unreachable"),
    ("hang", "timeout"),
    ("drip", "timeout"),
    ("endless-refs", "timeout"),
    ("hang-at-pack", "timeout"),
    ("says-err", "failed"),
]


@pytest.mark.parametrize(("mode", "code"), MISBEHAVIOUR)
def test_a_misbehaving_server_costs_one_clear_sentence_and_not_the_mirror(
    server: GitServer, origin: Origin, place: Path, mode: Mode, code: str
) -> None:
    fetch(server, place)
    before = refs(place)
    origin.commit({"app.py": "new = 1\n"})
    server.mode = mode
    with pytest.raises(FetchError) as caught:
        fetch(server, place)
    assert caught.value.code == code
    assert refs(place) == before
    assert not list(place.rglob("tmp_*")) + list(place.rglob("*.lock"))
    assert "glpat" not in caught.value.detail
    assert "\x1b" not in caught.value.detail
    assert not eventually(lambda: _children_of(place), seconds=0.2)


def _children_of(place: Path) -> list[str]:
    """Processes whose environment names this mirror."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"GIT_DIR={place}\0".encode() in entry.read_bytes():
                found.append(entry.parent.name)
        except OSError:
            continue
    return found


def test_an_address_without_git_is_named_before_a_mirror_is_made(
    server: GitServer, origin: Origin, place: Path
) -> None:
    server.mode = "login-page"
    with pytest.raises(FetchError) as caught:
        probe(server)
    assert caught.value.code == "not-a-git-server"
    with pytest.raises(FetchError):
        fetch(server, place)
    assert not place.exists()


def test_a_redirect_is_never_followed(server: GitServer, origin: Origin, tmp_path: Path) -> None:
    with GitServer(tmp_path / "elsewhere") as elsewhere:
        Origin.create(elsewhere.root / "shop.git").commit({"a.py": ""})
        server.mode, server.target = "redirect", f"http://127.0.0.1:{elsewhere.port}"
        server.login = ("ada", SECRET)
        with pytest.raises(FetchError) as caught:
            probe(server, credential=credential(server))
        assert caught.value.code == "redirect"
        assert caught.value.address == ""
        assert elsewhere.requests == []


def test_a_move_within_the_server_is_offered_as_a_new_address(
    server: GitServer, origin: Origin
) -> None:
    server.mode, server.target = "redirect", server.url("moved")
    with pytest.raises(FetchError) as caught:
        probe(server)
    assert caught.value.address == server.url("moved/shop.git")
    assert caught.value.address in caught.value.sentence


def test_a_wanted_credential_is_asked_for_and_a_wrong_one_is_named(
    server: GitServer, origin: Origin, place: Path
) -> None:
    server.login = ("ada", SECRET)
    for given, code in ((None, "auth-required"), (credential(server, "wrong"), "auth-failed")):
        with pytest.raises(FetchError) as caught:
            fetch(server, place, credential=given)
        assert caught.value.code == code
    assert fetch(server, place, credential=credential(server)).commit == origin.top()


def test_a_credential_is_not_shown_to_another_host(
    server: GitServer, origin: Origin, place: Path
) -> None:
    server.login = ("ada", SECRET)
    elsewhere = Credential("http://127.0.0.1:1", "ada", SECRET)
    with pytest.raises(FetchError) as caught:
        fetch(server, place, credential=elsewhere)
    assert caught.value.code == "auth-required"
    assert {authorization for _, _, authorization in server.requests} == {""}


def test_a_credential_stands_in_no_argument_no_environment_and_no_file(
    server: GitServer, origin: Origin, place: Path
) -> None:
    server.login = ("ada", SECRET)
    fetch(server, place, credential=credential(server))
    origin.commit({"a.py": ""})
    server.mode = "hang-at-pack"
    caught: list[FetchError] = []

    def fetching() -> None:
        try:
            fetch(server, place, credential=credential(server))
        except FetchError as error:
            caught.append(error)

    thread = threading.Thread(target=fetching)
    thread.start()
    assert eventually(lambda: len(_children_of(place)) >= 3)
    for pid in _children_of(place):
        for name in ("cmdline", "environ"):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # it has ended
                assert SECRET.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
    thread.join()
    assert SECRET not in caught[0].detail
    for file in (path for path in place.rglob("*") if path.is_file()):
        assert SECRET.encode() not in file.read_bytes()


def test_a_line_break_in_a_credential_is_refused() -> None:
    with pytest.raises(ValueError, match="line breaks"):
        Credential("https://forge.example:443", "ada", "secret\nhost=evil.example")


def test_a_repository_larger_than_allowed_is_left(
    server: GitServer, origin: Origin, place: Path
) -> None:
    origin.commit({"big.bin": os.urandom(400_000)})
    with pytest.raises(FetchError) as caught:
        fetch(server, place, limits=dataclasses.replace(LIMITS, bytes=100_000))
    assert caught.value.code == "too-large"
    assert sorted(path.name for path in place.parent.iterdir()) == ["1.git.lock"]


def test_a_longer_list_of_references_than_allowed_is_left(
    server: GitServer, origin: Origin
) -> None:
    git(
        origin.git_dir,
        "update-ref",
        "--stdin",
        stdin="".join(f"create refs/heads/b{n} {origin.top()}\n" for n in range(200)),
    )
    with pytest.raises(FetchError) as caught:
        probe(server, limits=dataclasses.replace(LIMITS, listing_bytes=2000))
    assert caught.value.code == "too-large"


def test_no_fetch_begins_on_a_full_disk(server: GitServer, origin: Origin, place: Path) -> None:
    with pytest.raises(FetchError) as caught:
        fetch(server, place, limits=dataclasses.replace(LIMITS, free_bytes=2**60))
    assert caught.value.code == "disk"
    assert server.requests == []


def test_an_unusable_reference_does_not_stand_in_the_way_of_the_wanted_one(
    server: GitServer, origin: Origin, place: Path
) -> None:
    fetch(server, place)
    # A name that packed references can hold but no file system can.
    packed = (
        f"# pack-refs with: peeled fully-peeled sorted \n{origin.top()} refs/heads/{'n' * 300}\n"
    )
    (origin.git_dir / "packed-refs").write_text(packed)
    new = origin.commit({"app.py": "x = 9\n"})
    fetched = fetch(server, place)
    assert (fetched.commit, fetched.partial) == (new, True)


def test_a_server_that_lost_an_old_object_is_judged_at_its_head_until_it_has_it_again(
    server: GitServer, origin: Origin, place: Path
) -> None:
    origin.commit({"large.py": "old = 1\n"})
    lost = git(origin.git_dir, "rev-parse", "HEAD:large.py")
    head = origin.commit({"large.py": "new = 2\n"})
    stored = origin.git_dir / "objects" / lost[:2] / lost[2:]
    content = stored.read_bytes()
    stored.unlink()
    fetched = fetch(server, place)
    assert (fetched.commit, fetched.partial) == (head, True)
    assert (place / "shallow").exists()
    stored.write_bytes(content)
    newer = origin.commit({"large.py": "newer = 3\n"})
    again = fetch(server, place)
    assert (again.commit, again.partial) == (newer, False)
    assert not (place / "shallow").exists()


def test_odd_branch_names_are_mirrored_byte_for_byte(
    server: GitServer, origin: Origin, place: Path
) -> None:
    name = b"refs/heads/caf\xe9 ".strip() + b"\xff"
    git(
        origin.git_dir,
        "update-ref",
        "--stdin",
        stdin=b"create %s %s\n" % (name, origin.top().encode()),
    )
    git(origin.git_dir, "tag", "main", origin.commit({"x": "1"}, branch="other"))
    fetched = fetch(server, place)
    assert fetched.commit == origin.top("main")
    assert name.decode("utf-8", "surrogateescape").removeprefix("refs/heads/") in fetched.branches


def test_a_sha256_repository_is_mirrored(server: GitServer, place: Path) -> None:
    origin = Origin.create(server.root / "shop.git", object_format="sha256")
    commit = origin.commit({"a.py": ""})
    assert len(commit) == 64
    assert fetch(server, place).commit == commit


def test_hostile_trees_are_refused(server: GitServer, origin: Origin, place: Path) -> None:
    blob = git(origin.git_dir, "hash-object", "-w", "--stdin", stdin="x")
    inner = git(origin.git_dir, "mktree", stdin=f"100644 blob {blob}\tconfig\n")
    tree = bytes.fromhex(inner)
    evil = git(
        origin.git_dir,
        *("hash-object", "-t", "tree", "-w", "--literally", "--stdin"),
        stdin=b"40000 .git\0" + tree,
    )
    commit = git(origin.git_dir, "commit-tree", evil, "-m", "evil")
    git(origin.git_dir, "update-ref", "refs/heads/main", commit)
    with pytest.raises(FetchError) as caught:
        fetch(server, place)
    assert caught.value.code == "corrupt"
    assert not place.exists()


def test_nothing_is_left_when_the_caller_is_interrupted(
    server: GitServer, origin: Origin, place: Path
) -> None:
    class Stop(BaseException):
        pass

    def interrupt(progress: Progress) -> None:
        raise Stop

    with pytest.raises(Stop):
        fetch(server, place, progress=interrupt)
    assert not _children_of(place.with_name("1.git.new"))
    assert sorted(path.name for path in place.parent.iterdir()) == ["1.git.lock"]


def test_a_killed_caller_leaves_no_process(
    server: GitServer, origin: Origin, place: Path, tmp_path: Path
) -> None:
    fetch(server, place)
    origin.commit({"a.py": ""})
    server.mode = "hang-at-pack"
    script = (
        "import sys; from pathlib import Path; from checks.cloneurl import ClonePolicy\n"
        "from checks.gitfetch import fetch; from checks.gitwatch import Limits\n"
        "policy = ClonePolicy.from_environment({'STRAIGHTEDGE_CLONE_ALLOWED_HOSTS': '127.0.0.1'})\n"
        "fetch(sys.argv[1], Path(sys.argv[2]), policy=policy, limits=Limits(grace=1))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, server.url("shop.git"), str(place)]
    ) as caller:
        assert eventually(lambda: len(_children_of(place)) >= 3)
        caller.kill()
    assert eventually(lambda: not _children_of(place), seconds=5)
    server.mode = "git"
    assert fetch(server, place).commit == origin.top()


def test_the_listing_is_what_a_periodic_look_needs(server: GitServer, origin: Origin) -> None:
    seen = gitfetch.ls_remote(server.url("shop.git"), policy=POLICY, limits=LIMITS)
    assert seen == Remote("main", {"refs/heads/main": origin.top()})
    assert seen.head("main") == origin.top()
    assert seen.head("none") == ""


def test_a_host_that_is_not_public_is_refused_before_anything_is_sent(
    server: GitServer, origin: Origin
) -> None:
    with pytest.raises(UrlError):
        gitfetch.probe(server.url("shop.git"))
    with pytest.raises(FetchError) as caught:
        gitfetch.probe(f"https://127.0.0.1:{server.port}/shop.git")
    assert caught.value.code == "host-refused"
    assert server.requests == []


def test_an_unreachable_server_and_a_wrong_protocol_are_named(server: GitServer) -> None:
    for address, code in (
        ("http://127.0.0.1:9/x", "unreachable"),
        (f"https://127.0.0.1:{server.port}/x", "tls"),
        ("https://does-not-exist.invalid/x", "unreachable"),
    ):
        with pytest.raises(FetchError) as caught:
            gitfetch.probe(address, policy=POLICY, limits=LIMITS)
        assert caught.value.code == code


@pytest.mark.parametrize("mode", ["git", "login-page"])
def test_what_git_is_told_by_the_caller_s_environment_has_no_effect(
    server: GitServer, origin: Origin, monkeypatch: pytest.MonkeyPatch, mode: Mode, tmp_path: Path
) -> None:
    evil = tmp_path / "gitconfig"
    evil.write_text(f'[url "http://127.0.0.1:1/"]\n\tinsteadOf = {server.url("")}\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(evil))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert probe(server).default_branch == "main"


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[GitServer]:
    """A git server whose certificate for ``localhost`` nobody but itself vouches for."""
    (tmp_path / "certificates").mkdir()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path / "certificates", "localhost"))
    with GitServer(tmp_path / "served", tls=context) as running:
        Origin.create(running.root / "shop.git").commit({"app.py": ""})
        yield running


def test_a_certificate_has_to_be_vouched_for_by_somebody_the_operator_trusts(
    encrypted: GitServer, tmp_path: Path
) -> None:
    opened = {"STRAIGHTEDGE_CLONE_ALLOWED_HOSTS": "localhost,127.0.0.1"}
    trusting = ClonePolicy.from_environment(opened | {"STRAIGHTEDGE_HOME": str(tmp_path)})
    address = f"https://localhost:{encrypted.port}/shop.git"
    assert gitfetch.probe(address, policy=trusting, limits=LIMITS).default_branch == "main"
    for url, policy in (
        (address, ClonePolicy.from_environment(opened)),
        (encrypted.url("shop.git"), trusting),
    ):
        with pytest.raises(FetchError) as caught:
            gitfetch.probe(url, policy=policy, limits=LIMITS)
        assert caught.value.code == "tls"


def test_git_goes_to_the_pinned_address_and_asks_nobody_for_the_name(
    encrypted: GitServer, tmp_path: Path
) -> None:
    context = encrypted.tls
    assert context is not None
    context.load_cert_chain(certificate(tmp_path / "certificates", "forge.invalid"))
    url = parse(f"https://forge.invalid:{encrypted.port}/shop.git")
    policy = ClonePolicy(trust=tmp_path)
    with session(url, ["127.0.0.1"], policy=policy, limits=LIMITS) as shared:
        listed = run(["ls-remote", "--", url.text], shared)
    assert listed.stderr == ""
    assert b"refs/heads/main" in listed.stdout
