"""The command line as a person or a pipeline meets it: a process, its output, its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from checks.__main__ import main
from checks.rules.specs import specs
from tests.gitservers import IDENTITY, GitServer, Origin

ROOT = Path(__file__).resolve().parents[2]
STANDARD = """\
slug = "team"
title = "Team"
[[clause]]
id = "T-1"
requirement = "Nothing is printed."
strength = "must"
checks = [{ id = "no-print" }]
[[clause]]
id = "T-2"
requirement = "A changelog is kept."
strength = "should"
checks = [{ id = "changelog-maintained" }]
"""
CLEAN = "def total(prices: list[int]) -> int:\n    return sum(prices)\n"
PRINTS = 'def run() -> None:\n    print("x")\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one clean file and one that prints, and a clean first commit."""
    folder = tmp_path / "shop"
    folder.mkdir()
    _git(folder, "init", "-q", "-b", "main")
    _commit(folder, "app/clean.py", CLEAN)
    _commit(folder, "app/main.py", PRINTS)
    return folder


@pytest.fixture
def team(tmp_path: Path) -> Path:
    file = tmp_path / "team.toml"
    file.write_text(STANDARD)
    return file


def _git(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, **IDENTITY}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def _commit(folder: Path, path: str, content: str) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    _git(folder, "add", "--", path)
    _git(folder, "commit", "-q", "-m", f"feat: add {path}")


def review(*arguments: str | Path, code: int = 0) -> str:
    """Run ``review`` as a process of its own, without anything kept, and return its output."""
    done = run("review", *arguments, "--no-cache")
    assert done.returncode == code, done.stderr
    return done.stdout


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "checks", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def judged(*arguments: str | Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(review(*arguments, "--format", "json"))
    return answer


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The one line that a wrong command is met with."""
    assert main([str(each) for each in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("straightedge: ")
    assert err.count("\n") == 1
    return err.removeprefix("straightedge: ").rstrip("\n")


def test_a_folder_is_judged_at_its_head(checkout: Path, team: Path) -> None:
    got = judged(checkout, "--standard", team)
    assert got["repository"] == "shop"
    assert got["commit"] == _git(checkout, "rev-parse", "HEAD")
    assert [each["path"] for each in got["findings"] if each["check"] == "no-print"] == [
        "app/main.py"
    ]


def test_the_same_commit_gives_the_same_bytes_with_a_cache_or_without(
    checkout: Path, team: Path, tmp_path: Path
) -> None:
    bare = review(checkout, "--standard", team, "--format", "json")
    cached: list[str | Path] = [
        "review",
        checkout,
        "--standard",
        team,
        "--format",
        "json",
        "--cache",
        tmp_path / "c",
    ]
    cold, warm = run(*cached), run(*cached)
    assert bare == cold.stdout == warm.stdout
    assert (tmp_path / "c" / "facts.sqlite3").exists()


def test_a_comment_without_a_reason_hides_nothing_where_the_standard_wants_one(
    checkout: Path, team: Path
) -> None:
    _commit(checkout, "app/main.py", 'def run() -> None:\n    print("x")  # noqa: T201\n')
    assert "(1 more suppressed in the code)" in review(checkout, "--standard", team)

    rules = '[waivers]\nsuppressions = "reasoned"\n[[clause]]'
    team.write_text(STANDARD.replace("[[clause]]", rules, 1))
    told = review(checkout, "--standard", team)
    assert "(suppressed without a reason, so it counts)" in told
    assert "more suppressed" not in told

    reason = 'def run() -> None:\n    print("x")  # noqa: T201 - shown to people\n'
    _commit(checkout, "app/main.py", reason)
    assert "(1 more suppressed in the code)" in review(checkout, "--standard", team)


def test_a_revision_is_judged_instead_of_head(checkout: Path, team: Path) -> None:
    got = judged(checkout, "--standard", team, "--rev", "main~1")
    assert got["commit"] == _git(checkout, "rev-parse", "main~1")
    assert not any(each["check"] == "no-print" for each in got["findings"])


def test_uncommitted_files_are_judged_on_demand(checkout: Path, team: Path) -> None:
    (checkout / "app/main.py").write_text(CLEAN)
    assert judged(checkout, "--standard", team)["standards"][0]["open_must"] == 1
    got = judged(checkout, "--standard", team, "--worktree")
    assert got["standards"][0]["open_must"] == 0


def test_each_shipped_standard_is_judged_when_none_is_named(checkout: Path) -> None:
    got = judged(checkout)
    assert [each["slug"] for each in got["standards"]] == [
        "coloragent-backend",
        "fastapi-coding-rules",
        "layered-services-standards",
        "mandatory-backend-standards",
        "production-backend-agent",
    ]


def test_a_clone_address_is_judged_like_a_folder(tmp_path: Path, team: Path) -> None:
    with GitServer(tmp_path / "served") as server:
        origin = Origin.create(server.root / "shop.git")
        commit = origin.commit({"app/main.py": PRINTS})
        url = server.url("shop.git")
        got = run(
            *("review", url, "--standard", team, "--format", "json", "--no-cache"),
            STRAIGHTEDGE_CLONE_ALLOWED_HOSTS="127.0.0.1",
        )
        assert got.returncode == 0, got.stderr
        report = json.loads(got.stdout)
        assert (report["repository"], report["commit"]) == (url, commit)
        refused = run("review", url, "--standard", team, "--no-cache")
        assert refused.returncode == 2
        assert refused.stderr.count("\n") == 1


def test_a_gate_is_failed_with_one_and_says_what_was_reached(checkout: Path, team: Path) -> None:
    passed = run("review", checkout, "--standard", team, "--no-cache", "--fail-under", "10")
    assert passed.returncode == 0
    failed = run("review", checkout, "--standard", team, "--no-cache", "--fail-under", "99")
    assert failed.returncode == 1
    assert failed.stderr.startswith("straightedge: team reaches ")
    assert failed.stderr.endswith("not 99.\n")
    assert failed.stdout == passed.stdout


def test_what_is_not_scored_passes_no_gate(tmp_path: Path, team: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    _git(folder, "init", "-q", "-b", "main")
    _commit(folder, "NOTES", "nothing to judge\n")
    unscored = tmp_path / "unscored.toml"
    unscored.write_text(STANDARD.partition('[[clause]]\nid = "T-2"')[0])
    done = run("review", folder, "--standard", unscored, "--no-cache", "--fail-under", "0")
    assert done.returncode == 1
    assert done.stderr == "straightedge: team is not scored, so it does not reach 0.\n"


def test_a_report_is_written_to_a_file(checkout: Path, team: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.sarif"
    assert review(checkout, "--standard", team, "--format", "sarif", "--output", file) == ""
    assert json.loads(file.read_text())["version"] == "2.1.0"


def test_nothing_but_the_report_is_written_where_nobody_watches(checkout: Path, team: Path) -> None:
    done = run("review", checkout, "--standard", team, "--no-cache")
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert "app/main.py" in done.stdout


def test_the_reader_may_leave_early(checkout: Path) -> None:
    command = [sys.executable, "-m", "checks", "catalogue", "--format", "json"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""


def test_the_cache_lies_where_the_system_keeps_caches(
    checkout: Path, team: Path, tmp_path: Path
) -> None:
    done = run("review", checkout, "--standard", team, XDG_CACHE_HOME=str(tmp_path / "xdg"))
    assert done.returncode == 0
    assert (tmp_path / "xdg" / "straightedge" / "facts.sqlite3").exists()


def test_a_component_is_judged_alone(checkout: Path, team: Path) -> None:
    _commit(checkout, "other/tool.py", PRINTS)
    got = judged(checkout, "--standard", team, "--component", "other/")
    assert got["component"] == "other"
    paths = {each["path"] for each in got["findings"] if each["check"] == "no-print"}
    assert paths == {"other/tool.py"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the following arguments are required: review|catalogue"),
        (["revue"], "invalid choice: 'revue'"),
        (["review"], "the following arguments are required: PATH_OR_URL"),
        (["review", "no/such/folder"], "neither a folder nor a clone address"),
        (["review", ".", "--standard", "nope"], "nope: no such standard; choose"),
        (["review", ".", "--standard", "x/nope.toml"], "x/nope.toml: there is no such file"),
        (["review", ".", "--rev", "no-such-branch", "--no-cache"], "no-such-branch"),
        (["review", ".", "--jobs", "0"], "'0' is not a number of processes"),
        (["review", ".", "--fail-under", "101"], "'101' is not a score from 0 to 100"),
        (["review", ".", "--fail-under", "nan"], "'nan' is not a score from 0 to 100"),
        (["review", ".", "--format", "xml"], "invalid choice: 'xml'"),
        (["review", ".", "--cache", "c", "--no-cache"], "not allowed with argument --cache"),
        (["review", ".", "--worktree", "--rev", "x"], "exclude each other"),
        (["review", "https://example.com/x.git", "--worktree"], "needs a local folder"),
        (["review", ".", "--component", "../up"], "give a folder inside the repository"),
        (["review", ".", "--component", "no-such-folder"], "no-such-folder"),
        (["review", ".", "--output", "no/such/folder/r.json"], "in a folder that exists"),
        (["review", "ext::sh -c id"], ""),
        (["review", "file:///etc"], ""),
        (["review", "https://user:secret@example.com/x.git"], "credential"),
        (["review", "\x1b[31mred"], r"\x1b[31mred"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = complaint(capsys, *arguments)
    assert sentence in said
    assert "secret" not in said


def test_a_faulty_standard_is_named_with_its_clause(
    checkout: Path, team: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    team.write_text(STANDARD.replace('"should"', '"shuld"').replace("no-print", "no-prin"))
    said = complaint(capsys, "review", checkout, "--standard", team)
    assert "clause T-1: there is no check 'no-prin' (did you mean no-print?) (line 7)" in said
    assert "clause T-2: strength 'shuld' is not one of must, should, may" in said


def test_two_standards_of_one_name_are_refused(
    checkout: Path, team: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = complaint(capsys, "review", checkout, "--standard", team, "--standard", team)
    assert said == "Two standards are called team: leave one out, or rename it."


def test_a_folder_that_is_no_repository_and_one_without_commits_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no git repository" in complaint(capsys, "review", tmp_path, "--no-cache")
    _git(tmp_path, "init", "-q")
    assert "commit" in complaint(capsys, "review", tmp_path, "--no-cache")


def test_the_catalogue_has_every_check_and_every_standard() -> None:
    got = json.loads(run("catalogue", "--format", "json").stdout)
    assert {each["id"] for each in got["checks"]} == set(specs())
    built = {each["id"] for each in got["checks"] if each["built"]}
    assert "no-print" in built
    for check in got["checks"]:
        assert check.keys() >= {
            "id",
            "title",
            "area",
            "engine",
            "automation",
            "params",
            "choices",
            "built",
            "fix",
        }
    clauses = [clause for standard in got["standards"] for clause in standard["clauses"]]
    assert len(clauses) == 870
    for clause in clauses:
        assert clause["checks"]
        assert all(each["built"] == (each["id"] in built) for each in clause["checks"])


def test_the_catalogue_for_people_counts_what_is_built() -> None:
    shown = run("catalogue").stdout
    assert shown.startswith("253 checks, ")
    assert "mandatory-backend-standards" in shown


def test_a_standard_of_a_team_can_be_tried_by_the_catalogue(team: Path) -> None:
    got = json.loads(run("catalogue", "--format", "json", "--standard", team).stdout)
    assert [each["slug"] for each in got["standards"]] == ["team"]
    assert got["standards"][0]["clauses"][0]["checks"][0]["id"] == "no-print"


# --- waivers

WAIVER = """\
[[waiver]]
path = "app/"
check = "no-print"
reason = "It is replaced in spring."
expires = {day}
count = 1
"""


def _in(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


def test_the_waivers_of_the_repository_count_and_the_text_says_so(
    checkout: Path, team: Path
) -> None:
    plain = judged(checkout, "--standard", team)
    _commit(checkout, ".straightedge/waivers.toml", WAIVER.format(day=_in(30)))

    got = judged(checkout, "--standard", team)
    assert got["standards"][0]["score"] > plain["standards"][0]["score"]
    assert got["standards"][0]["raw_score"] == plain["standards"][0]["raw_score"]
    assert [each["state"] for each in got["waivers"]] == ["in-force"]
    waived = next(each for each in got["findings"] if each["check"] == "no-print")
    assert waived["waived"] == got["waivers"][0]["id"]
    assert "(1 more waived)" in review(checkout, "--standard", team)
    assert '"kind": "external"' in review(checkout, "--standard", team, "--format", "sarif")


def test_no_waivers_give_the_bytes_of_a_repository_without_the_file(
    checkout: Path, team: Path
) -> None:
    _commit(checkout, ".straightedge/waivers.toml", "# none\n")
    empty = review(checkout, "--standard", team, "--format", "json")
    assert "waive" not in empty

    (checkout / ".straightedge/waivers.toml").write_text(WAIVER.format(day=_in(30)))
    got = json.loads(
        review(checkout, "--standard", team, "--format", "json", "--worktree", "--waivers", "none")
    )
    assert got["standards"] == json.loads(empty)["standards"]


def test_another_file_of_waivers_counts_instead(checkout: Path, team: Path, tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text(WAIVER.format(day=_in(30)))

    assert judged(checkout, "--standard", team, "--waivers", file)["waivers"]
    assert "cannot be read" in complaint_of("--waivers", tmp_path / "none.toml", checkout)


def complaint_of(*arguments: str | Path) -> str:
    done = run("review", *arguments, "--no-cache")
    assert done.returncode == 2
    return done.stderr


def test_a_waiver_that_waives_nothing_is_told_with_its_line(checkout: Path, team: Path) -> None:
    lines = [WAIVER.format(day=_in(-1)), WAIVER.format(day='"soon"'), WAIVER.format(day=_in(900))]
    _commit(checkout, ".straightedge/waivers.toml", "".join(lines))

    done = run("review", checkout, "--standard", team, "--no-cache")

    assert done.returncode == 0
    assert "waiver at line 1 waives nothing: It ended on" in done.stderr
    assert "waiver at line 7 waives nothing: expires is not a date" in done.stderr
    assert "waiver at line 13 waives nothing: It ends on" in done.stderr
    assert "waived" not in done.stdout
