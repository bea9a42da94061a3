"""Checks of branches: what they are called and how they reach the mainline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import islice

from checks.check import Answer, At, Sites, Skip, check
from checks.project.history import Segment, is_bot
from checks.project.project import Project
from checks.rules.applies import has_history
from checks.source import Commit

_SHOWN = 120
_MAINS = ("main", "master", "trunk", "develop", "dev")
# What may lie on other branches is read as far back as one day of a busy host's branches.
_BESIDE = 2_000
_RELEASES = re.compile(r"(?:releases?|maint(?:enance)?|stable)(?:[-/_].+)?|v?\d+(?:\.(?:\d+|x))*")
_PULL = re.compile(r"Merge pull request #\d+ from [^/\s]+/(?P<name>\S+)")
_PULL_TITLED = re.compile(
    r"Merge pull request '.*' \(#\d+\) from (?:[\w.-]+:)?(?P<name>\S+) into \S+"
)
_MERGED_IN = re.compile(r"Merged in (?P<name>\S+) \(pull request #\d+\)")
_BRANCH = re.compile(
    r"Merge(?:d)? (?:remote-tracking )?branch(?:es)? '(?P<name>[^']+)'"
    r"(?P<more>(?:,? (?:and )?'[^']+')*)(?: of \S+)?(?: into '?(?P<target>[^\s']+))?"
)
_TARGET = re.compile(r" into '?(?P<target>[^\s']+)")
_NAME = re.compile(r"'([^']+)'")
_SUBTREE = re.compile(r"git-subtree-dir:|^Merge commit '[0-9a-f]+' as '|subtree|submodule", re.I)


@check("branch-naming", applies=has_history, asks_source=True)
def branch_naming(
    project: Project,
    *,
    patterns: Sequence[str] = ("feature/*", "bugfix/*", "hotfix/*"),
    exempt: Sequence[str] = (
        "main", "master", "develop", "dev", "staging", "production", "release/*", "dependabot/*",
        "renovate/*", "pre-commit-ci-*", "gh-pages", "gh-readonly-queue/*", "revert-*", "HEAD",
    ),
    max_merges: int = 200,
) -> Answer:  # fmt: skip
    """Branches say by their prefix what kind of work they hold.

    Automation and people then know what to expect of a branch before they open it.

    Instead: ``feature/...``, ``bugfix/...`` or ``hotfix/...``.

    Known problems: branches of squashed pull requests leave no name behind. A branch that is both
    there and named in a merge counts once; so does one that was merged several times.
    """
    allowed = (*patterns, *exempt)
    names = dict.fromkeys(_topics(project.source.branches()), "")
    for name, commit in _merged(project, max_merges):
        names.setdefault(name, commit.oid)
    found = [
        At(0, f"The branch `{name}` has none of the agreed prefixes"
              + (f" (merged by {oid[:10]})" if oid else ""),
           symbol=f"commit:{oid}" if oid else f"branch:{name}", anchor=name)
        for name, oid in names.items()
        if not any(fnmatchcase(name, pattern) for pattern in allowed)
        and not _RELEASES.fullmatch(name)
    ]  # fmt: skip
    return Sites(len(names), found) if names else Skip("no branch beside the default one")


def _topics(branches: Sequence[str]) -> list[str]:
    """All branches but the default one, which is the first known name of such."""
    if len(branches) < 2:
        return []
    default = next((name for name in _MAINS if name in branches), "")
    return sorted(name for name in branches if name != default)


def _merged(project: Project, most: int) -> Iterator[tuple[str, Commit]]:
    """Names of the branches that merge commits name as merged, those of bots left out."""
    commits = project.source.history()
    merges = islice((each for each in commits if len(each.parents) > 1), most)
    known: dict[str, Commit] | None = None
    for merge in merges:
        names = merged_names(merge.subject)
        if not names:
            continue
        known = known or {commit.oid: commit for commit in commits}
        tip = known.get(merge.parents[1])
        if tip is None or not is_bot(tip):
            yield from ((name, merge) for name in names)


def merged_names(subject: str) -> list[str]:
    """The branches that the subject of a merge says it brings; none where main is brought."""
    for pattern in (_PULL, _PULL_TITLED, _MERGED_IN):
        if match := pattern.match(subject):
            return [match["name"]]
    match = _BRANCH.match(subject)
    if match is None:
        return []
    names = [_plain(name) for name in (match["name"], *_NAME.findall(match["more"]))]
    return [] if names[0] in _MAINS else names


def _plain(name: str) -> str:
    return name.removeprefix("refs/heads/").removeprefix("origin/").removeprefix("upstream/")


@check("linear-history", each="forbid", applies=has_history, asks_source=True)
def linear_history(
    project: Project,
    kind: str,
    *,
    forbid: Sequence[str] = ("merge-commit-on-main", "main-merged-into-branch"),
    max_commits: int = 200,
) -> Answer:
    """Pull requests are squashed to the mainline, and branches are rebased on it.

    A straight history can be read, bisected and taken back commit by commit.

    Instead: squash-merge pull requests, and ``git rebase`` instead of merging main.

    Known problems: commits of a fast-forwarded branch look like commits made on the mainline.
    """
    segments = list(islice(project.history.segments(), max_commits))
    if not any(_is_merged(segment) for segment in segments):
        return Skip("no branch was merged or squashed")
    if kind == "merge-commit-on-main":
        rows = [each for each in segments if _brings_several(each)]
        text = "brings a branch of several commits to the mainline unsquashed"
        return Sites(len(segments), [_at(each.tip, text) for each in rows])
    merges = _merges_beside(project, segments)
    mainline = set(project.source.mainline())
    found = [_at(each, "merges the default branch into a topic branch")
             for each in merges if _brings_main(each, mainline)]  # fmt: skip
    return Sites(len(merges), found)


def _at(commit: Commit, message: str) -> At:
    text = f"Commit {commit.oid[:10]} “{commit.subject.strip()[:_SHOWN]}” {message}"
    return At(0, text, symbol=f"commit:{commit.oid}", anchor=commit.oid)


def _is_merged(segment: Segment) -> bool:
    return len(segment.tip.parents) > 1 or bool(re.search(r"\([#!]\d+\)", segment.tip.subject))


def _brings_several(segment: Segment) -> bool:
    """Whether a commit merges a branch with more than one commit of its own."""
    tip = segment.tip
    if len(tip.parents) < 2 or _is_back_merge(tip) or _is_grafted(tip, segment.brought):
        return False
    return sum(1 for each in segment.brought if len(each.parents) < 2) > 1


def _is_back_merge(commit: Commit) -> bool:
    """Whether a merge brings a release or a hotfix back, or is made by a queue of merges."""
    if commit.subject.startswith("Merge tag "):
        return True
    names = merged_names(commit.subject)
    return any(
        _RELEASES.fullmatch(name) or name.startswith(("hotfix", "gh-readonly-queue/"))
        for name in names
    )


def _is_grafted(commit: Commit, brought: Sequence[Commit]) -> bool:
    """Whether a merge brings the history of another repository: a subtree or a submodule."""
    if any(not each.parents for each in brought):
        return True
    return bool(_SUBTREE.search(commit.body) or _SUBTREE.search(commit.subject))


def _merges_beside(project: Project, segments: Sequence[Segment]) -> list[Commit]:
    """Merges on branches: on those that were merged, and on those that are open."""
    commits = [each for segment in segments for each in segment.brought]
    commits += project.source.beside(_BESIDE)
    return [each for each in commits if len(each.parents) > 1]


def _brings_main(commit: Commit, mainline: set[str]) -> bool:
    """Whether a merge on a branch brings the default branch into it."""
    into = _TARGET.search(commit.subject)
    target = into["target"] if into else ""
    if _RELEASES.fullmatch(target) or target.startswith("hotfix") or target in {"develop", "dev"}:
        return False
    if any(parent in mainline for parent in commit.parents[1:]):
        return commit.parents[0] not in mainline
    match = _BRANCH.match(commit.subject)
    return match is not None and _plain(match["name"]) in {"main", "master", "trunk"}
