"""Answers about the same content are given again, and never show."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from checks import rules
from checks.check import CATALOGUE
from checks.component import ComponentSource
from checks.facts.store import FactStore, Key, MemoryFactStore
from checks.gitsource import GitSource
from checks.memorysource import MemorySource
from checks.model import Outcome, Report
from checks.reading import read_project
from checks.recalled import Recalled
from checks.review import review
from checks.standard import shipped
from tests.checks.projects import TIME
from tests.gitservers import Origin

DAY = 86_400
STANDARDS = shipped()
STATES: dict[str, Sequence[str | None]] = {
    "pyproject.toml": (
        '[project]\nname = "shop"\ndependencies = ["fastapi"]\n',
        '[project]\nname = "shop"\ndependencies = ["fastapi", "redis"]\n',
    ),
    "app/main.py": (
        "import fastapi\napp = fastapi.FastAPI()\n\n\n@app.get('/a')\ndef a():\n    print(1)\n",
        "import fastapi\napp = fastapi.FastAPI()\n\n\n@app.get('/b')\ndef b() -> int: return 1\n",
    ),
    "web/page.vue": ("<p>1</p>\n", "<p>2</p>\n", "", None),
    "README.md": ("# Shop\n", "# Shop\n\nRun `make`.\n", None),
    ".env": (None, "A=1\n"),
}
FILES = {path: states[0] or "" for path, states in STATES.items()}


def histories(folder: Path, seed: int) -> Iterator[GitSource]:
    """Commits that go back and forth between a few contents."""
    choose = random.Random(seed)
    origin = Origin.create(folder / "origin.git")
    state = {path: states[0] for path, states in STATES.items()}
    for number in range(6):
        path = choose.choice([*STATES, "web/page.vue", "web/page.vue"])
        state[path] = choose.choice(STATES[path])
        files = {path: text for path, text in state.items() if text is not None}
        commit = origin.commit(files, message=f"step {number}", when=TIME + number * 40 * DAY)
        yield GitSource(origin.git_dir, commit)


def judged(source: GitSource, store: FactStore) -> tuple[Report, bytes, Mapping[str, float]]:
    """The report, the answers that it is made of, and which checks were asked."""
    kept: list[bytes] = []
    asked: dict[str, float] = {}
    report = review(
        source, STANDARDS, repository="shop", facts_store=store, take=kept.append, took=asked.update
    )
    return report, kept[0], asked


@pytest.mark.parametrize("seed", range(2))
def test_reports_are_those_of_a_review_that_knows_nothing(tmp_path: Path, seed: int) -> None:
    store = MemoryFactStore()
    recalled = 0
    for source in histories(tmp_path, seed):
        report, answers, asked = judged(source, store)
        clean_report, clean_answers, everything = judged(source, MemoryFactStore())

        assert report == clean_report
        assert answers == clean_answers
        if len(asked) < len(everything):
            recalled += 1
            assert all(CATALOGUE[name].asks_source for name in asked)
    assert recalled


def test_a_check_that_does_not_say_that_it_asks_the_source_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules.load()
    silent = CATALOGUE["conventional-commits"]
    assert silent.asks_source
    undeclared = msgspec.structs.replace(silent, asks_source=False)
    monkeypatch.setitem(CATALOGUE, silent.id, undeclared)
    origin = Origin.create(tmp_path / "origin.git")
    store = MemoryFactStore()
    for number, message in enumerate(["feat: one", "whatever", "fix: two"]):
        files = {**FILES, "web/page.vue": f"<p>{number}</p>\n"}
        commit = origin.commit(files, message=message, when=TIME + number * DAY)
        report, answers, asked = judged(GitSource(origin.git_dir, commit), store)
        clean = judged(GitSource(origin.git_dir, commit), MemoryFactStore())

        assert (report, answers) == clean[:2]
        assert silent.id in asked


def content(files: Mapping[str, str], folder: str = "") -> str:
    """Digest of what checks see of some files."""
    source = MemorySource.of(files, time=TIME)
    seen = ComponentSource(source, folder) if folder else source
    return read_project(seen, MemoryFactStore()).content


def test_what_no_check_can_see_is_no_other_content() -> None:
    assert content(FILES) == content({**FILES, "web/page.vue": "<p>other</p>\n"})


@pytest.mark.parametrize(
    "change",
    [
        {"web/page.vue": ""},
        {"web/more.vue": "<p>1</p>\n"},
        {"README.md": "# Shop!\n"},
        {"pyproject.toml": '[project]\nname = "shop"\n'},
        {"app/main.py": "x = 1\n"},
        {"app/more.py": ""},
    ],
    ids=str,
)
def test_what_a_check_can_see_is_another_content(change: dict[str, str]) -> None:
    assert content(FILES) != content({**FILES, **change})


def test_a_file_of_the_root_is_not_the_same_one_of_the_component() -> None:
    own = {"shop/app.py": "x = 1\n", "shop/README.md": "# Shop\n"}
    shared = {"shop/app.py": "x = 1\n", "README.md": "# Shop\n"}

    assert content(own, "shop") != content(shared, "shop")


def test_answers_belong_to_what_was_handed_in_and_failures_to_nothing() -> None:
    store = MemoryFactStore()
    first = Recalled(store, "content", {"attestations": [{"topic": "a"}]})
    first.hold(("good", "{}"), Outcome(check="good", params="{}", sites=1, seconds=2.0))
    first.hold(("bad", "{}"), Outcome(check="bad", params="{}", state="unknown", reason="failed"))
    first.keep()

    again = Recalled(store, "content", {"attestations": [{"topic": "a"}]})
    assert again.get(("good", "{}")) == Outcome(check="good", params="{}", sites=1)
    assert again.get(("bad", "{}")) is None
    assert Recalled(store, "content", {"tables": {"a": 1}}).get(("good", "{}")) is None
    assert Recalled(store, "other", {"attestations": [{"topic": "a"}]}).get(("good", "{}")) is None


def test_damaged_answers_are_none() -> None:
    class Broken(MemoryFactStore):
        def put_many(self, facts: Mapping[Key, bytes]) -> None:
            super().put_many(dict.fromkeys(facts, b"broken"))

    store = Broken()
    first = Recalled(store, "content", {})
    first.hold(("good", "{}"), Outcome(check="good", params="{}", sites=1))
    first.keep()

    assert Recalled(store, "content", {}).get(("good", "{}")) is None
