"""Repositories on the local disk: as little trusted as any server."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from checks import gitfetch
from checks.cloneurl import ClonePolicy
from checks.gitfaults import FetchError
from checks.gitfetch import Fetched
from checks.gitwatch import Limits
from tests.gitservers import Origin, git

LIMITS = Limits(seconds=8, short_seconds=4, grace=1, free_share=0.0)


def fetch(tmp_path: Path, source: Path) -> Fetched:
    (tmp_path / "mirrors").mkdir(exist_ok=True)
    policy = ClonePolicy(allowed_paths=(tmp_path / "open",))
    place = tmp_path / "mirrors" / "1.git"
    return gitfetch.fetch(str(source), place, policy=policy, limits=LIMITS)


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    made = Origin.create(tmp_path / "open" / "shop.git")
    made.commit({"app.py": "x = 1\n"})
    return made


def test_a_bare_repository_and_a_checkout_are_mirrored(tmp_path: Path, origin: Origin) -> None:
    assert fetch(tmp_path, origin.git_dir).commit == origin.top()
    checkout = tmp_path / "open" / "a checkout"
    git(origin.git_dir, "clone", "--quiet", "--no-hardlinks", str(origin.git_dir), str(checkout))
    assert fetch(tmp_path, checkout).branch == "main"


def test_a_repository_of_another_user_is_mirrored_when_its_folder_is_open(
    tmp_path: Path, origin: Origin
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    for path in (origin.git_dir, *origin.git_dir.rglob("*")):
        os.chown(path, 65534, 65534)
    assert fetch(tmp_path, origin.git_dir).commit == origin.top()


def test_configuration_hooks_and_attributes_of_the_source_have_no_effect(
    tmp_path: Path, origin: Origin
) -> None:
    mark = tmp_path / "ran"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {mark}\n")
    script.chmod(0o755)
    with (origin.git_dir / "config").open("a") as config:
        config.write(
            f"[core]\n\tfsmonitor = {script}\n\thooksPath = {tmp_path}\n\tsshCommand = {script}\n"
            f"\talternateRefsCommand = {script}\n\tpager = {script}\n"
            f"[uploadpack]\n\tpackObjectsHook = {script}\n"
            f'[filter "x"]\n\tsmudge = {script}\n\tclean = {script}\n'
            f'[remote "origin"]\n\turl = ext::{script}\n\tpromisor = true\n'
            "[extensions]\n\tpartialClone = origin\n"
        )
    (origin.git_dir / "hooks").mkdir()
    for name in ("post-upload", "reference-transaction", "post-checkout", "pre-auto-gc"):
        shutil.copy(script, origin.git_dir / "hooks" / name)
    (origin.git_dir / "info").mkdir(exist_ok=True)
    (origin.git_dir / "info" / "attributes").write_text("* filter=x\n")
    fetched = fetch(tmp_path, origin.git_dir)
    assert fetched.commit == origin.top()
    assert not mark.exists()
    assert str(script) not in (fetched.git_dir / "config").read_text()


def borrow_objects(git_dir: Path, other: Path) -> None:
    (git_dir / "objects" / "info").mkdir(exist_ok=True)
    (git_dir / "objects" / "info" / "alternates").write_text(f"{other}/objects\n")


def link_objects(git_dir: Path, other: Path) -> None:
    shutil.rmtree(git_dir / "objects")
    (git_dir / "objects").symlink_to(other / "objects")


def link_references(git_dir: Path, other: Path) -> None:
    shutil.rmtree(git_dir / "refs")
    (git_dir / "refs").symlink_to(other / "refs")


def share_a_common_folder(git_dir: Path, other: Path) -> None:
    (git_dir / "commondir").write_text(f"{other}\n")


def point_elsewhere(git_dir: Path, other: Path) -> None:
    (git_dir / ".git").write_text(f"gitdir: {other}\n")


def link_elsewhere(git_dir: Path, other: Path) -> None:
    (git_dir / ".git").symlink_to(other)


@pytest.mark.parametrize(
    "trick",
    [
        borrow_objects,
        link_objects,
        link_references,
        share_a_common_folder,
        point_elsewhere,
        link_elsewhere,
    ],
)
def test_a_repository_that_leads_to_another_is_refused(
    tmp_path: Path, origin: Origin, trick: object
) -> None:
    other = Origin.create(tmp_path / "closed" / "secret.git")
    other.commit({"secret.py": ""})
    assert callable(trick)
    trick(origin.git_dir, other.git_dir)
    with pytest.raises(FetchError) as caught:
        fetch(tmp_path, origin.git_dir)
    assert caught.value.code == "host-refused"
    assert not (tmp_path / "mirrors" / "1.git").exists()


def test_a_folder_without_a_repository_and_no_folder_are_named(tmp_path: Path) -> None:
    (tmp_path / "open" / "plain").mkdir(parents=True)
    (tmp_path / "open" / "a.bundle").write_text("# v2 git bundle\n")
    for name, code in (
        ("plain", "not-a-git-server"),
        ("none", "not-found"),
        ("a.bundle", "not-a-git-server"),
    ):
        with pytest.raises(FetchError) as caught:
            fetch(tmp_path, tmp_path / "open" / name)
        assert caught.value.code == code
