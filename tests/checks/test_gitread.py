"""git is started in one way, and nothing around it has a say."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from pathlib import Path

import pytest

from checks.errors import DamagedRepository, NotARepository, ReadLimit
from checks.gitread import Reading, environment, git_dir_of, git_program, output, running
from checks.gitsource import GitSource, resolve
from tests.materialise import Materialised, materialise
from tests.rawgit import RawRepository

TEXT = "#-- a.py\nA = 1\n#-- commit 2024-05-01 | feat: a\n#-- a.py\nA = 2\n"


@pytest.fixture
def example(tmp_path: Path) -> Materialised:
    return materialise(TEXT, tmp_path / "orders.git")


def everything(example: Materialised) -> object:
    source = GitSource(example.git_dir, resolve(example.git_dir))
    oids = [entry.oid for entry in source.tree()]
    assert resolve(example.git_dir, "main") == source.commit
    return (
        source.commit,
        list(source.tree()),
        list(source.blobs(oids)),
        source.history(),
        list(source.changes()),
        source.branches(),
    )


def waiting(example: Materialised, *, silence: float) -> contextlib.AbstractContextManager[Reading]:
    """A git that answers when it is asked, and waits otherwise."""
    arguments = ["cat-file", "--batch-check"]
    return running(example.git_dir, arguments, silence=silence, stdin=subprocess.PIPE)


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def test_the_environment_is_made_from_nothing(
    example: Materialised, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "/bin/false")
    env = environment(example.git_dir)
    assert not {"SECRET_TOKEN", "GIT_EXTERNAL_DIFF"} & env.keys()
    assert env["HOME"] == ""
    assert Path(git_program()).is_absolute()


def test_variables_around_us_have_no_say(
    example: Materialised, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(example)
    other = materialise("#-- other\n", tmp_path / "other.git")
    config = tmp_path / "config"
    config.write_text("[log]\n\tshowRoot = false\n[diff]\n\trenames = copies\n")
    monkeypatch.setenv("GIT_DIR", str(other.git_dir))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert everything(example) == before


HOSTILE_CONFIG = """
[core]
\tfsmonitor = {program}
\tpager = {program}
\tattributesFile = {folder}/attributes
\talternateRefsCommand = {program}
[pager]
\tlog = {program}
[gpg]
\tprogram = {program}
[log]
\tshowSignature = true
\tshowRoot = false
\tdiffMerges = on
\tmailmap = true
\tfollow = true
[format]
\tpretty = oneline
\tnotes = *
[diff]
\texternal = {program}
\torderFile = {folder}/order
\trelative = true
\tnoprefix = true
[diff "evil"]
\ttextconv = {program}
\tcommand = {program}
[filter "evil"]
\tsmudge = {program}
\tclean = {program}
[color]
\tui = always
[alias]
\tlog = !{program}
"""


def test_configuration_hooks_and_attributes_of_the_repository_start_nothing(
    example: Materialised, tmp_path: Path
) -> None:
    before = everything(example)
    mark = tmp_path / "started"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    with (example.git_dir / "config").open("a") as file:
        file.write(HOSTILE_CONFIG.format(program=program, folder=tmp_path))
    (tmp_path / "attributes").write_text("* diff=evil filter=evil\n")
    (tmp_path / "order").write_text("*.py\n")
    (example.git_dir / "hooks").mkdir()
    for name in ("post-index-change", "reference-transaction"):
        (example.git_dir / "hooks" / name).symlink_to(program)
    assert everything(example) == before
    assert not mark.exists()


def test_a_partial_clone_fetches_nothing(tmp_path: Path) -> None:
    raw = RawRepository(tmp_path / "raw.git")
    mark = tmp_path / "started"
    source = GitSource(raw.git_dir, raw.commit(raw.tree([("100644", b"a", "12" * 20)])))
    (raw.git_dir / "config").write_text(
        "[core]\n\trepositoryformatversion = 1\n\tbare = true\n"
        "[extensions]\n\tpartialClone = origin\n"
        f'[remote "origin"]\n\turl = ext::touch {mark}\n\tuploadpack = touch {mark};\n'
        "\tpromisor = true\n[protocol]\n\tallow = always\n"
        '[protocol "ext"]\n\tallow = always\n'
    )
    with pytest.raises(DamagedRepository):
        list(source.blobs(["12" * 20]))
    assert not mark.exists()


def test_replacements_and_grafts_have_no_effect(example: Materialised) -> None:
    before = everything(example)
    commits = GitSource(example.git_dir, example.commit).history()
    replace = example.git_dir / "refs/replace"
    replace.mkdir()
    (replace / example.commit).write_text(commits[1].oid + "\n")
    (example.git_dir / "info").mkdir(exist_ok=True)
    (example.git_dir / "info/grafts").write_text(f"{example.commit}\n")
    assert everything(example) == before


def test_programs_that_lie_in_a_repository_are_not_found(
    example: Materialised, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "started"
    (tmp_path / "git").write_text(f"#!/bin/sh\ntouch {mark}\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.environ['PATH']}")
    git_program.cache_clear()
    everything(example)
    assert not mark.exists()


def test_a_process_that_keeps_its_reader_waiting_is_ended(example: Materialised) -> None:
    with (
        pytest.raises(ReadLimit, match="git was silent about orders"),
        waiting(example, silence=0.2) as reading,
    ):
        assert reading.read(1) == b""


def test_a_reader_may_take_its_time_between_two_answers(example: Materialised) -> None:
    with waiting(example, silence=0.2) as reading:
        for _ in range(2):
            reading.write(example.commit.encode() + b"\n")
            assert reading.readline().startswith(example.commit.encode())
            time.sleep(0.5)


def test_output_over_its_limit_is_not_taken(example: Materialised) -> None:
    with pytest.raises(ReadLimit):
        output(example.git_dir, ["cat-file", "-p", "HEAD"], limit=10)


def test_a_process_ends_with_its_block(example: Materialised) -> None:
    before = children()
    with contextlib.suppress(KeyError), waiting(example, silence=60):
        assert len(children()) == len(before) + 1
        raise KeyError
    assert children() == before


def test_a_command_that_fails_is_an_error(example: Materialised) -> None:
    with pytest.raises(DamagedRepository):
        output(example.git_dir, ["rev-list", "12" * 20])


def test_the_git_directory_of_checkouts_and_bare_repositories_is_found(
    example: Materialised, tmp_path: Path
) -> None:
    checkout, linked = tmp_path / "checkout", tmp_path / "linked"
    git = [git_program(), "-c", "core.hooksPath=/dev/null"]
    subprocess.run([*git, "clone", "-q", str(example.git_dir), str(checkout)], check=True)
    subprocess.run(
        [*git, "-C", str(checkout), "worktree", "add", "-q", str(linked), "HEAD~1"], check=True
    )
    assert git_dir_of(example.git_dir) == example.git_dir
    assert git_dir_of(checkout) == checkout / ".git"
    found = git_dir_of(linked)
    source = GitSource(found, resolve(found))
    assert [commit.subject for commit in source.history()] == ["feat: a"]
    assert not source.shallow


def test_a_folder_inside_a_checkout_names_that_checkout(tmp_path: Path) -> None:
    subprocess.run([git_program(), "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "services/api").mkdir(parents=True)
    with pytest.raises(NotARepository, match="give that path, with --component services/api"):
        git_dir_of(tmp_path / "services/api")


def test_what_is_no_repository_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NotARepository, match="is no git repository"):
        git_dir_of(tmp_path)
    (tmp_path / ".git").write_text("gitdir: nowhere\n")
    with pytest.raises(NotARepository, match="is no git repository"):
        git_dir_of(tmp_path)
    with pytest.raises(NotARepository, match="is no folder"):
        git_dir_of(tmp_path / "missing")
