"""Checks of secrets: none ever entered the history."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from checks.check import At, check
from checks.facts.leaks import Leak, entropy, masked
from checks.project.leaking import is_example, is_formatted
from checks.project.project import Project
from checks.project.secretnames import holds_secret
from checks.rules.applies import has_history

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_NO_SECRET = re.compile(
    r"(?i)change|example|actual|your|placeholder|dummy|insecure|replace|todo|x{4}|test|sample|default"
    r"|://|\$|\{|\}|<|>|\(|\)|\[|\]|::|^sha\d{3}-|^data:|^[./@]|\.(?:py|json|ya?ml|pem|key|com|io)\b"
)
_WORDLIKE = re.compile(r"[a-z]+(?:[-_.][a-z]+)*\d{0,4}", re.IGNORECASE)


@check("no-secrets-in-history", applies=has_history, asks_source=True)
def no_secrets_in_history(
    project: Project,
    *,
    min_entropy: float = 3.8,
    min_length: int = 20,
    max_blob_bytes: int = 1_000_000,
) -> list[At]:
    """No commit ever held a secret.

    What was committed once is in every clone, and removing it later takes it out of none.

    Instead: rotate the secret and remove it from the history.

    Known problems: a value that reads as words, holds a placeholder or no digit is taken for none.
    Tests, fixtures, examples and documentation are left out; blobs over one megabyte, or over
    ``max_blob_bytes`` if that is less, are not looked through.
    """
    accepted = set(_accepted(project))
    found: dict[str, At] = {}
    # The commit that brought a secret is the oldest one that holds it.
    for commit, leaked in reversed(list(project.source.leaks())):
        for each in leaked:
            leak, path = each.leak, each.path
            if each.size > max_blob_bytes:
                continue
            if not _is_secret(leak, path, min_entropy, min_length):
                continue
            digest = hashlib.sha1(leak.value.encode(), usedforsecurity=False).hexdigest()
            if digest in accepted or digest in found:
                continue
            what = f"`{leak.name}`" if leak.kind == "assignment" else f"A {leak.kind}"
            found[digest] = At(
                leak.line,
                f"{what} entered the history in {commit[:10]}: {masked(leak.value)}",
                path=path,
                symbol=commit[:10],
                anchor=f"{leak.kind} {digest[:12]}",
            )
    return list(found.values())


def _is_secret(leak: Leak, path: str, min_entropy: float, min_length: int) -> bool:
    if is_example(path):
        return False
    if leak.kind != "assignment":
        return is_formatted(leak, path)
    value = leak.value
    if path.lower().endswith((".md", ".rst")):
        return False  # prose shows how to set it
    if len(value) < min_length or not holds_secret(leak.name.rpartition(".")[2]):
        return False
    if value.endswith(("...", "…")):
        return False  # cut short by whoever wrote the example
    if _UUID.fullmatch(value) or _NO_SECRET.search(value) or _WORDLIKE.fullmatch(value):
        return False
    digits = sum(char.isdigit() for char in value)
    return 2 <= digits < len(value) and entropy(value) >= min_entropy


def _accepted(project: Project) -> Iterator[str]:
    """Digests of what ``.secrets.baseline`` marks as no secret."""
    baseline = project.documents.get(".secrets.baseline")
    results = baseline.get("results") if baseline is not None else None
    for listed in results.values() if isinstance(results, dict) else ():
        for each in listed if isinstance(listed, list) else ():
            if isinstance(each, dict) and each.get("is_secret") is False:
                yield str(each.get("hashed_secret"))
