"""Dockerfiles, Makefiles and justfiles."""

from __future__ import annotations

from checks.facts.doctree import Command, Instruction, Target
from checks.facts.recipes import read_dockerfile, read_justfile, read_makefile


def test_instructions_of_a_dockerfile_are_joined_over_continuations_and_comments() -> None:
    text = (
        "# syntax=docker/dockerfile:1\nFROM python:3.13-slim AS build\n\n"
        "run apt-get update && \\\n    # a comment inside\n"
        "    apt-get install -y curl \\\n\n    git\n"
        'CMD ["app"]\n'
    )
    assert read_dockerfile(text.splitlines()) == (
        Instruction("FROM", "python:3.13-slim AS build", 2, 2),
        Instruction("RUN", "apt-get update && apt-get install -y curl git", 4, 8),
        Instruction("CMD", '["app"]', 9, 9),
    )


def test_a_here_document_belongs_to_its_instruction() -> None:
    text = "RUN <<EOF\nUSER root\npip install x\nEOF\nUSER app\n"
    assert read_dockerfile(text.splitlines()) == (
        Instruction("RUN", "<<EOF\nUSER root\npip install x", 1, 4),
        Instruction("USER", "app", 5, 5),
    )


def test_the_escape_character_of_windows_is_followed() -> None:
    found = read_dockerfile(["# escape=`", "RUN a `", "  b", "COPY c:\\ x"])
    assert [(each.name, each.value) for each in found] == [("RUN", "a b"), ("COPY", "c:\\ x")]


def test_a_dockerfile_that_ends_in_a_continuation_is_read_to_its_end() -> None:
    assert read_dockerfile(["RUN a \\"]) == (Instruction("RUN", "a", 1, 1),)


def test_targets_of_a_makefile_with_what_they_run_and_need() -> None:
    text = (
        "UV ?= uv run\nexport A := 1\n.PHONY: check test\n\n"
        "check: lint test | dirs  # all\n"
        "test lint:: ; @echo start\n"
        "\t@# silent\n\t-$(UV) pytest \\\n\t\t-q\n\t@$(UV) mypy .\n"
        "ifeq ($(CI),true)\nbuild:\n\tdocker build .\nendif\n"
    )
    targets, variables = read_makefile(text.splitlines())
    commands = (
        Command("echo start", 6),
        Command("$(UV) pytest -q", 8, ignored=True),
        Command("$(UV) mypy .", 10),
    )
    assert targets == (
        Target(".PHONY", 3, ("check", "test"), ()),
        Target("check", 5, ("lint", "test", "dirs"), ()),
        Target("test", 6, (), commands),
        Target("lint", 6, (), commands),
        Target("build", 12, (), (Command("docker build .", 13),)),
    )
    assert variables == {"UV": "uv run", "A": "1"}


def test_recipes_of_a_justfile_with_what_they_run_and_need() -> None:
    text = (
        'uv := "uv run"\nset shell := ["bash", "-c"]\n\n# all\n'
        'check: lint (test "unit")\n\n'
        "@test kind='all' *args: lint\n    {{uv}} pytest \\\n      -q\n\n    -rm -f x\n"
        "lint:\n  ruff check\n"
    )
    targets, variables = read_justfile(text.splitlines())
    assert targets == (
        Target("check", 5, ("lint", "test"), ()),
        Target(
            "test",
            7,
            ("lint",),
            (Command("{{uv}} pytest -q", 8), Command("rm -f x", 11, ignored=True)),
        ),
        Target("lint", 12, (), (Command("ruff check", 13),)),
    )
    assert variables == {"uv": "uv run"}
