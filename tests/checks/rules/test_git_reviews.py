"""Traps of the checks on reviews."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checks.rules.histories import ask_edited, ask_history

FIVE = "#-- README.md\nx\n#-- commit 2024-05-01 | feat: start\n" + "".join(
    f"#-- {name}.py\nX = 1\n#-- commit 2024-05-02 | feat: add {name} (#1)"
    f" | {who} <{who}@example.com>\n"
    for name, who in zip("abcde", ("Ann", "Bob", "Ann", "Bob", "Ann"), strict=True)
)


def last(subject: str, author: str = "Ann <ann@example.com>") -> str:
    """One commit more."""
    return f"{FIVE}#-- f.py\nX = 1\n#-- commit 2024-05-06 | {subject} | {author}\n"


@pytest.mark.parametrize(
    ("subject", "author", "fields", "found"),
    [
        ("feat: add f", "Ann <ann@example.com>", {}, 1),
        ("feat: add f for #12", "Ann <ann@example.com>", {}, 1),
        ("Merged PR 12: add f", "Ann <ann@example.com>", {}, 0),
        ("chore(release): 1.2.3", "Ann <ann@example.com>", {}, 0),
        ("Bump x", "dependabot[bot] <b@x>", {}, 0),
        ("feat: add f", "Ann <ann@example.com>", {"body": "See merge request a/b!3"}, 0),
        ("feat: add f", "Ann <ann@example.com>", {"body": "Reviewed-by: Bob <b@x>"}, 0),
        ("feat: add f", "Ann <ann@example.com>", {"body": "Change-Id: I12"}, 0),
        ("feat: add f", "Ann <ann@example.com>",
         {"committer": "GitHub", "committer_email": "noreply@github.com"}, 0),
        ("feat: add f", "Ann <ann@example.com>",
         {"committer": "Bob", "committer_email": "bob@example.com"}, 0),
        ("feat: add f", "Ann <ann@example.com>",
         {"committer": "Ann", "committer_email": "ann@home.example"}, 1),
    ],
)  # fmt: skip
def test_a_change_shows_that_somebody_saw_it(
    subject: str, author: str, fields: dict[str, str], found: int, tmp_path: Path
) -> None:
    outcome = ask_edited("reviewed-pull-requests", last(subject, author), tmp_path / "r", **fields)
    assert len(outcome.observations) == found


def test_one_person_under_two_addresses_has_nobody_to_review(tmp_path: Path) -> None:
    text = FIVE.replace("Dev", "Ann").replace("Bob <Bob@", "Ann <other@")
    text = text.replace("feat: start\n", "feat: start | Ann <ann@home.example>\n")
    assert ask_history("reviewed-pull-requests", text, tmp_path / "r").state == "not-applicable"


def test_only_commits_that_touch_given_paths_are_judged(tmp_path: Path) -> None:
    text = last("feat: add f")
    outcome = ask_history("reviewed-pull-requests", text, tmp_path / "a", paths=["f.py"])
    assert (outcome.sites, len(outcome.observations)) == (1, 1)
    outcome = ask_history("reviewed-pull-requests", text, tmp_path / "b", paths=["a.py"])
    assert (outcome.sites, len(outcome.observations)) == (1, 0)


def test_settings_that_require_reviews_make_the_finding_uncertain(tmp_path: Path) -> None:
    settings = "#-- .github/settings.yml\nbranches:\n  - protection:\n"
    settings += "      required_pull_request_reviews:\n        required_approving_review_count: 1\n"
    outcome = ask_history("reviewed-pull-requests", settings + last("feat: f"), tmp_path / "r")
    assert [each.weight for each in outcome.observations] == [0.5]


@pytest.mark.parametrize(
    ("path", "text", "topic", "found"),
    [
        (".github/PULL_REQUEST_TEMPLATE/feature.md", "<!-- add tests -->", "tests", 0),
        ("docs/Pull_Request_Template.md", "- [ ] coverage", "tests", 0),
        (".gitlab/merge_request_templates/Default.md", "tested?", "tests", 0),
        ("CONTRIBUTING.rst", "Run the tests.", "tests", 0),
        ("docs/code-review.md", "Look at edge cases.", "logic", 0),
        ("docs/preview.md", "Look at edge cases.", "logic", 1),
        (".github/pull_request_template.md", "the catalog of the login dialog", "logging", 1),
        (".github/pull_request_template.md", "what do logs show", "logging", 0),
        (".github/pull_request_template.md", "the latest", "tests", 1),
        ("README.md", "tests", "tests", 1),
    ],
)
def test_a_topic_stands_in_a_template_or_a_guide(
    path: str, text: str, topic: str, found: int, tmp_path: Path
) -> None:
    history = f"#-- {path}\n{text}\n#-- commit 2024-04-01 | docs: x\n{FIVE}"
    if path == "README.md":
        history = history.replace("#-- README.md\nx\n", "")
    outcome = ask_history("pr-template-checklist", history, tmp_path / "r", topics=[topic])
    assert (outcome.sites, len(outcome.observations)) == (1, found)


def test_migrations_are_a_topic_only_where_there_are_some(tmp_path: Path) -> None:
    outcome = ask_history("pr-template-checklist", FIVE, tmp_path / "r", topics=["migrations"])
    assert outcome.state == "not-applicable"
