"""Traps of the check on templates of the environment."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask_read

HEAD = (
    "import os\nfrom typing import ClassVar\nfrom pydantic import AliasChoices, BaseModel, Field\n"
    "from pydantic import computed_field\n"
    "from pydantic_settings import BaseSettings, SettingsConfigDict\n\n\n"
)


def findings(code: str, template: str, part: str = "listed", **files: str) -> list[str]:
    """What the findings are about, in order of place."""
    given = {path.replace("__", "."): text for path, text in files.items()}
    everything = {"app/config.py": HEAD + code, ".env.example": template, **given}
    outcome = ask_read("env-example-complete", everything, require=[part])
    assert outcome.state == "measured"
    return [each.anchor.rpartition(" ")[2] for each in outcome.observations]


@pytest.mark.parametrize(
    ("body", "template", "found"),
    [
        ("debug: bool = False", "DEBUG=1\n", []),
        ("debug: bool = False", "# DEBUG=1\n", []),
        ("debug: bool = False", "# set DEBUG=1 for more\n", ["DEBUG"]),
        ("debug: bool = False", "debug=1\n", []),
        ("debug: bool = False", "export DEBUG=1\n", []),
        ("debug: bool = Field(False, alias='VERBOSE')", "DEBUG=1\n", ["VERBOSE"]),
        ("a: int = Field(1, validation_alias=AliasChoices('B', 'C'))", "C=1\n", []),
        ("a: int = Field(1, env=['B', 'C'])", "C=1\n", []),
        ("a: ClassVar[int] = 1\n    b: int", "B=1\n", []),
        ("b: int\n\n    @computed_field\n    def a(self) -> int:\n        return 1", "B=1\n", []),
        ("model_config = SettingsConfigDict(env_prefix='X_')\n    a: int", "A=1\n", ["X_A"]),
        ("a: int\n\n    class Config:\n        env_prefix = 'X_'", "X_A=1\n", []),
    ],
)
def test_a_setting_is_known_by_the_name_that_it_is_read_by(
    body: str, template: str, found: list[str]
) -> None:
    assert findings(f"class S(BaseSettings):\n    {body}\n", template) == found


def test_a_group_is_read_by_its_delimiter_by_itself_or_as_a_whole() -> None:
    group = "class Db(BaseModel):\n    host: str\n    port: int = 1\n\n\n"
    nested = "model_config = SettingsConfigDict(env_nested_delimiter='__')\n    "
    code = f"{group}class S(BaseSettings):\n    {nested}db: Db\n"
    assert findings(code, "DB__HOST=a\n") == ["DB__PORT"]
    assert findings(code.replace(nested, ""), "DB={}\n") == []
    own = group.replace("BaseModel", "BaseSettings")
    assert findings(f"{own}class S(BaseSettings):\n    db: Db = Db()\n", "PORT=1\n") == ["HOST"]


def test_variants_of_a_class_read_the_same_variable_where_it_was_declared_first() -> None:
    code = (
        "class Base(BaseSettings):\n    title: str = 'A'\n\n\n"
        "class Dev(Base):\n    title: str = 'D'\n\n\nclass Prod(Base):\n    pass\n"
    )
    outcome = ask_read("env-example-complete", {"app/c.py": HEAD + code, ".env.example": "A=1\n"})
    assert [each.line for each in outcome.observations] == [9]


def test_reads_of_code_and_compose_count_and_those_of_the_platform_do_not() -> None:
    code = "A = os.environ['A']\nB = os.getenv('B', 'b')\nP = os.getenv('PORT')\n"
    compose = "services:\n  web:\n    image: x:${TAG:-1}\n    command: echo $$HERE ${A}\n"
    assert findings(code, "B=1\n", compose__yaml=compose) == ["A", "TAG"]


def test_reads_of_tests_do_not_count() -> None:
    code = "A = os.environ['A']\n"
    more = {"tests/test_x.py": "import os\nB = os.environ['B']\n"}
    files = {"app/c.py": HEAD + code, ".env.example": "A=1\n", **more}
    assert ask_read("env-example-complete", files).sites == 1


TWO = "A = os.environ['A']\nB = os.environ['B']\n"


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("# Both\nA=1\nB=1\n", []),
        ("A=1  # the first\nB=1\n", ["B"]),
        ("# One\nA=1\n\nB=1\n", ["B"]),
        ("# One\nA=1\n# -----\nB=1\n", []),
        ("# A heading\n\nA=1\nB=1\n", ["A", "B"]),
        ("# Both\n# A=1\n# B=1\n", []),
        ("A='x#y'\n# Two\nB=1\n", ["A"]),
    ],
)
def test_a_comment_stands_behind_a_variable_or_above_its_group(
    template: str, found: list[str]
) -> None:
    assert findings(TWO, template, "commented") == found


def test_only_secrets_may_be_without_a_value() -> None:
    code = "A = os.environ['HOST']\nB = os.environ['API_KEY']\nC = os.environ['MODE']\n"
    assert findings(code, "HOST=\nAPI_KEY=\n# MODE=\n", "values") == ["HOST"]


def test_long_runs_of_variables_are_ungrouped() -> None:
    rows = [f"V{n}={n}\n" for n in range(7)]
    assert findings(TWO, "".join(rows), "grouped") == ["grouped"]
    assert findings(TWO, "".join([*rows[:4], "\n", *rows[4:]]), "grouped") == []
    assert findings(TWO, "".join([*rows[:4], "# More\n", *rows[4:]]), "grouped") == []


def test_without_a_template_or_without_a_read_there_is_nothing_to_judge() -> None:
    code = {"app/c.py": HEAD + TWO}
    assert ask_read("env-example-complete", code).state == "not-applicable"
    quiet = {"app/c.py": "X = 1\n", ".env.example": "A=1\n"}
    assert ask_read("env-example-complete", quiet).state == "not-applicable"


def test_a_variable_that_stands_alone_on_its_line_is_listed() -> None:
    code = "class Settings(BaseSettings):\n    db_host: str\n    db_user: str\n"
    assert findings(code, "DB_HOST\n\n# or\n") == ["DB_USER"]
