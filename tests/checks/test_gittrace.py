"""What a server answered, read from git's trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.cloneurl import ClonePolicy, parse
from checks.gitfaults import FetchError
from checks.gittrace import check_answer

NOTHING_OPEN = ClonePolicy()
URL = parse("https://forge.example/team/shop.git")


def answers(tmp_path: Path, *lines: str) -> Path:
    trace = tmp_path / "trace"
    trace.write_text("".join(f"12:00:00.1 http.c:645   <= Recv header: {line}\n" for line in lines))
    return trace


SMART = "content-type: application/x-git-upload-pack-advertisement"


def test_a_smart_answer_passes_also_after_a_log_in(tmp_path: Path) -> None:
    check_answer(answers(tmp_path, "HTTP/2 200", SMART), URL, NOTHING_OPEN, credential_given=False)
    trace = answers(tmp_path, "HTTP/1.1 401 Unauthorized", "HTTP/1.1 200 OK", SMART)
    check_answer(trace, URL, NOTHING_OPEN, credential_given=True)


def test_no_answer_at_all_is_left_to_git_s_own_words(tmp_path: Path) -> None:
    check_answer(tmp_path / "none", URL, NOTHING_OPEN, credential_given=False)
    check_answer(answers(tmp_path), URL, NOTHING_OPEN, credential_given=False)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["HTTP/2 200", "content-type: text/html"], "not-a-git-server"),
        (["HTTP/2 200", "content-type: text/plain"], "not-a-git-server"),
        (["HTTP/2 200"], "not-a-git-server"),
        (["HTTP/2 204", SMART], "not-a-git-server"),
        (["HTTP/2 404"], "not-found"),
        (["HTTP/2 410"], "not-found"),
        (["HTTP/2 401"], "auth-required"),
        (["HTTP/2 403"], "auth-required"),
        (["HTTP/2 429"], "unreachable"),
        (["HTTP/2 502"], "unreachable"),
    ],
)
def test_other_answers_have_their_class(tmp_path: Path, lines: list[str], code: str) -> None:
    with pytest.raises(FetchError) as caught:
        check_answer(answers(tmp_path, *lines), URL, NOTHING_OPEN, credential_given=False)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("target", "offered"),
    [
        (
            "https://forge.example/team/store.git/info/refs?service=git-upload-pack",
            "https://forge.example/team/store.git",
        ),
        ("/team/store/info/refs?service=git-upload-pack", "https://forge.example/team/store"),
        ("https://forge.example:8443/team/store/info/refs", ""),
        ("https://other.example/team/shop.git/info/refs", ""),
        ("http://forge.example/team/shop.git/info/refs", ""),
        ("http://169.254.169.254/latest", ""),
        ("file:///etc/passwd", ""),
        ("ext::sh", ""),
        ("https://ada:secret@forge.example/x/info/refs", ""),
        ("https://forge.example/team/shop.git/info/refs", ""),
        ("", ""),
    ],
)
def test_a_redirect_is_offered_only_within_the_same_host(
    tmp_path: Path, target: str, offered: str
) -> None:
    with pytest.raises(FetchError) as caught:
        check_answer(
            answers(tmp_path, "HTTP/2 301", f"location: {target}"),
            URL,
            NOTHING_OPEN,
            credential_given=False,
        )
    assert caught.value.code == "redirect"
    assert caught.value.address == offered
    assert "secret" not in caught.value.sentence
