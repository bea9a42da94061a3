"""Check of dangerous sinks: kinds, and templates that need no escaping."""

from __future__ import annotations

from tests.checks.projects import ask_read, lines

SINKS = (
    "import os\nimport subprocess\nfrom jinja2 import Environment, FileSystemLoader\n"
    "def f(a):\n"
    "    os.system(a)\n"
    "    eval(a)\n"
    "    subprocess.run(['ls', a])\n"
    "    return Environment(loader=FileSystemLoader('mails'))\n"
)


def test_each_kind_is_judged_by_itself() -> None:
    def found(*kinds: str) -> list[int]:
        return lines(ask_read("no-injection-sinks", {"app/a.py": SINKS}, kinds=list(kinds)))

    assert found("shell") == [5]
    assert found("eval") == [6]
    assert found("html") == [8]
    assert found("shell", "eval", "html") == [5, 6, 8]


def test_scripts_and_tests_are_no_sites() -> None:
    files = {"scripts/a.py": SINKS, "tests/test_a.py": SINKS}
    assert ask_read("no-injection-sinks", files).sites == 0


def test_templates_of_plain_text_need_no_escaping() -> None:
    def found(path: str) -> list[int]:
        files = {"app/a.py": SINKS, path: "Hello\n"}
        return lines(ask_read("no-injection-sinks", files, kinds=["html"]))

    assert found("app/mails/hello.txt") == []
    assert found("app/mails/hello.html") == [8]
