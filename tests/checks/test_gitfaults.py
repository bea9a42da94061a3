"""git's words become a class and a sentence; foreign words are scrubbed."""

from __future__ import annotations

import pytest

from checks.gitfaults import SENTENCES, Fault, FetchError, classify, scrub

SAID: list[tuple[str, Fault]] = [
    ("fatal: could not read Username for 'https://h': terminal prompts disabled", "auth-required"),
    ("HTTP Basic: Access denied\nfatal: Authentication failed for 'https://h/'", "auth-failed"),
    ("git@h: Permission denied (publickey).\nfatal: Could not read", "auth-failed"),
    ("fatal: unable to access 'https://h/': The requested URL returned error: 403", "auth-failed"),
    ("remote: Repository not found.\nfatal: repository 'https://h/x/' not found", "not-found"),
    ("fatal: '/x.git' does not appear to be a git repository", "not-found"),
    ("fatal: unable to access 'https://h/': Could not resolve host: h", "unreachable"),
    ("ssh: connect to host h port 22: Connection refused", "unreachable"),
    ("ssh: connect to host h port 22: Connection timed out", "timeout"),
    ("fatal: unable to access 'https://h/': SSL certificate problem: expired", "tls"),
    ("server certificate verification failed. CAfile: none CRLfile: none", "tls"),
    ("No ED25519 host key is known for h and you have requested strict", "host-key-unknown"),
    ("Host key verification failed.", "host-key-unknown"),
    ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
     "host-key-changed"),
    ("error: RPC failed; curl 28 Operation too slow. Less than 1000 bytes/sec", "timeout"),
    ("fatal: write error: No space left on device", "disk"),
    ("error: index-pack died of signal 25", "too-large"),
    ("error: object 1: hasDotgit: contains '.git'\nfatal: fsck error in pack", "corrupt"),
    ("fatal: bad object refs/heads/main", "corrupt"),
    ("error: remote did not send all necessary objects", "corrupt"),
    ("fatal: protocol error: bad line length character: <!do", "not-a-git-server"),
    ("fatal: unable to access 'https://h/': The requested URL returned error: 302", "redirect"),
    ("something nobody has seen before", "failed"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "fault"), SAID)
def test_each_complaint_has_its_class(words: str, fault: Fault) -> None:
    assert classify(words, credential_given=fault != "auth-required") == fault


def test_whether_a_credential_was_given_tells_missing_from_wrong() -> None:
    asked = "fatal: could not read Username for 'https://h': terminal prompts disabled"
    denied = "fatal: Authentication failed for 'https://h/'"
    assert classify(asked, credential_given=True) == "auth-failed"
    assert classify(denied, credential_given=False) == "auth-required"


def test_every_class_says_one_sentence_with_a_next_step() -> None:
    for fault, sentence in SENTENCES.items():
        assert FetchError(fault).sentence == sentence
        assert sentence.endswith(".")
        assert sentence.count(". ") == 0
        assert ";" in sentence or "," in sentence


@pytest.mark.parametrize(
    "text",
    [
        "fatal: https://ada:hidden@forge.example/x",
        "fatal: https://hidden@forge.example/x",
        "Authorization: Basic hidden",
        "PRIVATE-TOKEN: hidden",
        "password hidden was wrong",
        "ghp_hidden0123456789",
        "glpat-hidden-0123456789",
        "/srv/hidden/mirrors/5.git: no",
    ],
)
def test_secrets_and_paths_are_scrubbed(text: str) -> None:
    assert "hidden" not in scrub(text, ["hidden"] if text.startswith("password") else [])


def test_controls_are_shown_as_such_and_the_text_is_cut() -> None:
    assert scrub("a\x1b[31mb\u202ec\nd") == "a\ufffd[31mb\ufffdc\nd"
    assert len(scrub("x " * 5000)) == 500
