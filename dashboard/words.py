"""The words of the product, each with what it means: pages explain them where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Word(NamedTuple):
    """A word as it is written, and one or two sentences for who meets it first."""

    text: str
    meaning: str


# key, as templates and addresses name it -> the word; in the order of the page that lists them
WORDS: Mapping[str, Word] = MappingProxyType(
    {
        "standard": Word(
            "standard",
            "A written document that says how code is to be. Your team chooses which ones a "
            "repository is compared with.",
        ),
        "clause": Word(
            "clause", "One demand of a standard, with a number, for example “no print in services”."
        ),
        "strength": Word(
            "strength",
            "How binding a clause is. A must is binding and weighs four times as much as a should, "
            "unless its standard says otherwise; a may is shown and costs nothing.",
        ),
        "check": Word(
            "check",
            "One question that a program can answer about code. A clause may need several checks, "
            "and a check may serve many clauses.",
        ),
        "site": Word(
            "site",
            "One place in the code where a check could be violated, such as a function or an "
            "import. The more sites comply, the more of the clause is met.",
        ),
        "finding": Word(
            "finding",
            "One site that violates one check, with its file and line, until it is fixed.",
        ),
        "fingerprint": Word(
            "fingerprint",
            "What a finding is known by from scan to scan. It stays the same when lines move or a "
            "file is renamed.",
        ),
        "scan": Word(
            "scan",
            "One reading of one commit: its files are compared with the adopted standards, and the "
            "result is kept.",
        ),
        "verdict": Word(
            "verdict",
            "What a scan says of a clause. It holds, fails, does not apply because there is no "
            "site, is unknown because it could not be told, or is attested or due, where a lead "
            "has to say it.",
        ),
        "unknown": Word(
            "unknown",
            "It could not be told. That is never counted as met; it lowers the coverage instead.",
        ),
        "not-built": Word(
            "not built yet",
            "The question is written down, but no code answers it so far. Clauses that need it "
            "are unknown.",
        ),
        "score": Word(
            "score",
            "0 to 100: what is left of 100 after each clause has taken what its violations cost. "
            "Of several standards it is the mean.",
        ),
        "points": Word(
            "points",
            "What scores are counted in, from 0 to 100. Without another word they are of the "
            "repository’s score. Points of a standard count less there: divided by how many "
            "standards the repository is compared with.",
        ),
        "change": Word(
            "change",
            "By how many points a score went up or down: against the scan before, or over the "
            "time that the page names. Scores are rounded down to one decimal, changes to the "
            "nearest; what they are made of has two, so that it adds up.",
        ),
        "grade": Word(
            "grade",
            "The score as a letter: A from 90, B from 80, C from 65, D from 50, E below. Scores "
            "are rounded down.",
        ),
        "raw-score": Word(
            "raw score",
            "What the score would be if nothing were waived and no comment in the code suppressed "
            "anything.",
        ),
        "open-must": Word(
            "open must",
            "A binding clause that is not met. They are counted, so that no average hides them.",
        ),
        "coverage": Word(
            "coverage",
            "How much of what applies could be answered at all. A high score with a low coverage "
            "says little.",
        ),
        "gain": Word(
            "points to gain",
            "By how many points the repository’s score rises when this is fixed and nothing else; "
            "where a page looks at one standard, it says so and means the score of that. Two gains "
            "cannot be added: together they may bring more, or less.",
        ),
        "loss": Word(
            "points lost",
            "What a clause takes from the 100 of its standard because of its violations.",
        ),
        "median": Word("median", "The one in the middle: half are above it and half below."),
        "gate": Word(
            "gate",
            "Conditions that every scan has to meet, such as a least score or no new finding. It "
            "passes or fails, and builds can ask for it.",
        ),
        "waiver": Word(
            "waiver",
            "An accepted exception: somebody asks with a reason, a lead grants it until a day. "
            "What it covers counts in the raw score alone.",
        ),
        "suppression": Word(
            "suppressed",
            "A comment in the code, such as noqa, silences it. It costs nothing in the score, "
            "still counts in the raw score, and stays visible here.",
        ),
        "uncertain": Word(
            "uncertain", "The check may be wrong here, so it counts half, or not at all."
        ),
        "advisory": Word(
            "advisory",
            "It is shown and costs nothing yet: the clause is new or counts from a later day, or "
            "the check is wrong too often.",
        ),
        "attestation": Word(
            "attestation",
            "A lead's word on what no repository can show, with evidence and an end. While it is "
            "missing it is due, and its clauses count as not met.",
        ),
        "contradiction": Word(
            "contradiction",
            "Two clauses of different standards that cannot be met together. A lead decides which "
            "one gives way.",
        ),
        "judged-later": Word(
            "commits judged later",
            "No scan of these repositories is that old: they are compared with an earlier commit, "
            "which was judged afterwards by the rules of today.",
        ),
        "age": Word(
            "since",
            "When it came into the code: the date of the commit that brought it, or of the scan "
            "that saw it first.",
        ),
    }
)
