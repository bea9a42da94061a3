"""Short hands of the tests that fetch: limits, policy, a fetch and a probe."""

from __future__ import annotations

from pathlib import Path

from checks import gitfetch
from checks.cloneurl import ClonePolicy
from checks.gitfetch import Fetched, Probe
from checks.gitrunner import Credential
from checks.gitwatch import Limits
from tests.gitservers import GitServer, git

LIMITS = Limits(seconds=8, short_seconds=3, silent_seconds=1, grace=1, free_share=0.0)
POLICY = ClonePolicy.from_environment({"STRAIGHTEDGE_CLONE_ALLOWED_HOSTS": "127.0.0.1"})
SECRET = "s3cr3t/with%odd&signs"


def fetch(server: GitServer, place: Path, branch: str = "", **more: object) -> Fetched:
    options: dict[str, object] = {"policy": POLICY, "limits": LIMITS} | more
    return gitfetch.fetch(server.url("shop.git"), place, branch=branch, **options)  # type: ignore[arg-type]


def probe(server: GitServer, name: str = "shop.git", **more: object) -> Probe:
    options: dict[str, object] = {"policy": POLICY, "limits": LIMITS} | more
    return gitfetch.probe(server.url(name), **options)  # type: ignore[arg-type]


def refs(place: Path) -> dict[str, str]:
    listed = git(place, "for-each-ref", "--format=%(refname) %(objectname)")
    return dict(line.split(" ") for line in listed.split("\n") if line)


def credential(server: GitServer, secret: str = SECRET) -> Credential:
    return Credential(f"http://127.0.0.1:{server.port}", "ada", secret)
