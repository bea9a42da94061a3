from __future__ import annotations

from pathlib import Path

import pytest

from checks import standard, toml
from checks.rules.specs import ATTESTATION, areas, examples, specs, terms
from checks.standard import StandardError

SOUND = """\
slug = "team-rules"
title = "Rules of a team"

[[clause]]
id = "TR-001"
requirement = "Functions are short."
strength = "must"
checks = [{ id = "function-length", params = { max_lines = 20 } }]

[[clause]]
id = "TR-002"
requirement = "The team meets each week."
strength = "should"
"""


def mistakes(text: str | bytes) -> tuple[str, ...]:
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(StandardError) as caught:
        standard.parse(content, "team.toml")
    return caught.value.mistakes


def sole_mistake(text: str | bytes) -> str:
    (only,) = mistakes(text)
    return only


def test_the_five_shipped_standards_have_all_their_clauses() -> None:
    counts = {each.slug: len(each.clauses) for each in standard.shipped()}
    assert counts == {
        "coloragent-backend": 54,
        "fastapi-coding-rules": 174,
        "layered-services-standards": 97,
        "mandatory-backend-standards": 407,
        "production-backend-agent": 138,
    }


def test_every_check_is_demanded_by_a_shipped_standard_and_has_examples() -> None:
    demanded = {key[0] for each in standard.shipped() for key in each.demanded()}
    assert demanded == set(specs())
    assert {check for area in areas() for check in examples(area)} == set(specs())
    assert len(specs()) == 253
    assert all(spec.area in areas() for spec in specs().values())
    assert "production file" in {term.name for term in terms()}


def test_limits_of_every_example_are_limits_of_its_check() -> None:
    for area in areas():
        for check, pairs in examples(area).items():
            for pair in pairs:
                assert set(pair.params) <= set(specs()[check].params), check


def test_conflicts_between_the_shipped_standards_go_both_ways() -> None:
    clauses = {clause.id: clause for each in standard.shipped() for clause in each.clauses}
    for clause in clauses.values():
        for other in clause.conflicts:
            assert clause.id in clauses[other].conflicts


def test_a_clause_carries_all_limits_and_says_which_it_sets_itself() -> None:
    clause = standard.parse(SOUND.encode(), "team.toml").clauses[0]
    (check,) = clause.checks
    assert check.given == {"max_lines": 20}
    assert check.params == {**specs()["function-length"].params, "max_lines": 20}
    assert check.key == specs()["function-length"].key({"max_lines": 20})
    assert clause.area == specs()["function-length"].area


def test_a_clause_without_checks_is_decided_by_an_attestation_of_its_own() -> None:
    clause = standard.parse(SOUND.encode(), "team.toml").clauses[1]
    assert clause.automation == "attested"
    assert clause.attested_only
    assert [(check.id, check.params["topic"]) for check in clause.checks] == [
        (ATTESTATION, "TR-002")
    ]


def test_equal_limits_are_one_demand_however_they_are_written() -> None:
    default = specs()["function-length"].params["max_lines"]
    spelled_out = SOUND.replace("max_lines = 20", f"max_lines = {default}")
    left_out = SOUND.replace(", params = { max_lines = 20 }", "")
    one, other = (standard.parse(text.encode(), "x") for text in (spelled_out, left_out))
    assert one.demanded() == other.demanded()


def test_the_version_is_the_digest_of_the_file() -> None:
    one = standard.parse(SOUND.encode(), "x")
    other = standard.parse((SOUND + "\n").encode(), "x")
    assert len(one.version) == 64
    assert one.short_version == one.version[:12]
    assert one.version != other.version


def test_a_standard_is_loaded_by_slug_by_text_and_by_path(tmp_path: Path) -> None:
    file = tmp_path / "team.toml"
    file.write_text(SOUND)
    assert standard.load(file) == standard.load(str(file))
    assert standard.load("coloragent-backend").slug == "coloragent-backend"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("colouragent", "no such standard; choose coloragent-backend"),
        ("nowhere/team.toml", "there is no such file"),
        ("nul\0.toml", "there is no such file"),
        (".toml", "there is no such file"),
    ],
)
def test_a_standard_that_cannot_be_found_says_what_to_choose(name: str, sentence: str) -> None:
    with pytest.raises(StandardError, match=sentence):
        standard.load(name)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            'strength = "must"',
            'strength = "mus"',
            (
                "clause TR-001: strength 'mus' is not one of must, should, may"
                " (did you mean must?) (line 7)"
            ),
        ),
        (
            '"function-length"',
            '"function-lenght"',
            (
                "clause TR-001: there is no check 'function-lenght'"
                " (did you mean function-length?) (line 8)"
            ),
        ),
        (
            "max_lines = 20",
            'max_lines = "20"',
            (
                "clause TR-001: check function-length: param max_lines is '20', not a whole number"
                " (line 8)"
            ),
        ),
        (
            "max_lines = 20",
            "max_lines = true",
            (
                "clause TR-001: check function-length: param max_lines is True, not a whole number"
                " (line 8)"
            ),
        ),
        (
            '{ id = "function-length", params = { max_lines = 20 } }',
            '{ id = "annotation-syntax", params = { syntax = "pep999" } }',
            (
                "clause TR-001: check annotation-syntax: param syntax: 'pep999' is not one of"
                " pep604-optional, typing-optional, pep585-collections, typing-collections,"
                " pep695-generics, typevar-generics (line 8)"
            ),
        ),
        (
            '{ id = "function-length", params = { max_lines = 20 } }',
            '"function-length"',
            'clause TR-001: a check is not written as { id = "..." } (line 8)',
        ),
        (
            'requirement = "Functions are short."\n',
            "",
            "clause TR-001: field requirement is missing or empty (line 4)",
        ),
        (
            'requirement = "Functions are short."',
            "requirement = 3",
            "clause TR-001: field requirement is not a text (line 6)",
        ),
        ("TR-002", "TR-001", "clause TR-001: an earlier clause has the same id (line 11)"),
        (
            'id = "TR-001"',
            'id = "TR 001"',
            (
                "clause 'TR 001': id 'TR 001' may only have letters, digits, dots, hyphens and"
                " underscores, at most 40 (line 5)"
            ),
        ),
        (
            'strength = "should"',
            'strength = "should"\nconflicts = ["MB 1"]',
            "clause TR-002: conflict 'MB 1' is not the id of a clause (line 14)",
        ),
        (
            'strength = "should"',
            'strength = "should"\nstrenght = "must"',
            "clause TR-002: unknown field 'strenght' (did you mean strength?) (line 14)",
        ),
        (
            'strength = "should"',
            'strength = "should"\nlines = "4-"',
            "clause TR-002: lines '4-' is not a list such as '12' or '12-14, 20' (line 14)",
        ),
        (
            'strength = "should"',
            'strength = "should"\nautomation = "automated"',
            (
                "clause TR-002: automation is 'attested' exactly when no check but lead-attestation"
                " decides (line 14)"
            ),
        ),
        ('title = "Rules of a team"\n', "", "standard: field title is missing or empty"),
        (
            '"team-rules"',
            '"Team Rules"',
            "standard: slug 'Team Rules' is not lowercase letters, digits and single hyphens",
        ),
    ],
)
def test_a_mistake_is_named_with_its_clause_and_line(old: str, new: str, sentence: str) -> None:
    assert old in SOUND
    assert sole_mistake(SOUND.replace(old, new, 1 if "TR-002" not in old else -1)) == sentence


def test_an_unknown_param_is_answered_with_those_that_exist() -> None:
    sentence = sole_mistake(SOUND.replace("max_lines = 20", "max_line = 20"))
    assert "unknown param 'max_line' (did you mean max_lines?); it has: max_lines" in sentence


def test_the_same_check_twice_with_the_same_limits_is_a_mistake() -> None:
    one = '{ id = "function-length", params = { max_lines = 20 } }'
    assert "is listed twice" in sole_mistake(SOUND.replace(one, f"{one}, {one}"))
    other = '{ id = "function-length", params = { max_lines = 30 } }'
    standard.parse(SOUND.replace(one, f"{one}, {other}").encode(), "x")


def test_all_mistakes_are_listed_at_once() -> None:
    text = SOUND.replace('"must"', '"mus"').replace('"should"', '"shuld"').replace("TR-002", "T 2")
    found = mistakes(text)
    assert [each.split(":")[0] for each in found] == [
        "clause TR-001",
        "clause 'T 2'",
        "clause 'T 2'",
    ]
    with pytest.raises(StandardError, match=r"^team\.toml: 3 mistakes: clause TR-001: .*; clause"):
        standard.parse(text.encode(), "team.toml")


def test_conflicts_with_clauses_of_standards_that_are_not_loaded_are_fine() -> None:
    text = SOUND.replace('strength = "should"', 'strength = "should"\nconflicts = ["OTHER-9"]')
    assert standard.parse(text.encode(), "x").clauses[1].conflicts == ("OTHER-9",)


def test_lines_in_long_texts_are_not_taken_for_clauses() -> None:
    text = SOUND.replace('"Functions are short."', "'''\n[[clause]]\nstrength = 1\n'''").replace(
        '"should"', '"shuld"'
    )
    assert sole_mistake(text).endswith("(line 16)")


def test_a_standard_without_clauses_is_refused() -> None:
    assert sole_mistake('slug = "a"\ntitle = "A"') == "standard: there is no [[clause]]"
    found = mistakes('slug = "a"\ntitle = "A"\nclause = 3')
    assert found == ("standard: clauses must be written as [[clause]] tables",)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a = " + b"[" * 5000, "brackets are nested deeper than 100"),
        (b"[" * 101, "brackets are nested deeper than 100"),
        (b".".join([b"a"] * 33) + b" = 1", "a key has more than 32 parts"),
        (b" . ".join([b'"a"'] * 33) + b" = 1", "a key has more than 32 parts"),
        (b"x = 1\n" * 60_000, "the limit is 262144"),
        (b'a = """never', "this string is never closed"),
        (b"a = '''never", "this string is never closed"),
        (b"a = \xff", "byte 4 is not UTF-8"),
        (b"a = ", "not valid TOML"),
        (b"a = " + b"9" * 5000, "not valid TOML"),
    ],
)
def test_hostile_toml_is_refused_with_a_sentence(content: bytes, sentence: str) -> None:
    assert sentence in sole_mistake(content)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b'a = """' + b"[" * 500 + b'"""', "[" * 500),
        (b"a = '" + b"a." * 50 + b"'", "a." * 50),
        (b"# " + b"[" * 500 + b"\na = 1.5", 1.5),
        (b'a = """x"""" # ' + b"[" * 500, 'x"'),
        (b'a = "\\"' + b"[" * 500 + b'"', '"' + "[" * 500),
        (b"\xef\xbb\xbfa = 1", 1),
    ],
)
def test_brackets_and_dots_in_strings_and_comments_do_not_count(
    content: bytes, value: object
) -> None:
    assert toml.loads(content) == {"a": value}


def test_a_clause_that_is_off_is_read_and_demands_nothing() -> None:
    text = SOUND.replace('id = "TR-001"', 'id = "TR-001"\noff = true')
    read = standard.parse(text.encode(), "team.toml")

    assert [clause.id for clause in read.written] == ["TR-001", "TR-002"]
    assert [clause.id for clause in read.clauses] == ["TR-002"]
    assert {check for check, _ in read.demanded()} == {ATTESTATION}
    wholly = text.replace('id = "TR-002"', 'id = "TR-002"\noff = true')
    assert sole_mistake(wholly) == "standard: every clause is off"
    unclear = SOUND.replace('id = "TR-001"', 'id = "TR-001"\noff = "yes"')
    assert sole_mistake(unclear) == "clause TR-001: field off is not true or false (line 6)"


def test_a_table_of_statuses_holds_lists_of_whole_numbers() -> None:
    text = SOUND.replace(
        '"function-length", params = { max_lines = 20 }',
        '"success-status-code", params = { expected = { POST = "201" } }',
    )
    assert "POST is '201', not a list of whole numbers" in sole_mistake(text)


def test_a_clause_has_its_own_weight_or_that_of_its_strength() -> None:
    own = SOUND.replace('strength = "should"', 'strength = "should"\nweight = 9')
    weighed = standard.parse(f"{own}[weights]\nmust = 6\n".encode(), "t")
    assert [each.weight for each in weighed.clauses] == [6, 9]
    assert [each.weight for each in standard.parse(SOUND.encode(), "t").clauses] == [None, None]


@pytest.mark.parametrize(
    ("weight", "complaint"),
    [
        ("0", "clause TR-002: weight is not a whole number from 1 to 100 (line 14)"),
        ("101", "clause TR-002: weight is not a whole number from 1 to 100 (line 14)"),
        ("true", "clause TR-002: weight is not a whole number from 1 to 100 (line 14)"),
        ("2.5", "clause TR-002: field weight is not a whole number (line 14)"),
    ],
)
def test_a_weight_that_cannot_be_used_is_named(weight: str, complaint: str) -> None:
    assert sole_mistake(f"{SOUND}weight = {weight}\n") == complaint


def test_a_may_has_no_weight() -> None:
    complaint = "a may clause is shown and never scored, so it has no weight"
    may = SOUND.replace('"should"', '"may"')
    assert sole_mistake(f"{may}weight = 3\n") == f"clause TR-002: {complaint} (line 14)"
    assert sole_mistake(f"{SOUND}[weights]\nmay = 1\n") == f"weights: {complaint}"


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("[weights]\nmust = 0", "weights: must is not a whole number from 1 to 100"),
        ("[weights]\nmuts = 2", "weights: unknown strength 'muts'; it has: must, should"),
        ("[[weights]]", "standard: weights must be written as a [weights] table"),
    ],
)
def test_a_table_of_weights_that_cannot_be_used_is_named(table: str, complaint: str) -> None:
    assert sole_mistake(f"{SOUND}{table}\n") == complaint
