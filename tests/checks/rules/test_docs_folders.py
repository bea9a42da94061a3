"""Traps of the check on the READMEs of folders."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read

CODE = {"app/x.py": "X = 1\n"}


def lacking(files: dict[str, str], **params: object) -> list[str]:
    """Paths of the findings."""
    outcome = ask_read("readme-per-directory", {**CODE, **files}, **params)
    return [each.path for each in outcome.observations]


def test_the_readme_of_the_parent_does_not_count_and_its_case_does_not_matter() -> None:
    assert lacking({"README.md": "# X\n"}) == ["app"]
    assert lacking({"Readme.MD": "# X\n", "app/readme.md": "# App\n"}) == []
    assert lacking({"README.rst": "X\n", "app/README.md": "# App\n"}) == [""]


def test_a_folder_of_folders_counts() -> None:
    files = {"README.md": "# X\n", "app/README.md": "# App\n", "lib/a/README.md": "# A\n"}
    assert lacking(files) == ["lib"]


@pytest.mark.parametrize(
    "path",
    [".github/workflows/ci.yml", ".cache/x/y.txt", "app/static/css/site.css", "app/static/a.css",
     "app/fixtures/a.json", "app/snapshots/b/a.txt", "app/versions/0001_a.py",
     "app/vendor/lib/a.py", "app/node_modules/a/b.js"],
)  # fmt: skip
def test_folders_that_explain_themselves_need_none(path: str) -> None:
    assert lacking({"README.md": "# X\n", "app/README.md": "# App\n", path: "x = 1\n"}) == []


def test_a_folder_of_the_list_is_exempt() -> None:
    assert lacking({"README.md": "# X\n", "lib/a/b.py": "B = 1\n"}, exempt=["app", "lib"]) == []


TOLD = "Takes the orders of all customers. `x.py` holds the one constant.\n\n## Usage\n\nRun it.\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"# App\n\n{TOLD}", False),
        ("# App\n\n## Usage\n\nRun `x.py` with one of the words that it understands.\n", True),
        (f"# App\n\n{TOLD.replace('x.py', 'y.py')}", True),
        ("# App\n\nTakes the orders of all customers. `x.py` holds one constant.\n", True),
        ("# App\n", True),
    ],
)
def test_a_readme_tells_purpose_files_and_usage(text: str, found: bool) -> None:
    files = {
        "README.md": f"# X\n\nThe service for orders, in app.\n\n{TOLD}",
        "app/README.md": text,
    }
    topics = ["purpose", "files", "usage"]
    assert lacking(files, topics=topics) == (["app/README.md"] if found else [])


def test_a_short_readme_is_found_at_its_first_line() -> None:
    files = {**CODE, "README.md": "# X\n", "app/README.md": "# App\n\nOne two three four.\n"}
    outcome = ask_read("readme-per-directory", files, min_words=4)
    assert [(each.path, each.line) for each in outcome.observations] == [("README.md", 1)]
