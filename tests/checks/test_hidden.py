"""What comments in the code hide from standards that accept all, some or none of them."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from checks.hidden import governed
from checks.memorysource import MemorySource
from checks.model import Finding, Observation, Outcome, Report
from checks.plan import KINDS, Worth
from checks.review import review
from checks.standard import Standard, parse
from checks.waiverrules import COUNTS, SUPPRESSIONS, Suppressions, WaiverRules
from checks.waivers import Waiver
from tests.checks import test_waivers
from tests.checks.projects import TIME
from tests.checks.test_verdict import Outcomes, clause, key, standard
from tests.checks.test_waivers import judged, raw, seen

type Case = tuple[list[Standard], Outcomes, list[Waiver]]
BOTH = st.tuples(st.sampled_from(SUPPRESSIONS), st.sampled_from(SUPPRESSIONS))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Some of what is suppressed has no reason."""
    standards, found, waivers = draw(test_waivers.cases())
    bare = st.booleans()
    told = {
        name: replace(
            outcome,
            observations=tuple(
                replace(each, bare=each.suppressed and draw(bare)) for each in outcome.observations
            ),
        )
        for name, outcome in found.items()
    }
    return standards, told, waivers


def by(rule: Suppressions, each: Standard) -> Standard:
    return replace(each, waivers=WaiverRules(suppressions=rule))


def hides(rule: Suppressions, seen: Observation) -> bool:
    return seen.suppressed and (rule == "any" or (rule == "reasoned" and not seen.bare))


def uncommented(rule: Suppressions, found: Outcomes) -> Outcomes:
    """The same code without the comments that a rule refuses."""
    return {
        name: replace(
            outcome,
            observations=tuple(
                replace(each, suppressed=hides(rule, each)) for each in outcome.observations
            ),
        )
        for name, outcome in found.items()
    }


def wordless(findings: tuple[Finding, ...]) -> list[Finding]:
    """The findings without what is said of their comments."""
    return [replace(each, message=each.message.partition(" (")[0]) for each in findings]


@settings(max_examples=60)
@given(cases(), st.sampled_from(SUPPRESSIONS))
def test_a_refused_comment_counts_as_if_it_were_not_there(case: Case, rule: Suppressions) -> None:
    (first, *_), found, waivers = case
    bare = uncommented(rule, found)

    got, expected = judged([by(rule, first)], found, *waivers), judged([first], bare, *waivers)

    assert got.standards == expected.standards
    assert wordless(got.findings) == list(expected.findings)
    assert got.waivers == expected.waivers
    outcomes, (asking,) = governed(found, [by(rule, first)])
    assert [Worth(asking, outcomes).listed(kind) for kind in KINDS] == [
        Worth(first, bare).listed(kind) for kind in KINDS
    ]
    assert Worth(asking, outcomes).plan() == Worth(first, bare).plan()


@settings(max_examples=60)
@given(cases(), BOTH)
def test_each_standard_accepts_what_it_accepts_whatever_the_others_do(
    case: Case, rules: tuple[Suppressions, Suppressions]
) -> None:
    standards, found, _ = case
    ruled = [by(rule, each) for rule, each in zip(rules, standards, strict=True)]

    got, free = judged(ruled, found), judged(standards, found)

    assert raw(got) == raw(free)
    for each, result, rule in zip(ruled, got.standards, rules, strict=True):
        alone = judged([each], found)
        assert alone.standards == (result,)
        assert rule != "none" or result.score == result.raw_score
        for finding in alone.findings:
            (same,) = (e for e in got.findings if e.fingerprint == finding.fingerprint)
            if not finding.suppressed:
                assert same.gain[each.slug] == finding.gain[each.slug]
    accepts = dict(zip((each.slug for each in standards), rules, strict=True))
    observed = {
        (outcome.check, each.path, each.line): each
        for outcome in found.values()
        for each in outcome.observations
    }
    assert [e.fingerprint for e in got.findings] == [e.fingerprint for e in free.findings]
    for finding, asked in zip(got.findings, free.findings, strict=True):
        place = observed[finding.check, finding.path, finding.line]
        counts = [slug for slug in asked.gain if not hides(accepts[slug], place)]
        assert finding.suppressed == (not counts)
        assert list(finding.gain) == (counts or list(asked.gain))


@settings(max_examples=40)
@given(cases())
def test_accepting_less_never_lifts_a_score(case: Case) -> None:
    standards, found, _ = case
    scores = [
        [each.score for each in judged([by(rule, s) for s in standards], found).standards]
        for rule in SUPPRESSIONS
    ]
    for more, less in pairwise(scores):
        assert all(a is None or b is None or b <= a for a, b in zip(more, less, strict=True))


@settings(max_examples=40)
@given(cases(), BOTH)
def test_doing_it_again_changes_nothing(
    case: Case, rules: tuple[Suppressions, Suppressions]
) -> None:
    standards, found, _ = case
    once = governed(found, [by(rule, s) for rule, s in zip(rules, standards, strict=True)])

    assert governed(*once) == once


def test_a_place_without_a_name_keeps_its_fingerprint() -> None:
    nameless = replace(seen("app/main.py", 3, hidden=True), anchor="", message="12 lines too long")
    found = {key("check-0"): Outcome(check="check-0", sites=4, observations=(nameless,))}
    free = standard(clause(1, "must", "check-0"))

    (hidden,), (open_,) = (judged([each], found).findings for each in (free, by("none", free)))

    assert hidden.fingerprint == open_.fingerprint
    assert (hidden.suppressed, open_.suppressed) == (True, False)
    assert open_.message == f"12 lines too long ({COUNTS['none']})"


TEXT = """\
slug = "{rule}"
title = "Team"
[waivers]
suppressions = "{rule}"
[[clause]]
id = "T-1"
requirement = "Nothing is printed."
strength = "must"
checks = [{{ id = "no-print" }}]
[[clause]]
id = "T-2"
requirement = "Signatures are typed."
strength = "must"
checks = [{{ id = "function-signatures-annotated" }}]
"""
STANDARDS = {rule: parse(TEXT.format(rule=rule).encode(), "team.toml") for rule in SUPPRESSIONS}
LINES: dict[str, tuple[Suppressions, ...]] = {
    "print(1)": SUPPRESSIONS,
    "print(1)  # noqa: T201": ("reasoned", "none"),
    "print(1)  # noqa: T201 - shown to people": ("none",),
    "# The output is the product.\nprint(1)  # noqa: T201": ("none",),
    "# ruff: disable[T201]\nprint(1)": ("reasoned", "none"),
    "# The output is the product.\n# ruff: disable[T201]\nprint(1)": ("none",),
    "# ruff: disable[T201] - a script for people\nprint(1)  # noqa: T201": ("none",),
    "def f(a, b): ...": SUPPRESSIONS,
    "def f(  # noqa: ANN201 - found out\n  a,  # noqa: ANN001 - of any kind\n  b):  # noqa: ANN001"
    "\n    return a": ("reasoned", "none"),
}
"""Code with the rules by which it counts."""


def scanned(code: str, *standards: Standard) -> Report:
    source = MemorySource.of({"app/main.py": f'"""A module."""\n\n{code}\n'}, time=TIME)
    return review(source, standards, repository="shop")


@pytest.mark.parametrize(("code", "rule"), [*product(LINES, SUPPRESSIONS)])
def test_a_scan_counts_what_no_accepted_comment_hides(code: str, rule: Suppressions) -> None:
    report = scanned(code, STANDARDS[rule])

    (finding,) = report.findings
    counts = rule in LINES[code]
    assert finding.suppressed is not counts
    assert report.standards[0].open_must == counts
    refused = counts and "any" not in LINES[code]
    assert finding.message.endswith(f"({COUNTS[rule]})" if refused else finding.message)


def test_a_finding_names_the_standards_in_which_it_counts() -> None:
    code = "print(1)  # noqa: T201"
    report = scanned(code, STANDARDS["any"], STANDARDS["reasoned"])

    (finding,) = report.findings
    assert [each.open_must for each in report.standards] == [0, 1]
    assert [each.clauses[0].checks[0].suppressed for each in report.standards] == [1, 0]
    assert not finding.suppressed
    assert list(finding.gain) == ["reasoned"]
