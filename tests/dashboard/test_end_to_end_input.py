"""What people and repositories get wrong: one clear sentence each, nothing lost, nothing crashed.

One installation with web, worker and scheduler as processes serves all tests of this file.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.gitservers import GitServer, Mode, Origin, git
from tests.product import Product, Visitor, serve, served, words
from tests.services import ROOT, free_port

SECRET = "glpat-abcdefghijkl1234"
STANDARDS = ("Production backend code-writing agent", "Python and FastAPI coding rules")
SLUGS = ("production-backend-agent", "fastapi-coding-rules")


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, postgresql: str) -> Iterator[Product]:
    """The product at work."""
    with served(tmp_path_factory.mktemp("input"), postgresql) as made:
        yield made


@pytest.fixture
def server(product: Product) -> Iterator[GitServer]:
    """The git server that the product may clone from."""
    with serve(product) as running:
        yield running


@pytest.fixture(scope="module")
def visitor(product: Product) -> Visitor:
    """The administrator."""
    return product.visitor()


@pytest.fixture
def nothing_lost(product: Product) -> Iterator[None]:
    """What is refused leaves no repository behind, and takes none away."""
    question = "SELECT slug FROM dashboard_repository ORDER BY slug"
    before = product.rows(question)
    yield
    assert product.rows(question) == before


REFUSED_AT_ONCE = {
    "a private address": ("https://10.1.2.3/team/shop.git", "not on the public internet"),
    "the metadata service": ("https://169.254.169.254/latest/meta-data", "metadata service"),
    "this machine": ("https://[::1]/team/shop.git", "not on the public internet"),
    "a folder": ("/etc", "path|folder"),
    "a file address": ("file:///etc/passwd", "file"),
    "a remote helper": ("ext::sh%20-c%20id", "https://"),
    "an option": ("--upload-pack=id", "dash|https://"),
    "a password in the address": (f"https://me:{SECRET}@git.example.org/x.git", "password"),
    "nothing": ("", "required"),
    "a web search": ("my favourite repository", "space|https://"),
}


@pytest.mark.usefixtures("nothing_lost")
@pytest.mark.parametrize("case", REFUSED_AT_ONCE)
def test_an_address_that_is_not_used_is_refused_in_the_form(visitor: Visitor, case: str) -> None:
    address, said = REFUSED_AT_ONCE[case]

    page = visitor.ask(address)

    assert (page.status_code, page.url.path) == (422, "/repos/new/")
    sentences = re.findall(r'<ul class="errorlist" id="id_clone_url_error">(.*?)</ul>', page.text)
    assert len(sentences) == 1, words(page)
    assert re.search(said, sentences[0], re.IGNORECASE), sentences[0]


REFUSED_BY_SERVER: dict[str, tuple[Mode, bool, dict[str, str], str]] = {
    "a private repository": ("git", True, {}, "private or does not exist"),
    "wrong credentials": (
        "git",
        True,
        {"credential_kind": "token", "username": "ada", "secret": SECRET},
        "The server refused the credential",
    ),
    "a web page": ("login-page", False, {}, "No git repository answers at this address"),
    "no repository": ("missing", False, {}, "The server has no repository at this address"),
    "a server out of order": (
        "broken",
        False,
        {},
        "The server answers with error 503; try again later",
    ),
    "another server": ("redirect", False, {}, "enter the one that git clone takes now"),
}


@pytest.mark.usefixtures("nothing_lost")
@pytest.mark.parametrize("case", REFUSED_BY_SERVER)
def test_a_server_that_gives_no_repository_is_met_with_a_sentence(
    visitor: Visitor, server: GitServer, case: str
) -> None:
    server.mode, locked, fields, said = REFUSED_BY_SERVER[case]
    server.login = ("ada", "secret of ada") if locked else None
    server.target = "http://127.0.0.1:9"
    name = f"{re.sub('[^a-z]', '-', case)}.git"
    Origin.create(server.root / name).commit({"a.py": "x = 1\n"})

    page = visitor.ask(server.url(name), **fields)

    assert page.status_code == 200
    assert "The repository cannot be read" in page.text
    assert said in words(page)
    assert SECRET not in page.text


@pytest.mark.usefixtures("nothing_lost")
def test_a_port_where_nobody_listens_and_an_empty_repository_are_told_apart(
    visitor: Visitor, server: GitServer
) -> None:
    nobody = visitor.ask(f"http://127.0.0.1:{free_port()}/shop.git")
    assert "The server could not be reached; check host and port" in words(nobody)

    Origin.create(server.root / "empty.git")
    empty = visitor.ask(server.url("empty.git"))
    assert "The repository is empty; push a first commit" in words(empty)


def test_a_private_repository_is_judged_with_the_right_credential(
    product: Product, visitor: Visitor, server: GitServer
) -> None:
    Origin.create(server.root / "private.git").commit({"a.py": "print(1)\n"})
    server.login = ("ada", SECRET)
    given = {"credential_kind": "token", "username": "ada", "secret": SECRET}

    slug = visitor.register(server.url("private.git"), *STANDARDS[:1], **given)

    assert product.until_scan(slug, "complete", "partial", "failed")[0] == "complete"
    pages = [visitor.get(f"/r/{slug}/{tail}").text for tail in ("", "settings/", "scans/1/")]
    assert not any(SECRET in page for page in pages)


def test_a_branch_that_does_not_exist_is_refused_or_fails_its_scan_with_a_sentence(
    product: Product, visitor: Visitor, server: GitServer
) -> None:
    origin = Origin.create(server.root / "branches.git")
    origin.commit({"a.py": "x = 1\n"})
    page = visitor.ask(server.url("branches.git"))
    chosen = {"name": "Branches", "branch": "nowhere", "standards": []}
    refused = visitor.send(page.url.path, chosen)
    assert refused.status_code == 422
    assert "nowhere is not one of the available choices" in words(refused)

    slug = visitor.register(server.url("branches.git"), *STANDARDS[:1], branch="main")
    product.until_scan(slug, "complete")
    before = visitor.report(slug)
    origin.commit({"a.py": "x = 2\n"}, branch="trunk")
    origin.set_head("trunk")
    origin.delete("main")
    visitor.send(f"/r/{slug}/scan/", {}, form=f"/r/{slug}/")
    assert product.until_scan(slug, "failed")[3] == "branch-missing"
    assert "The branch does not exist there" in words(visitor.get(f"/r/{slug}/"))
    assert visitor.report(slug) == before


def test_a_repository_without_python_fails_and_says_why(
    product: Product, visitor: Visitor, server: GitServer
) -> None:
    Origin.create(server.root / "words.git").commit({"README.md": "# Words\n", "a.txt": "x\n"})

    slug = visitor.register(server.url("words.git"), *STANDARDS)

    assert product.until_scan(slug, "complete", "partial", "failed")[0] == "failed"
    assert "No Python file was analysed" in words(visitor.get(f"/r/{slug}/scans/1/"))


DEEP = "x = " + "(" * 5_000 + "1" + ")" * 5_000 + "\n"
PRINT = b"print(1)\n"
# (mode, path in git's quoted form, content) of what repositories hold at times
ODD: list[tuple[str, str, bytes]] = [
    ("100644", "app/good.py", PRINT),
    ("100644", "app/broken.py", b"def f(:\n"),
    ("100644", "app/newer.py", b"try:\n    pass\nexcept ValueError, TypeError:\n    print(1)\n"),
    ("100644", "app/nul.py", b"x = '\0'\n"),
    ("100644", "app/latin.py", b"# -*- coding: latin-1 -*-\nprint('caf\xe9')\n"),
    ("100644", "app/lying.py", b"print('caf\xe9')\n"),
    ("100644", "app/bom.py", b"\xef\xbb\xbfprint('x')\n"),
    ("100644", "app/wide.py", "print('x')\n".encode("utf-16")),
    ("100644", "app/crlf.py", b"print(1)\r\nprint(2)\r\n"),
    ("100644", "app/long_line.py", b"print('" + b"x" * 10_000_000 + b"')\n"),
    ("100644", "app/deep.py", DEEP.encode()),
    ("100644", "app/empty.py", b""),
    ("100644", "app/with space.py", PRINT),
    ("100644", 'app/quo\\"te.py', PRINT),
    ("100644", "app/new\\nline.py", PRINT),
    ("100644", "app/<b>bold<\\/b>.py".replace("\\/", "-"), PRINT),
    ("100644", "app/\\303\\251t\\303\\251.py", PRINT),
    ("100644", "app/\\377not-utf8.py", PRINT),
    ("100644", "app/percent%2e%2e.py", PRINT),
    ("100644", "-dash.py", PRINT),
    ("100644", "pyproject.toml", b"[project\n"),
    ("100644", ".github/workflows/ci.yml", b"a: &a [*a, *a]\n- b\n"),
    ("120000", "app/secret.py", b"/etc/passwd"),
    ("120000", "app/loop.py", b"loop.py"),
    ("160000", "vendored", b"1" * 40),
]


def odd_repository(git_dir: Path) -> str:
    """Make a repository of all of these; returns its commit."""
    origin = Origin.create(git_dir)
    stream = [b"commit refs/heads/main\ncommitter Ada <ada@example.org> 1700000000 +0000\n"]
    stream.append(b"data 10\nfeat: odd\n\n")
    for mode, path, content in ODD:
        if mode == "160000":
            stream.append(f'M {mode} {content.decode()} "{path}"\n'.encode())
        else:
            stream.append(f'M {mode} inline "{path}"\ndata {len(content)}\n'.encode())
            stream.append(content + b"\n")
    git(origin.git_dir, "fast-import", "--quiet", stdin=b"".join(stream))
    return origin.top()


def command(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run ``python -m checks``."""
    return subprocess.run(
        [sys.executable, "-m", "checks", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_a_repository_of_odd_files_is_judged_shown_and_says_the_same_on_the_command_line(
    product: Product, visitor: Visitor, server: GitServer
) -> None:
    commit = odd_repository(server.root / "odd.git")
    slug = visitor.register(server.url("odd.git"), *STANDARDS)
    assert product.until_scan(slug, "complete", "partial", "failed")[0] == "partial"

    report = visitor.report(slug)
    order = [each["slug"] for each in json.loads(report)["standards"]]
    wanted = [word for name in order for word in ("--standard", name)]
    words_ = ("review", server.root / "odd.git", *wanted, "--format", "json", "--no-cache")
    done = command(*words_)
    assert done.returncode == 0, done.stderr
    assert report == done.stdout
    assert sorted(order) == sorted(SLUGS)

    _holds(json.loads(report))
    _is_shown(visitor, slug, commit, json.loads(report))


def _holds(report: dict[str, Any]) -> None:
    """What could be read was judged, and what could not is listed with its reason."""
    skipped = {each["path"]: each["reason"] for each in report["manifest"]["skipped"]}
    unread = {"app/broken.py", "app/nul.py", "app/wide.py", "app/long_line.py", "app/deep.py"}
    assert unread <= set(skipped)
    assert all(reason and "\n" not in reason for reason in skipped.values())
    printing = {each["path"] for each in report["findings"] if each["check"] == "no-print"}
    assert {"app/good.py", "app/latin.py", "app/bom.py", "app/crlf.py"} <= printing
    assert {"app/with space.py", "app/new\nline.py", "app/été.py", "-dash.py"} <= printing
    assert "app/newer.py" in printing  # what only a newer Python can read
    assert "root:" not in json.dumps(report)


def _is_shown(visitor: Visitor, slug: str, commit: str, report: dict[str, Any]) -> None:
    """Every page about it opens, and no name becomes markup."""
    for tail in ("", "findings/", "scans/1/", "history/"):
        assert "<b>bold" not in visitor.get(f"/r/{slug}/{tail}").text
    for tail in ("findings.csv", "findings.sarif"):
        assert "attachment" in visitor.get(f"/r/{slug}/{tail}").headers["Content-Disposition"]
    names = {each["path"] for each in report["findings"]} | {"app/secret.py", "app/long_line.py"}
    for path in sorted(names - {""}):
        page = visitor.get(f"/r/{slug}/code/{quote(path, errors='surrogateescape')}?at={commit}")
        assert "root:" not in page.text
    for number in re.findall(r'href="/f/(\d+)/"', visitor.get(f"/r/{slug}/findings/").text):
        assert "<b>bold" not in visitor.get(f"/f/{number}/").text


TEAM = 'slug = "team"\ntitle = "Team"\n[[clause]]\nid = "T-1"\nrequirement = "x"\n'
BROKEN_STANDARDS = {
    "no TOML": ("slug = \n", "line 1"),
    "an unknown check": (TEAM + 'strength = "must"\nchecks = [{ id = "no-prnt" }]\n', "T-1"),
    "no strength": (TEAM, "T-1"),
}


@pytest.mark.parametrize("case", BROKEN_STANDARDS)
def test_a_fault_in_a_standard_is_named_with_its_place(tmp_path: Path, case: str) -> None:
    text, place = BROKEN_STANDARDS[case]
    (tmp_path / "team.toml").write_text(text)

    done = command("review", ROOT, "--standard", tmp_path / "team.toml")

    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"straightedge: ")
    assert place in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_a_wrong_password_and_an_unknown_name_are_told_the_same(product: Product) -> None:
    said = set()
    for login in (product.login, "nobody"):
        stranger = Visitor(product.address)
        page = stranger.send("/sign-in/", {"login": login, "password": "wrong"})
        assert "Sign out" not in page.text
        said.add(words(page))
    assert len(said) == 1


def test_an_address_that_the_team_has_is_refused_with_its_name(
    visitor: Visitor, server: GitServer, product: Product
) -> None:
    Origin.create(server.root / "twice.git").commit({"a.py": "x = 1\n"})
    slug = visitor.register(server.url("twice.git"), *STANDARDS[:1])
    product.until_scan(slug, "complete")

    page = visitor.ask(server.url("twice.git"))

    assert page.status_code == 422
    assert "The team has registered this already, as twice." in words(page)
