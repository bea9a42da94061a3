"""GitPython is used in one module and for reading objects only."""

from __future__ import annotations

import ast
from collections.abc import Iterable

import pytest

from tests.house import source_tree
from tests.house.source_tree import Module, imports, parse

READER = "checks/gitsource.py"

# Names that belong to GitPython alone: they run remotes, hooks and work trees.
ANYWHERE = frozenset(
    [
        "clone_from",
        "create_head",
        "create_remote",
        "create_submodule",
        "create_tag",
        "iter_commits",
        "iter_submodules",
        "active_branch",
        "config_writer",
        "submodule_update",
        "submodules",
        "remotes",
        "USE_SHELL",
        "allow_unsafe_options",
        "allow_unsafe_protocols",
    ]
)
# Names that other things bear as well; in the module that holds a Repo they mean GitPython's.
IN_READER = frozenset(
    [
        "archive",
        "blame",
        "branches",
        "clone",
        "diff",
        "fetch",
        "head",
        "heads",
        "index",
        "pull",
        "push",
        "refs",
        "remote",
        "submodule",
        "tags",
        "traverse",
    ]
)
HARMLESS_CALLERS = frozenset({"self"})


def names_used(module: Module) -> Iterable[tuple[str, int]]:
    """Yield each attribute and keyword that a module names, except those of ``self``."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner not in HARMLESS_CALLERS or node.attr in ANYWHERE:
                yield node.attr, node.lineno
        elif isinstance(node, ast.keyword) and node.arg in ANYWHERE:
            yield node.arg, node.value.lineno


def forbidden(modules: Iterable[Module]) -> list[str]:
    """Return the uses of GitPython's dangerous names."""
    return [
        f"{module.path}:{line} uses {name}"
        for module in modules
        for name, line in names_used(module)
        if name in ANYWHERE or (module.path == READER and name in IN_READER)
    ]


def strangers(modules: Iterable[Module]) -> list[str]:
    """Return the modules that import GitPython and are not the one that may."""
    return [
        f"{module.path}:{arrow.line}"
        for module in modules
        for arrow in imports(module)
        if arrow.imported.split(".")[0] in {"git", "gitdb"} and module.path != READER
    ]


def test_gitpython_is_imported_in_one_module() -> None:
    assert not strangers(source_tree.modules())


def test_nothing_uses_what_runs_remotes_hooks_or_work_trees() -> None:
    assert not forbidden(source_tree.product())


@pytest.mark.parametrize(
    "text",
    [
        "repo.remotes",
        "git.Repo.clone_from(url, path)",
        "repo.git.push(allow_unsafe_options=True)",
        "git.Git.USE_SHELL = True",
        "self.repo.iter_commits()",
    ],
)
def test_a_dangerous_name_is_seen_in_any_module(text: str) -> None:
    assert forbidden([parse("dashboard/services/mirrors.py", text)])


@pytest.mark.parametrize("name", sorted(IN_READER))
def test_an_ambiguous_name_is_seen_where_it_means_gitpython(name: str) -> None:
    assert forbidden([parse(READER, f"repo.{name}")])
    assert not forbidden([parse("dashboard/models/repository.py", f"repository.{name}")])


def test_an_import_elsewhere_is_seen() -> None:
    assert strangers([parse("checks/review.py", "def late():\n    from git import Repo")])
    assert not strangers([parse(READER, "import git")])
