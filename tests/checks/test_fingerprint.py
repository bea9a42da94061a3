from __future__ import annotations

from msgspec.structs import replace

from checks.fingerprint import findings, fingerprint
from checks.model import Finding, Observation, Outcome
from checks.rules.specs import Key, specs
from checks.standard import Standard, parse

TEAM = parse(
    b"""
slug = "team"
title = "Team"
[[clause]]
id = "T-1"
requirement = "Functions are short."
strength = "must"
checks = [{ id = "function-length", params = { max_lines = 30 } }]
[[clause]]
id = "T-2"
requirement = "Functions are not very long."
strength = "should"
checks = [{ id = "function-length" }]
[[clause]]
id = "T-3"
requirement = "Nothing is printed."
strength = "must"
checks = [{ id = "no-print" }]
""",
    "team.toml",
)
STRICT, LOOSE, PRINT = (check.key for clause in TEAM.clauses for check in clause.checks)


def long(line: int, symbol: str, limit: int) -> Observation:
    return Observation(
        path="app/main.py",
        line=line,
        symbol=symbol,
        message=f"60 lines, the limit is {limit}",
        limit=str(limit),
    )


def printed(line: int, symbol: str = "app.main:run") -> Observation:
    return Observation(path="app/main.py", line=line, symbol=symbol, message="print", anchor="T201")


def outcome(key: Key, *observations: Observation, sites: int = 10) -> Outcome:
    return Outcome(check=key[0], params=key[1], sites=sites, observations=observations)


def found(*outcomes: Outcome, standards: tuple[Standard, ...] = (TEAM,)) -> tuple[Finding, ...]:
    return findings({(each.check, each.params): each for each in outcomes}, standards)


def test_one_place_under_two_limits_is_one_finding_of_both_clauses() -> None:
    (only,) = found(
        outcome(LOOSE, long(4, "app.main:run", 50)), outcome(STRICT, long(4, "app.main:run", 30))
    )
    assert only.clauses == ("T-1", "T-2")
    assert only.limit == "30"
    assert only.gain.keys() == {"team"}


def test_the_gain_of_a_finding_counts_every_clause_it_breaks() -> None:
    (only,) = found(
        outcome(STRICT, long(4, "app.main:run", 30), sites=1),
        outcome(LOOSE, long(4, "app.main:run", 50), sites=1),
        outcome(PRINT),
    )
    assert only.gain == {"team": round(500 / 9, 6)}


def test_a_fingerprint_outlives_a_shift_of_lines() -> None:
    before = found(outcome(PRINT, printed(3), printed(5), printed(9, "app.main:stop")))
    after = found(outcome(PRINT, printed(13), printed(15), printed(19, "app.main:stop")))
    assert [each.fingerprint for each in before] == [each.fingerprint for each in after]
    assert len({each.fingerprint for each in before}) == 3


def test_equals_are_numbered_by_position_whatever_their_order() -> None:
    one = found(outcome(PRINT, printed(3), printed(5)))
    other = found(outcome(PRINT, printed(5), printed(3)))
    assert one == other
    expected = fingerprint("no-print", "app/main.py", "app.main:run", "T201", 1)
    assert one[0].fingerprint == expected


def test_two_reports_at_one_place_stay_two_findings() -> None:
    twice = found(outcome(PRINT, printed(3), printed(3)))
    assert len({each.fingerprint for each in twice}) == 2


def test_a_place_without_symbol_is_known_by_its_message_without_numbers() -> None:
    whole = Observation(message="coverage is 71 %")
    (before,) = found(outcome(PRINT, whole))
    (after,) = found(outcome(PRINT, replace(whole, message="coverage is 72 %")))
    (other,) = found(outcome(PRINT, replace(whole, message="no coverage")))
    assert before.fingerprint == after.fingerprint != other.fingerprint


def test_findings_are_sorted_by_path_line_and_check() -> None:
    elsewhere = replace(printed(1), path="app/a.py")
    got = found(
        outcome(PRINT, printed(9), printed(4), elsewhere), outcome(LOOSE, long(4, "app.main:x", 50))
    )
    assert [(each.path, each.line, each.check) for each in got] == [
        ("app/a.py", 1, "no-print"),
        ("app/main.py", 4, "function-length"),
        ("app/main.py", 4, "no-print"),
        ("app/main.py", 9, "no-print"),
    ]


def test_what_no_standard_demands_or_could_not_be_measured_is_no_finding() -> None:
    stranger = specs()["function-length"].key({"max_lines": 7})
    unknown = Outcome(
        check="no-print", params=PRINT[1], state="unknown", observations=(printed(3),)
    )
    assert found(outcome(stranger, long(4, "x", 7)), unknown) == ()


def test_a_suppressed_finding_says_so_and_gains_nothing() -> None:
    (only,) = found(outcome(PRINT, replace(printed(3), suppressed=True)))
    assert only.suppressed
    assert only.gain == {"team": 0}


def test_an_uncertain_finding_says_so() -> None:
    (only,) = found(outcome(PRINT, replace(printed(3), weight=0.5)))
    assert only.uncertain


def test_two_standards_are_named_with_their_own_points() -> None:
    other = replace(TEAM, slug="other")
    (only,) = found(outcome(PRINT, printed(3)), standards=(TEAM, other))
    assert only.clauses == ("T-3",)
    assert only.gain["team"] == only.gain["other"] > 0
