"""Speak with a repository over the network (or an allowed path) and keep a bare mirror of it.

Three verbs: :func:`ls_remote` asks what there is, :func:`probe` does so for a person who has just
typed an address, :func:`fetch` brings a mirror up to date. Every failure is a
:class:`checks.gitfaults.FetchError` with a class and one sentence.

References that vanished on the server are deleted here by our own list and never by
``fetch --prune``: a log-in page that answers instead of git looks like an empty repository, and
would empty the mirror.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NoReturn

from checks.cloneurl import ClonePolicy, CloneUrl, UrlError, check_branch, parse
from checks.gitfaults import FetchError, classify, scrub
from checks.gitlocal import check_local
from checks.gitrunner import Credential, Finished, Session, run, session
from checks.gittrace import check_answer
from checks.gitwatch import Limits, Progress
from checks.mirror import cleaned, make_mirror, mirror_lock, move_pins, pin, prune_refs, swap

type Rebuild = Literal["damaged", "always", "never"]

_HEADS = "refs/heads/"
_LINE = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})\t(refs/(?:heads|tags)/.+(?<!\^\{\}))")
_SYMREF = re.compile(r"ref: refs/heads/(.+)\tHEAD")
_FETCH = (
    "fetch",
    "--progress",
    "--no-tags",
    "--no-recurse-submodules",
    "--no-write-fetch-head",
    "--no-auto-maintenance",
    "--",
)
_REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


@dataclass(frozen=True, slots=True)
class Remote:
    """What a server offers.

    Attributes:
        default_branch: The branch its HEAD names, also when nothing was pushed yet; "" for none.
        refs: Object id of each branch and tag, by full name.
    """

    default_branch: str
    refs: dict[str, str] = field(repr=False)

    @property
    def branches(self) -> tuple[str, ...]:
        """Names of the branches without prefix, sorted."""
        return tuple(sorted(n.removeprefix(_HEADS) for n in self.refs if n.startswith(_HEADS)))

    @property
    def empty(self) -> bool:
        """Whether nothing at all was pushed."""
        return not self.refs

    def head(self, branch: str) -> str:
        """Commit id at the top of a branch, "" when there is none of that name."""
        return self.refs.get(_HEADS + branch, "")

    def choose(self, branch: str) -> str:
        """The wanted branch, or the default one when none is wanted.

        Raises:
            FetchError: ``empty``, ``no-branch`` or ``branch-missing``.
        """
        if self.empty:
            raise FetchError("empty")
        if not self.branches:
            raise FetchError("no-branch")
        if branch and not self.head(branch):
            raise FetchError("branch-missing")
        chosen = branch or self.default_branch
        if not self.head(chosen):
            raise FetchError(
                "branch-missing",
                sentence="The repository's default branch does not exist; choose another branch.",
            )
        return chosen


@dataclass(frozen=True, slots=True)
class Probe:
    """What the registration form shows: where, and which branches there are."""

    url: CloneUrl
    default_branch: str
    branches: tuple[str, ...]
    empty: bool


@dataclass(frozen=True, slots=True)
class Fetched:
    """A mirror that is up to date.

    Attributes:
        git_dir: The bare mirror.
        commit: Id of the commit at the top of ``branch``.
        branch: The branch that was wanted, or the default one.
        default_branch: The branch the server's HEAD names, "" when it names none.
        branches: All branches, sorted.
        partial: Some reference, or old history, could not be taken over, but the head of the
            wanted branch was.
        rebuilt: A mirror was there and has been made anew.
    """

    git_dir: Path
    commit: str
    branch: str
    default_branch: str
    branches: tuple[str, ...]
    partial: bool = False
    rebuilt: bool = False


def ls_remote(
    url: str | CloneUrl,
    *,
    credential: Credential | None = None,
    policy: ClonePolicy | None = None,
    limits: Limits | None = None,
) -> Remote:
    """Ask which branches and tags a repository has; never trusts an empty answer unseen.

    Raises:
        FetchError: With the class of what went wrong.
        UrlError: The address is not used.
    """
    with _conversation(url, credential, policy, limits) as talk:
        return talk.listing()


def probe(
    url: str,
    *,
    credential: Credential | None = None,
    policy: ClonePolicy | None = None,
    limits: Limits | None = None,
) -> Probe:
    """Try an address that a person has just given.

    Raises:
        FetchError: With the class of what went wrong; ``redirect`` may offer a new address.
        UrlError: The address is not used.
    """
    with _conversation(url, credential, policy, limits) as talk:
        remote = talk.listing()
        return Probe(talk.url, remote.default_branch, remote.branches, remote.empty)


def fetch(
    url: str | CloneUrl,
    mirror_dir: Path,
    *,
    branch: str = "",
    credential: Credential | None = None,
    policy: ClonePolicy | None = None,
    progress: Callable[[Progress], None] | None = None,
    limits: Limits | None = None,
    keep: Mapping[int, str] | None = None,
    rebuild: Rebuild = "damaged",
) -> Fetched:
    """Bring a bare mirror up to date, making it first where there is none; one writer at a time.

    A mirror is made anew beside itself and swapped by rename; the old one is readable until then.

    Args:
        url: Where from; text is parsed, and the host resolved and checked, right here.
        mirror_dir: Folder of the mirror; its parent must exist and hold nothing secret.
        branch: The branch wanted, "" for the default one.
        credential: Used only when bound to the address's host.
        policy: What the operator opened.
        progress: Called with each new percentage, from this thread.
        limits: How far it may go.
        keep: Commits that stay readable after a force-push, by the number of their scan; those
            kept earlier and not named any more are let go. None changes nothing.
        rebuild: When to make the mirror anew: when it turns out to be ``damaged``, ``always``
            (an object could not be read) or ``never`` (it was done just before).

    Raises:
        FetchError: With the class of what went wrong. The mirror then is as it was before.
        UrlError: The address or the branch name is not used.
    """
    wanted = check_branch(branch) if branch else ""
    limits = limits or Limits()
    _check_disk(mirror_dir.parent, limits)
    with (
        mirror_lock(mirror_dir, limits) as lock,
        _conversation(url, credential, policy, limits, inherited=(lock,)) as talk,
    ):
        remote = talk.listing()
        chosen = remote.choose(wanted)
        task = _Task(remote, chosen, keep, progress)
        partial, rebuilt = _update(talk, task, mirror_dir, rebuild)
        commit = talk.top(mirror_dir, chosen)
        if not commit:
            raise FetchError("corrupt")
    return Fetched(
        mirror_dir, commit, chosen, remote.default_branch, remote.branches, partial, rebuilt
    )


def _check_disk(folder: Path, limits: Limits) -> None:
    usage = shutil.disk_usage(folder)
    if usage.free < max(limits.free_bytes, limits.free_share * usage.total):
        raise FetchError("disk")


@dataclass(frozen=True, slots=True)
class _Task:
    """What a mirror is filled with."""

    remote: Remote
    chosen: str
    keep: Mapping[int, str] | None
    progress: Callable[[Progress], None] | None


def _update(
    talk: _Conversation, task: _Task, mirror_dir: Path, rebuild: Rebuild
) -> tuple[bool, bool]:
    """Fill the mirror in place, or beside it and swap: (partial, rebuilt)."""
    if mirror_dir.exists() and rebuild != "always":
        try:
            with cleaned(mirror_dir):
                return talk.fill(mirror_dir, task), False
        except FetchError as error:
            if error.code != "corrupt" or rebuild == "never":
                raise
    beside = mirror_dir.with_name(f"{mirror_dir.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        make_mirror(beside, talk.session, object_format=_object_format(task.remote))
        partial = talk.fill(beside, task)
        rebuilt = mirror_dir.exists()
        if rebuilt:
            move_pins(mirror_dir, beside, talk.session)
        swap(beside, mirror_dir)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return partial, rebuilt


def _object_format(remote: Remote) -> str:
    return "sha256" if any(len(oid) == 64 for oid in remote.refs.values()) else "sha1"


@contextlib.contextmanager
def _conversation(
    url: str | CloneUrl,
    credential: Credential | None,
    policy: ClonePolicy | None,
    limits: Limits | None,
    inherited: tuple[int, ...] = (),
) -> Iterator[_Conversation]:
    """Parse, resolve, check, and prepare; the one way to any server."""
    policy = policy or ClonePolicy()
    parsed = parse(url.text if isinstance(url, CloneUrl) else url, policy)
    try:
        addresses = parsed.addresses(policy)
    except UrlError as error:
        if error.code == "unresolved":
            raise FetchError("unreachable", sentence=error.sentence) from None
        raise FetchError("host-refused", sentence=error.sentence) from None
    if parsed.kind == "path":
        check_local(Path(parsed.path))
    with session(
        parsed,
        addresses,
        policy=policy,
        limits=limits or Limits(),
        credential=credential,
        inherited=inherited,
    ) as shared:
        yield _Conversation(parsed, credential, policy, shared)


@dataclass(frozen=True, slots=True)
class _Conversation:
    """One address, resolved once, and what is said there."""

    url: CloneUrl
    credential: Credential | None
    policy: ClonePolicy
    session: Session

    def listing(self) -> Remote:
        """Branches and tags, if a git server answered: over http, git itself can not tell."""
        trace = self.session.folder / "trace"
        arguments = ["ls-remote", "--symref", "--quiet", "--", self.url.text, "HEAD"]
        finished = run(
            [*arguments, "refs/heads/*", "refs/tags/*"],
            self.session,
            extra={"GIT_TRACE_CURL": str(trace), "GIT_TRACE_CURL_NO_DATA": "1"},
        )
        if self.url.kind in {"https", "http"}:
            check_answer(trace, self.url, self.policy, credential_given=self._fitting() is not None)
        if finished.overrun or finished.code != 0:
            self._fail(finished)
        return _parse_listing(finished.stdout)

    def fill(self, git_dir: Path, task: _Task) -> bool:
        """Fetch everything; True when some reference failed but the chosen one arrived."""
        remote, chosen = task.remote, task.chosen
        if task.keep is not None:
            pin(git_dir, task.keep, self.session)
        there = prune_refs(git_dir, remote.refs, self.session)
        before = self.top(git_dir, chosen)
        if before and there == remote.refs:
            return False
        finished = self._bring(git_dir, task, _REFSPECS, deepen=True)
        if self.top(git_dir, chosen) != remote.head(chosen) and self._is_corrupt(finished):
            # a server that lost an old object serves nothing that needs it: ask for less and less
            only = f"+{_HEADS}{chosen}:{_HEADS}{chosen}"
            for extra in ((), ("--depth=1",)):
                self._bring(git_dir, task, (only,), extra=extra)
                if self.top(git_dir, chosen) == remote.head(chosen):
                    return True
        after = self.top(git_dir, chosen)
        # One unusable reference fails the whole command although the others arrived; and a web
        # page in the place of the server makes it succeed although nothing did.
        if after == remote.head(chosen):
            return finished.code != 0
        if finished.code != 0 or after in {"", before}:
            self._fail(finished)
        return False

    def _bring(
        self,
        git_dir: Path,
        task: _Task,
        refspecs: Sequence[str],
        *,
        extra: Sequence[str] = (),
        deepen: bool = False,
    ) -> Finished:
        """One fetch; ``deepen`` asks for the history that an earlier one had to leave out."""
        options = ["--unshallow"] if deepen and (git_dir / "shallow").exists() else [*extra]
        finished = run(
            [_FETCH[0], *options, *_FETCH[1:], self.url.text, *refspecs],
            self.session,
            git_dir=git_dir,
            seconds=self.session.limits.seconds,
            progress=task.progress,
        )
        if finished.overrun:
            self._fail(finished)
        return finished

    def _is_corrupt(self, finished: Finished) -> bool:
        given = self._fitting() is not None
        return finished.code != 0 and classify(finished.stderr, credential_given=given) == "corrupt"

    def top(self, git_dir: Path, branch: str) -> str:
        """Id of the commit at the top of a branch of the mirror, "" when there is none."""
        name = f"{_HEADS}{branch}^{{commit}}"
        finished = run(
            ["rev-parse", "--verify", "--quiet", "--end-of-options", name],
            self.session,
            git_dir=git_dir,
        )
        return finished.stdout.decode("ascii", "replace").strip() if finished.code == 0 else ""

    def _fitting(self) -> Credential | None:
        credential = self.credential
        return credential if credential is not None and credential.fits(self.url) else None

    def _fail(self, finished: Finished) -> NoReturn:
        credential = self._fitting()
        secrets = [credential.secret] if credential else []
        code = finished.overrun or classify(
            finished.stderr, credential_given=credential is not None
        )
        raise FetchError(code, detail=scrub(finished.stderr, secrets))


def _parse_listing(output: bytes) -> Remote:
    default, refs = "", {}
    for line in output.decode("utf-8", "surrogateescape").split("\n"):
        if symref := _SYMREF.fullmatch(line):
            default = symref[1]
        elif match := _LINE.fullmatch(line):
            refs[match[2]] = match[1]
    return Remote(default, refs)
