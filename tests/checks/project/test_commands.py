"""Shell text as the commands it runs."""

from __future__ import annotations

import pytest

from checks.project.commands import read_commands


def words(text: str) -> list[str]:
    """Each command of a text, its words joined by blanks."""
    return [" ".join(command.words) for command in read_commands(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("uv run pytest -q # pytest", ["uv run pytest -q"]),
        ("a && b; c | d", ["a", "b", "c", "d"]),
        ("pytest \\\n  --cov=app", ["pytest --cov=app"]),
        ("if ! ruff check; then exit 1; fi", ["ruff check", "exit 1"]),
        ("X=1 Y=2 make test", ["make test"]),
        ("echo 'a; b' \"c && d\"", ["echo a; b c && d"]),
        ("cat <<EOF > x\npytest\nEOF\nmypy .", ["cat > x", "mypy ."]),
        ("X=$(pytest -q) && b", ["b", "pytest -q"]),
        ("pytest 2>&1 | tee log", ["pytest 2>&1", "tee log"]),
        ("make ${{ matrix.a == 'x y' }}", ["make ${{ matrix.a == 'x y' }}"]),
        ("check() {\n  pytest\n}", ["check", "pytest"]),
        ("a &&\n  b", ["a", "b"]),
    ],
)
def test_text_is_split_into_the_commands_a_shell_would_run(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("text", "forgiven"),
    [
        ("pytest || true", True),
        ("pytest || echo failed", True),
        ("(cd x && pytest) || :", True),
        ("pytest || exit 0", True),
        ("pytest || exit 1", False),
        ("pytest || (echo failed; exit 1)", False),
        ("pytest || { echo failed; exit 1; }", False),
        ("pytest; true", False),
        ("pytest && true", False),
    ],
)
def test_a_failure_is_forgiven_only_where_nothing_after_it_can_fail(
    text: str, forgiven: bool
) -> None:
    (command,) = [each for each in read_commands(text) if each.words[0] == "pytest"]
    assert command.forgiven is forgiven


def test_a_command_knows_its_line() -> None:
    assert [each.offset for each in read_commands("a\n\nb \\\n c\nd")] == [0, 2, 4]


@pytest.mark.parametrize("text", ["$(" * 5000, "${{" * 5000, "'", '"$(', "<<EOF\n", "((((", "a |"])
def test_broken_text_is_read_to_its_end(text: str) -> None:
    assert isinstance(read_commands(text), list)
