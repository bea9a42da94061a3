"""Checks of review: whether changes were seen by somebody else, and what reviewers look at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from checks.check import Answer, At, Sites, Skip, check
from checks.globs import matcher
from checks.project.history import is_bot, is_release
from checks.project.project import Project
from checks.rules.applies import has_history
from checks.source import Commit

_SHOWN = 120
_LEAST_COMMITS = 5
_PULL = re.compile(
    r"\([#!]\d+\)|\bmerge pull request\b|\bmerged? (?:pr|mr)\b|\bpull request #\d+|\bPR #\d+",
    re.IGNORECASE,
)
_REVIEW = re.compile(
    r"^\s*(?:see merge request\b|(?:reviewed|approved)-by:|change-id:|pull-request:)",
    re.IGNORECASE | re.MULTILINE,
)
_HOSTS = frozenset({"noreply@github.com", "noreply@gitlab.com", "noreply@gitea.io",
                    "noreply@codeberg.org"})  # fmt: skip
_SETTINGS = re.compile(r"required_pull_request_reviews|required_approving_review_count")


def several_people(project: Project) -> str | None:
    """More than one human author."""
    return None if project.history.people > 1 else "one person alone wrote the history"


@check("reviewed-pull-requests", applies=(has_history, several_people), asks_source=True)
def reviewed_pull_requests(
    project: Project, *, max_commits: int = 200, paths: Sequence[str] = ()
) -> Answer:
    """Changes reach the mainline through a pull request that somebody else has seen.

    Two people know the code then, and what one overlooks the other may see.

    Instead: merge by pull request, with a required review on the default branch.

    Known problems: approvals of the hosting service are not in git, so the evidence is indirect:
    numbers of pull requests, trailers, and who put the commit there. A rebase merge by somebody
    who wrote the commit himself leaves none of them.
    """
    mainline = [segment.tip for segment in islice(project.history.segments(), max_commits + 1)]
    mainline = [commit for commit in mainline if commit.parents]
    if len(mainline) < _LEAST_COMMITS:
        return Skip(f"fewer than {_LEAST_COMMITS} commits after the first")
    judged = [each for each in mainline[:max_commits] if not is_bot(each) and not is_release(each)]
    if paths:
        touching = _touching(project, tuple(paths), {each.oid for each in judged})
        judged = [each for each in judged if each.oid in touching]
    weight = 0.5 if _requires_review(project) else 1.0
    found = [_unseen(each, weight) for each in judged if not _shows_review(each)]
    return Sites(len(judged), found) if judged else Skip("no commit to judge")


def _unseen(commit: Commit, weight: float) -> At:
    text = (
        f"Commit {commit.oid[:10]} “{commit.subject.strip()[:_SHOWN]}”: nothing in git shows "
        "a pull request or a review (the evidence is indirect)"
    )
    return At(0, text, symbol=f"commit:{commit.oid}", anchor=commit.oid, weight=weight)


def _touching(project: Project, patterns: tuple[str, ...], oids: set[str]) -> set[str]:
    """Those of some commits that touch a path; reads no further than they reach."""
    matches, left, found = matcher(patterns), set(oids), set[str]()
    for oid, changes in project.source.changes():
        if oid in left:
            left.discard(oid)
            if any(matches(change.path) for change in changes):
                found.add(oid)
        if not left:
            break
    return found


def _shows_review(commit: Commit) -> bool:
    if _PULL.search(commit.subject) or _REVIEW.search(commit.body):
        return True
    mail = commit.committer_email.lower()
    if mail in _HOSTS or commit.committer in {"GitHub", "GitLab"}:
        return True
    return mail != commit.email.lower() and (
        commit.committer.casefold() != commit.author.casefold()
    )


def _requires_review(project: Project) -> bool:
    """Whether settings kept in the repository ask for reviews."""
    for name in (".github/settings.yml", ".github/settings.yaml"):
        document = project.documents.get(name) or project.documents.get(f"../{name}")
        if document is not None and any(_SETTINGS.search(key) for key in document.lines):
            return True
    return False


_TOPICS = {
    "logic": r"logic(?:al|ally)?|correct(?:ness|ly)?|behaviou?rs?|edge[ -]cases?",
    "security": r"security|secure(?:ly)?",
    "tests": r"(?:unit|integration|py)?-?tests?|tested|testing|coverage|untested",
    "documentation": r"docs?|document(?:ed|s|ation)?|docstrings?|readme|changelog",
    "performance": r"performance|performant",
    "errors": r"errors?|exceptions?",
    "logging": r"logs?|logging|logged|loggers?",
    "migrations": r"migrations?|migrated?|schemas?",
}
_WORDS = {
    topic: re.compile(rf"(?<![A-Za-z])(?:{words})(?![A-Za-z])", re.IGNORECASE)
    for topic, words in _TOPICS.items()
}
_FOLDERS = r"(?:\.\./)?(?:\.github/|docs?/|\.gitlab/|\.gitea/|\.forgejo/)?"
_TEMPLATE = re.compile(
    rf"{_FOLDERS}(?:pull_request_template(?:\.\w+)?|pull_request_template/[^/]+)"
    r"|(?:\.\./)?\.gitlab/merge_request_templates/[^/]+"
    r"|(?:\.\./)?(?:\.gitea/|\.forgejo/)?(?:pull|merge)[-_]request[-_]template(?:\.\w+)?",
    re.IGNORECASE,
)
_GUIDE = re.compile(
    rf"{_FOLDERS}(?:contributing(?:\.\w+)?"
    r"|[\w-]*(?<![a-z])(?:code[-_]?)?review(?:s|ing|ers?)?(?![a-z])[\w-]*\.(?:md|rst|txt))",
    re.IGNORECASE,
)


@check(
    "pr-template-checklist", each="topics", applies=(has_history, several_people), asks_source=True
)
def pr_template_checklist(
    project: Project, topic: str, *, topics: Sequence[str] = ("tests",)
) -> Answer:
    """The template of pull requests, or the guide to reviews, names what reviewers look at.

    What stands on the list is looked at on a busy day as well.

    Instead: add the topic to the checklist of the pull-request template.

    Known problems: a word on the topic counts, whatever the line says about it.
    """
    if topic == "migrations" and not project.migrations:
        return Skip("no migration file")
    paths = list(_guides(project))
    if any(_WORDS[topic].search(text) for text in _texts(project, paths)):
        return None
    where = (
        f"`{paths[0]}` says nothing" if paths else "There is no pull-request template with a line"
    )
    return At(0, f"{where} on {topic}", path=paths[0] if paths else "", anchor=topic)


def _guides(project: Project) -> Iterator[str]:
    """Templates of pull requests, then guides to contributing and review."""
    for pattern in (_TEMPLATE, _GUIDE):
        yield from sorted(path for path in project.entries if pattern.fullmatch(path))


def _texts(project: Project, paths: Sequence[str]) -> Iterator[str]:
    """Their raw texts: what stands in comments of a template is meant for authors as well."""
    entries = [project.blobs[path] for path in paths]
    oids = [each.oid for each in entries if each.kind in {"file", "executable"}]
    for _, content in project.source.blobs(dict.fromkeys(oids)):
        yield content.decode("utf-8", "replace")
