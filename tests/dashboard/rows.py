"""Plain builders of rows for tests; every argument that matters is given by the test."""

from __future__ import annotations

from itertools import count
from typing import Any

from checks import model as engine
from checks.anatomy import Anatomy, Import, Limit, Pair, Rule, Sized, pack
from checks.project.layers import LAYERS
from checks.standard import parse
from dashboard.models import Component, Membership, Repository, Role, Standard, Team, User
from dashboard.services import standards

_numbers = count(1)

HOUSE_RULES = b"""
slug = "house-rules"
title = "House rules"
summary = "Two clauses."

[[clause]]
id = "HR-1"
section = "Output"
requirement = "Nothing is printed."
strength = "must"
area = "logging"
checks = [{ id = "no-print" }]

[[clause]]
id = "HR-2"
section = "Errors"
requirement = "No broad except."
strength = "should"
area = "errors"
checks = [{ id = "no-broad-except" }]
"""


def user(name: str = "", **fields: object) -> User:
    """A person without a usable password."""
    name = name or f"person{next(_numbers)}"
    return User.objects.create(username=name, email=f"{name}@example.org", **fields)


def team(**members: User) -> Team:
    """A team; members by role: ``team(lead=alice)``."""
    number = next(_numbers)
    row = Team.objects.create(slug=f"team{number}", name=f"Team {number}")
    for role, person in members.items():
        Membership.objects.create(team=row, user=person, role=Role(role))
    return row


def standard(text: bytes = HOUSE_RULES) -> Standard:
    """A stored standard."""
    return standards.store(parse(text, "test"), text)


def repository(owner: Team | None = None, *adopted: Standard, url: str = "") -> Repository:
    """A repository with its root component, not yet asked to be scanned."""
    number = next(_numbers)
    row = Repository.objects.create(
        team=owner or team(),
        slug=f"repository{number}",
        name=f"Repository {number}",
        clone_url=url or f"https://git.example.org/repository{number}.git",
        default_branch="main",
    )
    Component.objects.create(repository=row, path="")
    standards.adopt(row, adopted, None)
    return row


def finding(
    fingerprint: str, *, check: str = "no-print", path: str = "app/main.py", line: int = 3
) -> engine.Finding:
    """A finding as a report has it."""
    clause = {"no-print": "HR-1", "no-broad-except": "HR-2"}[check]
    return engine.Finding(
        check=check,
        clauses=(clause,),
        path=path,
        line=line,
        end_line=line,
        column=1,
        symbol="app.main",
        message="print() writes to standard output.",
        measured="",
        limit="",
        fingerprint=fingerprint,
        suppressed=False,
        uncertain=False,
        gain={"house-rules": 10.0},
    )


def report(
    version: str,
    *findings: engine.Finding,
    states: dict[str, engine.CheckState] | None = None,
    skipped: tuple[engine.Skipped, ...] = (),
    score: float | None = 80.0,
) -> engine.Report:
    """A report of the house rules. ``states`` sets the state of a check, measured if left out."""
    states = states or {}
    broad = states.get("no-broad-except", "measured")
    clauses = (
        _clause("HR-1", "must", "no-print", findings, states.get("no-print", "measured")),
        _clause("HR-2", "should", "no-broad-except", findings, broad),
    )
    return engine.Report(
        repository="r",
        commit="a" * 40,
        component="",
        manifest=engine.Manifest(
            files=3, python_files=2, analysed=2, skipped=skipped, tools={}, engine="1"
        ),
        standards=(
            engine.StandardResult(
                slug="house-rules",
                version=version,
                score=score,
                raw_score=score,
                low=score,
                letter="B",
                coverage=1.0,
                open_must=1,
                clauses=clauses,
            ),
        ),
        findings=findings,
    )


def _clause(
    clause: str,
    strength: engine.Strength,
    check: str,
    findings: tuple[engine.Finding, ...],
    state: engine.CheckState,
) -> engine.ClauseResult:
    violations = sum(finding.check == check for finding in findings)
    return engine.ClauseResult(
        id=clause,
        strength=strength,
        verdict="fails" if violations else "holds",
        score=0.5,
        weight=4,
        loss=20.0 if violations else 0.0,
        checks=(
            engine.CheckResult(
                id=check, sites=10, violations=violations, suppressed=0, state=state
            ),
        ),
    )


def anatomy(**fields: Any) -> bytes:
    """What is drawn of a small shop, packed as a scan keeps it; ``fields`` say what differs."""
    back = Import(
        "app/repositories/orders.py", 2, "app.api", "app/api.py", "lies further outside", (0,)
    )
    values: dict[str, Any] = {
        "modules": {"routes": 2, "services": 1, "repositories": 1, "": 3},
        "files_of": {
            "routes": ("app/api.py", "app/more.py"),
            "services": ("app/services/orders.py",),
            "repositories": ("app/repositories/orders.py",),
            "": ("app/core.py", "app/main.py", "app/tool.py"),
        },
        "pairs": (
            Pair("routes", "services", 1, 0, (Import("app/api.py", 3, "app.s", "app/s.py"),)),
            Pair("repositories", "routes", 1, 1, (back,)),
        ),
        "rules": (Rule(LAYERS, True, (("house-rules", "HR-1"),)),),
        "counts": {"complexity": {1: 6, 4: 2, 12: 1}, "length": {3: 8, 60: 1}, "size": {40: 7}},
        "functions": tuple(
            Sized("app/api.py", line, f"f{line}", *size)
            for line, size in enumerate([(12, 60), (4, 3), (4, 3), *[(1, 3)] * 6], 1)
        ),
        "files": (("app/api.py", 40),),
        "limits": (Limit("complexity", 10, (("house-rules", "HR-2"),)),),
    }
    return pack(Anatomy(**values | fields))
