"""Clone addresses: what is refused, with which code, and what an accepted one means."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from checks.addresses import AllowedHosts
from checks.cloneurl import ClonePolicy, UrlError, check_branch, parse

REFUSED = [
    ("", "empty"),
    ("https://forge.example/" + "a" * 600, "length"),
    ("ext::sh -c 'touch /tmp/x'", "space"),
    ("ext::sh", "helper"),
    ("EXT::sh", "helper"),
    ("fd::17/foo", "helper"),
    ("https::https://forge.example/a", "helper"),
    ("transport-x::address", "helper"),
    ("file:///etc", "file-url"),
    ("FILE:///etc", "file-url"),
    ("file:/etc", "file-url"),
    ("/etc", "local-path"),
    ("/srv/../etc", "path"),
    ("./repository", "form"),
    ("../repository", "form"),
    ("repository.bundle", "form"),
    ("~/repository", "home-path"),
    ("~root/repository", "home-path"),
    ("$HOME/repository", "variable"),
    ("https://forge.example/${HOME}", "variable"),
    ("https://forge.example/`id`", "variable"),
    ("\\\\server\\share", "unc"),
    ("//server/share", "unc"),
    ("C:\\repository", "backslash"),
    ("C:/repository", "form"),
    ("--upload-pack=touch", "option"),
    ("-u", "option"),
    ("ssh://-oProxyCommand=id/x", "user"),
    ("ssh://-oProxyCommand=id@forge.example/x", "user"),
    ("ssh://git@-oProxyCommand=id/x", "host"),
    ("ssh://git@-forge.example/x", "host"),
    ("ssh://git@forge.example/-oProxyCommand", "path"),
    ("ssh://git@forge.example:-1/x", "host"),
    ("git@forge.example:-oProxyCommand=id", "option"),
    ("git@-forge.example:x", "host"),
    ("-git@forge.example:x", "option"),
    ("https://user:secret@forge.example/x", "user-info"),
    ("https://ghp_secret@forge.example/x", "user-info"),
    ("ssh://git:secret@forge.example/x", "user-info"),
    ("git:secret@forge.example:x", "user-info"),
    ("https://forge.example@evil.example/x", "user-info"),
    ("https://forge.example\\@evil.example/x", "backslash"),
    ("https://forge.example#@evil.example/x", "at-sign"),
    ("https://forge.example;@evil.example/x", "at-sign"),
    ("https://a@b@forge.example/x", "at-sign"),
    ("https://forge.example%40evil.example/x", "host"),
    ("https://forge.example/x@y", "at-sign"),
    ("https://forge.example/x%40y", "encoded"),
    ("https://forge.example/x#y", "query"),
    ("https://forge.example/x?token=secret", "query"),
    ("https://forge.example/x;y", "path"),
    ("https://forge.example/a\r\nb", "control"),
    ("https://forge.example/a\n", "control"),
    ("https://forge.example/a\x00b", "control"),
    ("https://forge.example/a\tb", "control"),
    ("https://forge.example/a\u0085b", "control"),
    ("https://forge.example/a%0ab", "encoded"),
    ("https://forge.example/a%0D%0Ab", "encoded"),
    ("https://forge.example/a%00b", "encoded"),
    ("https://forge.example/a%2f..%2fb", "encoded"),
    ("https://forge.example/%2e%2e/b", "encoded"),
    ("https://forge.example/a%ff", "encoded"),
    ("https://forge.example/a%E2%80%8Bb", "encoded"),
    ("https://forge.example/a%zz", "path"),
    ("https://forge.example/a b", "space"),
    (" https://forge.example/a", "space"),
    ("https://forge.example/../a", "path"),
    ("https://forge.example//a", "path"),
    ("https://forge.example/", "path"),
    ("https://forge.example", "path"),
    ("https:///path", "host"),
    ("https://forge.example:0/x", "port"),
    ("https://forge.example:70000/x", "port"),
    ("https://forge.example:/x", "host"),
    ("https://f\u00f6rge.example/x", "idn"),
    ("https://g\u0456thub.com/x", "idn"),
    ("https://\uff11\uff12\uff17.0.0.1/x", "idn"),
    ("https://forge\u200b.example/x", "idn"),
    ("https://forge\u3002example/x", "idn"),
    ("git@f\u00f6rge.example:x", "idn"),
    ("http://forge.example/x", "http"),
    ("git://forge.example/x", "scheme"),
    ("ftp://forge.example/x", "scheme"),
    ("javascript://forge.example/x", "scheme"),
    ("https://256.1.1.1/x", "host"),
    ("https://1.2.3.4.5/x", "host"),
    ("https://0x/x", "private"),
    ("https://09.1.1.1/x", "host"),
    ("https://[::1/x", "host"),
    ("https://[fe80::1%25eth0]/x", "host"),
    ("https://forge..example/x", "host"),
    ("https://.example/x", "host"),
]


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_a_refused_address_names_its_reason_and_never_repeats_itself(text: str, code: str) -> None:
    with pytest.raises(UrlError) as caught:
        parse(text).addresses(ClonePolicy())
    assert caught.value.code == code
    assert caught.value.sentence.endswith(".")
    assert "secret" not in str(caught.value)


INSIDE = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "017700000001",
    "0177.0.0.01",
    "0",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.1.1",
    "100.64.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::1]",
    "[2001:0:7f00:1::1]",
    "[2001:db8::1]",
    "[2a00::5efe:7f00:1]",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "127.0.0.1.",
]


@pytest.mark.parametrize("host", INSIDE)
def test_an_inner_address_is_refused_in_every_notation(host: str) -> None:
    for text in (f"https://{host}/a", f"ssh://git@{host}/a"):
        with pytest.raises(UrlError) as caught:
            parse(text).addresses(ClonePolicy())
        assert caught.value.code == "private"


@pytest.mark.parametrize("host", [*INSIDE, "localhost", "LOCALHOST.", "forge.localhost"])
def test_an_inner_address_is_refused_before_anything_is_resolved(host: str) -> None:
    with pytest.raises(UrlError) as caught:
        parse(f"https://{host}/a").refuse_inner(ClonePolicy())
    assert caught.value.code == "private"
    opened = ClonePolicy(AllowedHosts.parse(["0.0.0.0/0", "::/0"]))
    parse(f"https://{host}/a").refuse_inner(opened)


@pytest.mark.parametrize("host", ["8.8.8.8", "no-such-host.invalid", "[2606:4700::1111]"])
def test_a_public_address_and_a_name_are_left_to_be_resolved(host: str) -> None:
    parse(f"https://{host}/a").refuse_inner(ClonePolicy())


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "0xA9FEA9FE",
        "168.63.129.16",
        "100.100.100.200",
        "[fd00:ec2::254]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
    ],
)
def test_cloud_metadata_stays_closed_even_when_every_range_is_open(host: str) -> None:
    policy = ClonePolicy(AllowedHosts.parse(["0.0.0.0/0", "::/0"]))
    with pytest.raises(UrlError) as caught:
        parse(f"https://{host}/a", policy).addresses(policy)
    assert caught.value.code == "metadata"


def test_a_metadata_address_that_is_named_literally_is_open() -> None:
    policy = ClonePolicy(AllowedHosts.parse(["168.63.129.16"]))
    assert parse("https://168.63.129.16/a", policy).addresses(policy) == ("168.63.129.16",)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("0x08080808", "8.8.8.8"),
        ("[2606:4700::1111]", "2606:4700::1111"),
        ("[64:ff9b::808:808]", "64:ff9b::808:808"),
    ],
)
def test_a_public_address_is_accepted_in_its_one_spelling(host: str, address: str) -> None:
    assert parse(f"https://{host}/a").addresses(ClonePolicy()) == (address,)


@pytest.mark.parametrize(
    ("text", "spelled", "origin", "name"),
    [
        ("https://Forge.Example/a/b.git", "https://forge.example/a/b.git", "https:443", "b"),
        ("HTTPS://forge.example.:443/a/", "https://forge.example/a", "https:443", "a"),
        ("https://forge.example:8443/a", "https://forge.example:8443/a", "https:8443", "a"),
        ("https://xn--frge-5qa.example/a", "https://xn--frge-5qa.example/a", "https:443", "a"),
        ("https://forge.example/~me/a%20b", "https://forge.example/~me/a%20b", "https:443", ""),
        ("https://forge.example/%C3%BC", "https://forge.example/%C3%BC", "https:443", ""),
        ("ssh://git@forge.example/a/b", "ssh://git@forge.example/a/b", "ssh:22", "b"),
        ("ssh://git@forge.example:2222/a", "ssh://git@forge.example:2222/a", "ssh:2222", "a"),
        ("git@forge.example:a/b.git", "git@forge.example:a/b.git", "ssh:22", "b"),
        ("git@forge.example:/srv/a.git", "git@forge.example:/srv/a.git", "ssh:22", "a"),
        ("git@forge.example:~me/a", "git@forge.example:~me/a", "ssh:22", "a"),
    ],
)
def test_an_accepted_address_has_one_spelling(
    text: str, spelled: str, origin: str, name: str
) -> None:
    url = parse(text)
    scheme, port = origin.split(":")
    assert url.text == spelled
    assert url.origin == f"{scheme}://{url.host}:{port}"
    assert parse(url.text) == url
    assert not name or url.name == name


def test_an_operator_opens_private_hosts_by_name_address_and_range() -> None:
    policy = ClonePolicy(
        AllowedHosts.parse(["127.0.0.1:8080", "10.0.0.0/8", "localhost", "[::1]:9000"])
    )
    assert parse("http://127.0.0.1:8080/a", policy).addresses(policy) == ("127.0.0.1",)
    assert parse("https://10.9.8.7/a", policy).addresses(policy) == ("10.9.8.7",)
    assert parse("http://10.9.8.7/a", policy).addresses(policy) == ("10.9.8.7",)
    assert "127.0.0.1" in parse("http://localhost:1/a", policy).addresses(policy)
    assert parse("https://[::1]:9000/a", policy).addresses(policy) == ("::1",)
    for text in ("http://127.0.0.1:8081/a", "https://192.168.0.1/a", "http://8.8.8.8/a"):
        with pytest.raises(UrlError):
            parse(text, policy).addresses(policy)


def test_a_setting_that_is_no_host_is_named() -> None:
    for entry in ("not_a/b", "sp!ce", "host:port", "10.0.0.0/99"):
        with pytest.raises(ValueError, match=entry):
            ClonePolicy.from_environment(
                {"STRAIGHTEDGE_CLONE_ALLOWED_HOSTS": f"fine.example, {entry}"}
            )


def test_a_local_path_is_used_only_below_an_allowed_folder(tmp_path: Path) -> None:
    inside = tmp_path / "open" / "a"
    inside.mkdir(parents=True)
    (tmp_path / "closed").mkdir()
    (tmp_path / "open" / "way-out").symlink_to(tmp_path / "closed")
    policy = ClonePolicy.from_environment(
        {"STRAIGHTEDGE_CLONE_ALLOWED_PATHS": str(tmp_path / "open")}
    )
    assert parse(str(inside), policy).text == str(inside)
    for text in (tmp_path / "closed", tmp_path / "open" / "way-out", tmp_path / "opened"):
        with pytest.raises(UrlError) as caught:
            parse(str(text), policy)
        assert caught.value.code == "local-path"


BRANCHES = [
    "main",
    "feature/a",
    "a.b",
    "a@b",
    "\u00fcber",
    "HEAD",
    "@",
    "",
    "-x",
    "/a",
    "a/",
    "a//b",
    "a..b",
    "a.",
    ".a",
    "a/.b",
    "a.lock",
    "a.lock/b",
    "a b",
    "a~1",
    "a^",
    "a:b",
    "a?b",
    "a*b",
    "a[b",
    "a\\b",
    "a@{1}",
    "a\x01b",
    "a\x7fb",
]


@pytest.mark.parametrize("name", BRANCHES)
def test_branch_names_are_judged_as_git_judges_them(name: str) -> None:
    verdict = subprocess.run(
        ["git", "check-ref-format", "--branch", name], capture_output=True, check=False
    )
    try:
        accepted = check_branch(name) == name
    except UrlError:
        accepted = False
    # git takes "@" for the current branch; a branch of that name can not be watched.
    assert accepted == (verdict.returncode == 0 and name != "@")
