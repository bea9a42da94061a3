"""Checks of versions: whether they are fixed, and not too old."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from checks.check import Answer, At, Sites, Skip, check
from checks.facts.doctree import DocumentFact
from checks.project.declared import (
    RUNTIME,
    Dependency,
    lower_bound,
    lowest_python,
    parse_requirement,
    specifiers,
    table_of,
    texts_of,
)
from checks.project.locks import Lock, covers
from checks.project.manifests import is_auxiliary
from checks.project.project import Project
from checks.rules.applies import has_manifest, has_manifest_or_python


@check("uv-lock-committed", applies=has_manifest_or_python)
def uv_lock_committed(project: Project, *, check_sync: bool = True) -> Answer:
    """uv.lock is committed beside the project and fits what the project declares.

    Without it every installation may be another one.

    Instead: run ``uv lock`` and commit uv.lock.

    Known problems: markers and the sources of packages are not compared.
    """
    members = project.manifests.members
    own = [
        path
        for path, data in project.manifests.pyprojects.items()
        if "project" in data and path not in members and not path.startswith("../")
    ]
    if own:
        answers = [_lock_fault(project, path, check_sync) for path in own]
        return Sites(len(own), [each for each in answers if each is not None])
    for path in members:
        root = members[path]
        if project.manifests.locks.named("uv.lock", root) is None:
            return At(0, "No uv.lock is tracked at the root of the workspace", path=path)
        return None
    path = next(iter(project.manifests.pyprojects), "")
    return At(0, "There is no pyproject.toml with a [project] table to lock", path=path)


def _lock_fault(project: Project, path: str, check_sync: bool) -> At | None:
    folder = path.rpartition("/")[0]
    lock = project.manifests.locks.named("uv.lock", folder)
    if lock is None:
        tracked = f"{folder}/uv.lock" if folder else "uv.lock"
        if tracked in project.entries:
            return None
        return At(0, "No uv.lock is tracked beside this project", path=path, anchor="uv.lock")
    if not check_sync:
        return None
    overridden = _overridden(project.manifests.pyprojects[path])
    for each in project.manifests.dependencies:
        if each.path != path or not each.standard or each.name in overridden:
            continue
        if not _satisfied(each, lock):
            text = f"uv.lock holds no version of `{each.name}` that satisfies `{each.spec}`"
            if each.name not in lock.packages:
                text = f"uv.lock does not hold `{each.name}`"
            return At(each.line, text, path=path, anchor=each.name)
    return None


def _overridden(data: dict[str, Any]) -> set[str]:
    """Packages whose version the project sets against what is declared."""
    given = texts_of(table_of(data, "tool", "uv").get("override-dependencies"))
    found = (parse_requirement(each, "", 0, RUNTIME) for each in given)
    return {each.name for each in found if each is not None}


def _satisfied(each: Dependency, lock: Lock) -> bool:
    """Whether a lock holds a version that a dependency admits; sources have none to compare."""
    locked = lock.packages.get(each.name, ())
    spec = specifiers(each.spec)
    if not locked or spec is None:
        return bool(locked)
    for entry in locked:
        if each.source or entry.source not in {"registry", ""} or not entry.version:
            return True
        if spec.contains(entry.version, prereleases=True):
            return True
    return False


@check("dependencies-pinned", applies=has_manifest)
def dependencies_pinned(project: Project) -> Answer:
    """Every runtime dependency is fixed to one version, by a lock file or by the manifest.

    What is not fixed changes on its own, and nobody can say since when.

    Instead: commit a lock file, or pin exact versions.

    Known problems: whether the deployment installs from the lock is not seen.
    """
    pins = _Pins(project)
    sites = [each for each in project.manifests.dependencies
             if each.group == RUNTIME and not each.local]  # fmt: skip
    found = [
        At(each.line, f"Nothing fixes the version of `{each.name}`", path=each.path,
           measured=each.spec or "any version", anchor=each.name)
        for each in sites
        if not pins.fix(each)
    ]  # fmt: skip
    return Sites(len(sites), found) if sites else Skip("no runtime dependency")


class _Pins:
    """What fixes versions: lock files, constraints, and requirements files that pin."""

    def __init__(self, project: Project) -> None:
        self.locks = project.manifests.locks
        self.own = {(path.rpartition("/")[0], name) for path, name in _workspace(project)}
        self.pinned: dict[str, list[str]] = {}
        for path, document in project.documents.items():
            if document.kind == "requirements":
                for each in document.requirements:
                    if each.spec.startswith("==") and not each.spec.endswith(".*"):
                        self.pinned.setdefault(each.name, []).append(path.rpartition("/")[0])

    def fix(self, each: Dependency) -> bool:
        """Whether a dependency has one version only."""
        if each.pinned or any(name == each.name for _, name in self.own):
            return True
        if any(each.name in lock.packages for lock in self.locks.above(each.folder)):
            return True
        listed = each.path.endswith((".txt", ".in"))
        return any(
            covers(folder, each.folder)
            or (covers(each.folder, folder) and (not listed or "requirements" in folder))
            for folder in self.pinned.get(each.name, ())
        )


def _workspace(project: Project) -> Iterator[tuple[str, str]]:
    """(path, name) of every project of the repository itself."""
    for path, data in project.manifests.pyprojects.items():
        name = table_of(data, "project").get("name")
        if isinstance(name, str):
            yield path, canonicalize_name(name)


@check("minimum-version")
def minimum_version(project: Project, *, target: str = "python", min: str = "3.13") -> Answer:
    """Python, or a package, is not older than the standard asks for.

    Instead: raise the lower bound and the lock.

    Known problems: without a lock, a package without lower bound cannot be judged.
    """
    if target == "python":
        if not project.manifests.paths:
            return Skip("no manifest")
        return _python_fault(project, Version(min))
    return _package_fault(project, canonicalize_name(target), Version(min))


def _package_fault(project: Project, name: str, least: Version) -> Answer:
    for lock in project.manifests.locks.all:
        if is_auxiliary(lock.path):
            continue
        for entry in lock.packages.get(name, ()):
            version = _version(entry.version)
            if version is None:
                continue
            if version < least:
                text = f"`{name}` is locked in version {entry.version}"
                return At(entry.line, text, path=lock.path, measured=entry.version,
                          limit=str(least), anchor=name)  # fmt: skip
            return None
    declared = [each for each in project.manifests.dependencies if each.name == name]
    bounds = [(each, lower_bound(each.spec)) for each in declared]
    for each, bound in bounds:
        if (bound is not None and bound < least) or _only_older(each.spec, least):
            text = f"`{each.name}{each.spec}` admits versions below {least}"
            return At(each.line, text, path=each.path, measured=each.spec,
                      limit=str(least), anchor=name)  # fmt: skip
    if any(bound is not None for _, bound in bounds):
        return None
    return Skip(f"no version of {name} is declared or locked")


def _only_older(text: str, least: Version) -> bool:
    """Whether an upper bound rules out every version that would do."""
    return any(
        each.operator in {"<", "<="}
        and _version(each.version) is not None
        and Version(each.version) <= least
        and not (each.operator == "<=" and Version(each.version) == least)
        for each in specifiers(text) or ()
    )


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


# Python -------------------------------------------------------------------------------------------

_CLASSIFIER = re.compile(r"Programming Language :: Python :: (3\.\d+)$")
_IMAGE = re.compile(r"python[:-]?(3\.\d+)")
_ARGUMENT = re.compile(r"\$\{?(\w+)(?::-([^}]*))?\}?")
_PLAIN = re.compile(r"(?:python-?|cpython-)?(3\.\d+)")


def _python_fault(project: Project, least: Version) -> Answer:
    for source in (_declared, _classified, _images, _pinned_python, _matrix):
        values = [(path, line, text, low) for path, line, text, low in source(project) if low]
        if not values:
            continue
        old = [each for each in values if Version(each[3]) < least]
        if not old:
            return None
        path, line, text, low = old[0]
        shown = ", ".join(dict.fromkeys(each[2] for each in values))
        return At(line, f"Python {low} is admitted by `{shown}`", path=path, measured=low,
                  limit=str(least), anchor="python")  # fmt: skip
    path = project.manifests.paths[0]
    text = "Nothing says which Python is the oldest that is supported"
    return At(0, text, path=path, limit=str(least), anchor="python")


type _Values = Iterator[tuple[str, int, str, str]]


def _declared(project: Project) -> _Values:
    for path, line, text in project.manifests.python_specs:
        low = lowest_python(text)
        if low is not None:
            yield path, line, text, f"{low[0]}.{low[1]}"


def _classified(project: Project) -> _Values:
    """The oldest Python among the classifiers of each manifest."""
    for path, line, classifiers in project.manifests.classifiers:
        found = [match[1] for each in classifiers if (match := _CLASSIFIER.match(each.strip()))]
        if found:
            version = min(found, key=Version)
            yield path, line, version, version


def _images(project: Project) -> _Values:
    for path, document in _documents(project, "dockerfile"):
        defaults: dict[str, str] = {}
        for instruction in document.instructions:
            if instruction.name == "ARG":
                name, _, value = instruction.value.partition("=")
                defaults[name.strip()] = value.strip("\"' ")
            elif instruction.name == "FROM":
                image = _ARGUMENT.sub(partial(_argument, defaults), instruction.value).lower()
                if match := _IMAGE.search(image):
                    yield path, instruction.line, match[1], match[1]


def _argument(defaults: dict[str, str], match: re.Match[str]) -> str:
    return defaults.get(match[1]) or match[2] or ""


def _pinned_python(project: Project) -> _Values:
    for path, document in _documents(project, "text"):
        name = path.rpartition("/")[2]
        if name in {".python-version", "runtime.txt"} and not is_auxiliary(path):
            match = _PLAIN.match(document.text.strip())
            if match:
                yield path, 1, match[1], match[1]


def _matrix(project: Project) -> _Values:
    """The oldest Python that CI sets up."""
    found = [
        (run.path, run.line, version)
        for run in project.ci.runs
        if run.action.endswith(("setup-python", "setup-uv"))
        and (version := _set_up(run.inputs.get("python-version"))) is not None
    ]
    for path, line, version in sorted(found, key=lambda each: Version(each[2]))[:1]:
        yield path, line, version, version


def _set_up(value: object) -> str | None:
    match = _PLAIN.match(str(value))
    return match[1] if match else None


def _documents(project: Project, kind: str) -> list[tuple[str, DocumentFact]]:
    found = [(path, each) for path, each in project.documents.items() if each.kind == kind]
    return sorted(found, key=lambda each: (each[0].count("/"), each[0]))
