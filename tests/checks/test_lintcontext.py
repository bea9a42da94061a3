"""What ruff is told of a project: its packages, the options of its sorter, its Python."""

from __future__ import annotations

from collections.abc import Mapping

from checks.facts.documents import read
from checks.facts.kinds import kind_of
from checks.facts.lint import LintContext
from checks.lintcontext import lint_contexts
from tests.checks.projects import ask_read, lines


def contexts(files: Mapping[str, str]) -> dict[str, LintContext]:
    """Contexts of the Python files among these."""
    documents = {}
    for path, text in files.items():
        kind = kind_of(path)
        if kind is not None and kind != "python":
            documents[path] = read(kind, text.encode())
    return lint_contexts([path for path in files if path.endswith(".py")], documents)


def test_packages_of_the_source_folder_and_of_the_root_are_first_party() -> None:
    found = contexts({"src/shop/__init__.py": "", "tools/x.py": "", "main.py": ""})
    assert {"shop", "tools", "main"} <= set(found["main.py"].first_party)


def test_each_subproject_has_its_own_packages_and_takes_its_siblings_for_libraries() -> None:
    found = contexts(
        {
            "api/pyproject.toml": "[project]\nname = 'api'\n",
            "api/src/api/__init__.py": "",
            "shared/pyproject.toml": "[project]\nname = 'shared'\n",
            "shared/src/shared/__init__.py": "",
            "tests/test_all.py": "",
        }
    )
    assert "api" in found["api/src/api/__init__.py"].first_party
    assert "shared" not in found["api/src/api/__init__.py"].first_party
    assert {"api", "shared"} <= set(found["tests/test_all.py"].first_party)


def test_a_subproject_without_options_of_its_own_takes_those_above_it() -> None:
    found = contexts(
        {
            "ruff.toml": "line-length = 100\n[lint.isort]\nforce-single-line = true\n",
            "pyproject.toml": "[project]\nname = 'all'\nrequires-python = '>=3.11'\n",
            "api/pyproject.toml": "[project]\nname = 'api'\nrequires-python = '>=3.12'\n",
            "api/main.py": "",
        }
    )["api/main.py"]
    assert found.line_length == 100
    assert found.isort == (("force-single-line", True),)
    assert found.target_version == "py312"


def test_a_profile_and_the_width_of_isort_hold_where_isort_sorts() -> None:
    isort = "[settings]\nprofile = google\nline_length = 79\n"
    files = {".isort.cfg": isort, "ruff.toml": "line-length = 120\n", "a.py": ""}
    found = contexts(files)["a.py"]
    assert found.line_length == 79
    assert ("force-single-line", True) in found.isort


def test_options_of_isort_are_out_of_use_where_ruff_sorts() -> None:
    ruff = "line-length = 120\n[lint]\nextend-select = ['I']\n"
    files = {".isort.cfg": "[settings]\nline_length = 79\n", "ruff.toml": ruff, "a.py": ""}
    found = contexts(files)["a.py"]
    assert (found.line_length, found.isort) == (120, ())


def test_folders_that_ruff_searches_for_sources_are_import_roots() -> None:
    found = contexts({"ruff.toml": "src = ['./lib']\n", "lib/shop/a.py": "", "lib/one.py": ""})
    assert {"shop", "one"} <= set(found["lib/one.py"].first_party)


def test_many_subprojects_beyond_the_limit_belong_to_the_root() -> None:
    files = {f"p{n:03}/pyproject.toml": f"[project]\nname = 'p{n}'\n" for n in range(60)}
    files |= {f"p{n:03}/a{n}.py": "" for n in range(60)}
    found = contexts(files)
    assert "a59" not in found["p000/a0.py"].first_party
    assert "a0" in found["p059/a59.py"].first_party


def test_imports_of_a_sibling_are_sorted_among_the_libraries() -> None:
    project = "[project]\nname = 'x'\n"
    code = "import fastapi\nimport shared\n\nfrom api import b\n\nprint(fastapi, shared, b)\n"
    files = {
        "api/pyproject.toml": project,
        "api/src/api/__init__.py": "",
        "api/src/api/a.py": code,
        "shared/pyproject.toml": project,
        "shared/src/shared/__init__.py": "",
    }
    assert lines(ask_read("import-order", files)) == []


def test_a_folder_named_like_a_module_of_the_standard_library_is_not_taken_for_it() -> None:
    found = contexts({"ruff.toml": "src = ['tests']\n", "tests/typing/api.py": "", "a.py": ""})
    assert "typing" not in found["a.py"].first_party


def test_a_library_that_the_sorter_is_told_of_is_not_first_party() -> None:
    ruff = "[lint.isort]\nknown-third-party = ['alembic']\n"
    found = contexts({"ruff.toml": ruff, "alembic/env.py": "", "a.py": ""})["a.py"]
    assert "alembic" not in found.first_party
    assert found.isort == (("known-third-party", ("alembic",)),)
