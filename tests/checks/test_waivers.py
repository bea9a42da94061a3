"""What waivers do to a score, over outcomes, standards and waivers of any shape."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from checks.compose import compose
from checks.model import Finding, Manifest, Observation, Outcome, Report, StandardResult, Strength
from checks.rules.specs import Key
from checks.scoring import suppressed
from checks.standard import STRENGTHS, Clause, ClauseCheck, Standard
from checks.waiverrules import WaiverRules
from checks.waivers import WAIVED, Waiver
from tests.checks.test_verdict import NAMES, Outcomes, absent, broken, clause, key, without
from tests.checks.test_verdict import standard as standard_of

TODAY = date(2026, 11, 21)
PATHS = ["app/main.py", "app/api/users.py", "app/api/orders.py", "tests/test_main.py", ""]
MANIFEST = Manifest(files=3, python_files=3, analysed=3, skipped=(), tools={}, engine="1")


def judged(
    standards: Sequence[Standard], found: Outcomes, *waivers: Waiver, on: date | None = TODAY
) -> Report:
    return compose(("shop", "a" * 40, ""), MANIFEST, found, standards, waivers, on)


def seen(
    path: str, number: int, weight: float = 1.0, *, site: str = "", hidden: bool = False
) -> Observation:
    return Observation(
        path=path,
        line=number,
        message="wrong",
        anchor=f"place {number}",
        weight=weight,
        site=site,
        suppressed=hidden,
    )


def fails(check: str, sites: int, *paths: str) -> Outcome:
    found = tuple(seen(path, number) for number, path in enumerate(paths, 1))
    return Outcome(check=check, sites=sites, observations=found)


def waiver(name: str = "w", *, absorbed: int = 99, **scope: str) -> Waiver:
    return Waiver(id=name, absorbed=absorbed, expires=TODAY + timedelta(days=30), **scope)


@st.composite
def any_outcome(draw: st.DrawFn, check: str) -> Outcome:
    kind = draw(st.integers(1, 8))
    if kind == 1:
        return absent(check)
    if kind == 2:
        return broken(check)
    sites = draw(st.integers(1, 12))
    # Places share a site now and then; there are never more sites that violate than sites.
    named = draw(st.lists(st.integers(1, sites), max_size=14))
    found = [
        seen(
            draw(st.sampled_from(PATHS)),
            number,
            draw(st.sampled_from([1.0, 0.5])),
            site=f"site {site}",
            hidden=draw(st.integers(0, 5)) == 0,
        )
        for number, site in enumerate(named, 1)
    ]
    return Outcome(check=check, sites=sites, observations=tuple(found))


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Standard], Outcomes, list[Waiver]]:
    shapes = st.tuples(
        st.sampled_from(STRENGTHS),
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True),
    )
    standards = []
    for slug in ("one", "two"):
        made = draw(st.lists(shapes, min_size=1, max_size=4))
        clauses = [clause(n, strength, *names) for n, (strength, names) in enumerate(made, 1)]
        standards.append(replace(standard_of(*clauses), slug=slug))
    found = {key(name): draw(any_outcome(name)) for name in NAMES}
    fingerprints = [each.fingerprint for each in judged(standards, found).findings]
    scopes = [
        st.fixed_dictionaries(
            {"path": st.sampled_from(["app/api/", "*.py", "tests/**", "!x", "nowhere"])}
        ),
        st.fixed_dictionaries(
            {"clause": st.sampled_from(["one/T-001", "T-002", "two/T-001", "T-9"])}
        ),
        st.fixed_dictionaries({"path": st.just("app/"), "check": st.sampled_from(NAMES)}),
        st.fixed_dictionaries({"path": st.just("**"), "clause": st.just("two/T-001")}),
    ]
    if fingerprints:
        scopes.append(st.fixed_dictionaries({"fingerprint": st.sampled_from(fingerprints)}))
    given_ = draw(st.lists(st.tuples(st.one_of(scopes), st.integers(0, 12)), max_size=5))
    waivers = [waiver(f"w{n}", absorbed=most, **scope) for n, (scope, most) in enumerate(given_)]
    return standards, found, waivers


def no_lower(before: Report, after: Report) -> bool:
    """A score that is gone, because nothing is measured any more, is not a lower one."""
    return all(
        old is None or new is None or new >= old
        for one, other in zip(before.standards, after.standards, strict=True)
        for old, new in [(one.score, other.score), (one.low, other.low)]
    )


def raw(report: Report) -> list[float | None]:
    return [each.raw_score for each in report.standards]


type Case = tuple[list[Standard], Outcomes, list[Waiver]]


@settings(max_examples=100)
@given(cases())
def test_waivers_never_lower_a_score_and_leave_the_raw_score_alone(case: Case) -> None:
    standards, found, waivers = case
    plain, waived = judged(standards, found), judged(standards, found, *waivers)

    assert no_lower(plain, waived)
    assert raw(plain) == raw(waived)
    for before, after in zip(plain.standards, waived.standards, strict=True):
        assert after.open_must <= before.open_must
        assert after.score is None or (after.raw_score or 0) <= after.score
        if after.score is not None:
            losses = sum(Decimal(repr(each.loss)) for each in after.clauses)
            assert 100 - losses == Decimal(repr(after.score))


@settings(max_examples=60)
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_waivers_changes_nothing(case: Case, choice: random.Random) -> None:
    standards, found, waivers = case
    turned = choice.sample(waivers, len(waivers))

    assert judged(standards, found, *turned) == judged(standards, found, *waivers)


@settings(max_examples=100)
@given(cases(), st.randoms(use_true_random=False))
def test_fixing_a_finding_never_lowers_a_score_waived_or_not(
    case: Case, choice: random.Random
) -> None:
    standards, found, waivers = case
    before = judged(standards, found, *waivers)
    places = [(name, n) for name, each in found.items() for n in range(len(each.observations))]
    while places:
        name, index = choice.choice(places)
        found = without(found, name, index)
        after = judged(standards, found, *waivers)
        assert no_lower(before, after)
        before = after
        places = [(name, n) for name, each in found.items() for n in range(len(each.observations))]


@settings(max_examples=100)
@given(cases(), st.randoms(use_true_random=False))
def test_a_predicted_gain_is_that_of_a_real_fix_and_nothing_for_what_is_waived(
    case: Case, choice: random.Random
) -> None:
    standards, found, waivers = case
    # Fixing what lies under a broken waiver may mend the waiver, which is more than the fix.
    ample = [replace(each, absorbed=99) for each in waivers]
    before = judged(standards, found, *ample)
    if not before.findings:
        return
    finding = choice.choice(before.findings)
    if finding.waived is not UNSET:
        assert set(finding.gain.values()) <= {0.0}
        return
    # Each name is asked with one set of limits here, so a finding is one observation.
    name = key(finding.check)
    index = next(
        n
        for n, each in enumerate(found[name].observations)
        if (each.path, each.line) == (finding.path, finding.line)
    )
    if _half_waived(standards, found, ample, name, index):
        return
    after = judged(standards, without(found, name, index), *ample)
    for old, new in zip(before.standards, after.standards, strict=True):
        if old.score is not None and new.score is not None:
            gain = Decimal(repr(finding.gain.get(old.slug, 0.0)))
            assert Decimal(repr(old.score)) + gain == Decimal(repr(new.score))


def _half_waived(
    standards: list[Standard], found: Outcomes, waivers: list[Waiver], name: Key, index: int
) -> bool:
    """Whether the place or another of its site is waived somewhere."""
    site = found[name].observations[index].site
    # The site leaves when its last open place is fixed, or comes back when a waived one is.
    lone = {
        name: replace(
            found[name],
            observations=tuple(o for o in found[name].observations if o.site == site),
        )
    }
    results = judged(standards, lone, *waivers).waivers
    return results is not UNSET and any(each.state == "in-force" for each in results)


# --- by example


RULES = standard_of(clause(1, "must", "check-0"), clause(2, "should", "check-1"))
FOUND = {
    key("check-0"): fails("check-0", 9, "app/a.py", "app/b.py", "lib/c.py"),
    key("check-1"): fails("check-1", 4, "app/a.py"),
}


def head(report: Report) -> StandardResult:
    return report.standards[0]


def covered(report: Report) -> list[tuple[str, str]]:
    return [(each.check, each.path) for each in report.findings if each.waived is not UNSET]


def state(report: Report) -> tuple[str, int]:
    assert report.waivers is not UNSET
    return report.waivers[0].state, report.waivers[0].matched


def by_path(report: Report, check: str, path: str) -> Finding:
    return next(each for each in report.findings if (each.check, each.path) == (check, path))


def test_a_waived_finding_leaves_violations_and_sites_and_stays_in_the_raw_score() -> None:
    rules = standard_of(clause(1, "should", "check-0"))
    report = judged([rules], FOUND, waiver(path="app/"))

    result = head(report).clauses[0].checks[0]
    assert (result.sites, result.violations, result.waived) == (7, 1, 2)
    assert head(report).score == pytest.approx(100 * 6 / 7, abs=1e-5)
    assert head(report).raw_score == pytest.approx(100 * 6 / 9, abs=1e-5)
    assert covered(report) == [("check-0", "app/a.py"), ("check-0", "app/b.py")]


def test_without_waivers_a_report_is_what_it_was_before_there_were_any() -> None:
    report = judged([RULES], FOUND)

    assert report.waivers is UNSET
    assert all(each.waived is UNSET for each in report.findings)
    assert judged([RULES], FOUND, on=None) == report


def test_a_clause_whose_sites_are_all_waived_does_not_apply() -> None:
    rules = standard_of(clause(1, "must", "check-0"), clause(2, "should", "check-1"))
    found = {**FOUND, key("check-0"): fails("check-0", 1, "")}

    report = judged([rules], found, waiver(clause="team/T-001"))

    result = head(report).clauses[0]
    assert (result.verdict, result.score) == ("not-applicable", None)
    assert (result.checks[0].state, result.checks[0].reason) == ("not-applicable", WAIVED)
    assert (head(report).score, head(report).raw_score) == (75, 15)
    assert head(report).open_must == 0


def test_a_waiver_of_a_clause_leaves_the_other_clauses_that_ask_the_same_alone() -> None:
    both = [RULES, replace(RULES, slug="other")]
    plain, report = judged(both, FOUND), judged(both, FOUND, waiver(clause="team/T-001"))

    assert report.standards[0].clauses[0].verdict == "holds"
    assert report.standards[1] == plain.standards[1]
    # It counts in the other standard, so it is an open finding still.
    assert covered(report) == []
    gain = by_path(report, "check-0", "app/a.py").gain
    assert gain["team"] == 0
    assert gain["other"] > 0


def test_growth_breaks_a_waiver_and_everything_counts_again() -> None:
    grown = judged([RULES], FOUND, waiver(path="app/", absorbed=2))

    assert state(grown) == ("broken", 3)
    assert head(grown) == head(judged([RULES], FOUND))
    assert covered(grown) == []
    assert state(judged([RULES], FOUND, waiver(path="app/", absorbed=3))) == ("in-force", 3)


def test_a_waiver_that_matches_nothing_is_unused() -> None:
    assert state(judged([RULES], FOUND, waiver(path="gone/"))) == ("unused", 0)


def test_a_path_is_limited_to_a_check_where_one_is_named() -> None:
    report = judged([RULES], FOUND, waiver(path="app/", check="check-1"))

    assert covered(report) == [("check-1", "app/a.py")]


def test_a_pattern_does_not_match_the_repository_itself() -> None:
    found = {key("check-0"): fails("check-0", 1, "")}

    assert state(judged([RULES], found, waiver(path="**"))) == ("unused", 0)


def test_a_suppressed_finding_is_governed_by_its_own_word() -> None:
    hidden = Outcome(check="check-0", sites=9, observations=(seen("app/a.py", 1, hidden=True),))
    report = judged([RULES], {key("check-0"): hidden}, waiver(path="app/"))

    assert state(report) == ("unused", 0)
    assert suppressed(hidden.observations) == head(report).clauses[0].checks[0].suppressed


@pytest.mark.parametrize(("days", "expected"), [(-1, "expired"), (0, "in-force"), (1, "in-force")])
def test_a_waiver_counts_through_its_last_day(days: int, expected: str) -> None:
    ends = replace(waiver(path="app/"), expires=TODAY + timedelta(days=days))

    assert state(judged([RULES], FOUND, ends))[0] == expected


def _with(strength: Strength, **rules: object) -> Standard:
    made = replace(RULES, clauses=(replace(RULES.clauses[0], strength=strength),))
    return replace(made, waivers=WaiverRules(**rules))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rules", "given_", "expected"),
    [
        (_with("must"), {"expires": None}, "never waived for ever"),
        (_with("should"), {"expires": None}, ""),
        (_with("should", max_days=90), {"expires": None}, "wants an end"),
        (_with("must"), {"expires": TODAY + timedelta(days=366)}, "365 days at most"),
        (_with("must"), {"expires": TODAY + timedelta(days=365)}, ""),
        (_with("may", max_days=29), {}, "29 days at most"),
        (_with("may", approver="other"), {"author": "ada", "approver": "ada"}, "somebody else"),
        (_with("may", approver="other"), {"author": "ada"}, "somebody else"),
        (_with("may", approver="other"), {"author": "ada", "approver": "grace"}, ""),
        (_with("may"), {"author": "ada", "approver": "ada"}, ""),
    ],
)
def test_a_waiver_that_breaks_a_rule_of_the_standard_covers_nothing(
    rules: Standard, given_: dict[str, object], expected: str
) -> None:
    asked = replace(waiver(path="app/"), **given_)
    report = judged([rules], FOUND, asked)

    assert report.waivers is not UNSET
    assert state(report)[0] == ("refused" if expected else "in-force")
    assert expected in report.waivers[0].note
    assert bool(covered(report)) is not bool(expected)


def test_one_check_with_two_limits_is_waived_in_the_clause_that_is_named() -> None:
    strict = ClauseCheck(id="check-0", params={}, given={}, key=("check-0", "strict"))
    tight = Clause(
        **{name: getattr(RULES.clauses[0], name) for name in RULES.clauses[0].__struct_fields__}
        | {"id": "T-003", "checks": (strict,)}
    )
    rules = replace(RULES, clauses=(RULES.clauses[0], tight))
    found = {**FOUND, ("check-0", "strict"): fails("check-0", 9, "app/a.py")}

    report = judged([rules], found, waiver(clause="T-003", path="app/"))

    assert [each.verdict for each in head(report).clauses] == ["fails", "holds"]
    assert covered(report) == []
    assert covered(judged([rules], found, waiver(path="app/a.py"))) == [("check-0", "app/a.py")]


@pytest.mark.parametrize(
    ("named", "folder", "counts"),
    [
        ("", "services/api", True),
        ("services/api", "services/api", True),
        ("services/api", "services/web", False),
        ("services/api", "", False),
        (".", "", True),
        (".", "services/api", False),
    ],
)
def test_a_waiver_of_one_folder_counts_in_this_folder(
    named: str, folder: str, counts: bool
) -> None:
    one = waiver(path="app/", component=named)
    report = compose(("shop", "a" * 40, folder), MANIFEST, FOUND, [RULES], [one], TODAY)

    assert bool(covered(report)) == counts
    assert (report.waivers is not UNSET) == counts
