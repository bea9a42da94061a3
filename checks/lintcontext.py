"""What ruff has to know of a project to be right about it: its own packages and its Python.

Rules and limits are ours. Taken over from the repository is only what decides which order of
imports is the sorted one, and the oldest Python, which decides what syntax may be used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from checks.facts.lint import LintContext, Option, selectable
from checks.rules.specs import specs

if TYPE_CHECKING:
    from checks.facts.doctree import DocumentFact

_MANIFESTS = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile")
_PROFILES: dict[str, dict[str, Option]] = {
    "google": {
        "force-single-line": True,
        "force-sort-within-sections": True,
        "order-by-type": False,
        "lines-between-types": 0,
    },
    "open_stack": {"force-single-line": True, "force-sort-within-sections": True},
    "appnexus": {"force-sort-within-sections": True, "order-by-type": False},
}
_FALLBACK = "3.13"


def lint_context(paths: Sequence[str], documents: Mapping[str, DocumentFact]) -> LintContext:
    """The context of a project.

    Args:
        paths: Paths of its own Python files.
        documents: Facts of its configuration files, by path.
    """
    nearest = _nearest(documents)
    tool = _table(nearest, "tool")
    options: dict[str, Option] = {}
    first_party = set(_first_party(paths, documents))
    for raw in _isort_tables(tool, documents):
        profile = str(raw.get("profile", ""))
        options.update(_PROFILES.get(profile, {}))
        for name, value in raw.items():
            words = _option(value)
            plain = name.replace("_", "-")
            if plain in {"known-first-party", "src-paths"}:
                first_party.update(words if isinstance(words, tuple) else (str(words),))
            else:
                options[plain] = words
    return LintContext(
        rules=_rules(),
        target_version=_target(nearest),
        first_party=tuple(sorted(first_party)),
        line_length=_width(tool, options),
        isort=tuple(sorted(options.items(), key=lambda item: item[0])),
    )


def _rules() -> tuple[str, ...]:
    return selectable(code for spec in specs().values() for code in spec.ruff)


def _nearest(documents: Mapping[str, DocumentFact]) -> dict[str, Any]:
    """The manifest nearest to the root."""
    manifests = [path for path in documents if path.rpartition("/")[2] == "pyproject.toml"]
    for path in sorted(manifests, key=lambda path: (path.count("/"), path)):
        data = documents[path].data
        if isinstance(data, dict) and ("project" in data or "tool" in data):
            return data
    return {}


def _table(data: object, *names: str) -> dict[str, Any]:
    for name in names:
        data = data.get(name) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _isort_tables(
    tool: dict[str, Any], documents: Mapping[str, DocumentFact]
) -> Iterator[dict[str, Any]]:
    for path, section in ((".isort.cfg", "settings"), ("setup.cfg", "isort"), ("tox.ini", "isort")):
        if path in documents:
            yield _table(documents[path].data, section)
    yield _table(tool, "isort")
    yield _table(tool, "ruff", "lint", "isort")


def _option(value: object) -> Option:
    if isinstance(value, (bool, int)):
        return value
    if isinstance(value, list):
        return tuple(str(item) for item in value)
    text = str(value).strip()
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if text.isdigit():
        return int(text)
    return tuple(text.replace(",", " ").split()) if "," in text or "\n" in text else text


def _width(tool: dict[str, Any], options: dict[str, Option]) -> int:
    candidates = (
        _table(tool, "ruff").get("line-length"),
        options.get("line-length"),
        _table(tool, "black").get("line-length"),
    )
    return next((each for each in candidates if isinstance(each, int) and 20 <= each <= 320), 88)


def _target(data: dict[str, Any]) -> str:
    """``py312`` for the oldest Python that ``requires-python`` admits."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    text = _table(data, "project").get("requires-python")
    if not isinstance(text, str):
        text = str(_table(data, "tool", "poetry", "dependencies").get("python", ""))
        text = text.replace("^", ">=").replace("~3", ">=3")
    try:
        spec = SpecifierSet(text)
    except InvalidSpecifier:
        spec = SpecifierSet()
    if not text:
        return f"py{_FALLBACK.replace('.', '')}"
    for minor in range(7, 16):
        if f"3.{minor}" in spec or f"3.{minor}.99" in spec:
            return f"py3{minor}"
    return f"py{_FALLBACK.replace('.', '')}"


def _first_party(paths: Sequence[str], documents: Mapping[str, DocumentFact]) -> Iterator[str]:
    """Top-level names: below each manifest's folder (or its ``src``), and outermost packages."""
    folders = {path.rpartition("/")[0] for path in paths if path.endswith("/__init__.py")}
    for folder in folders:
        parent, _, name = folder.rpartition("/")
        if parent not in folders:
            yield name
    roots = {""} | {
        path.rpartition("/")[0] for path in documents if path.rpartition("/")[2] in _MANIFESTS
    }
    for path in paths:
        for root in roots:
            for base in (root, f"{root}/src" if root else "src"):
                if base and not path.startswith(f"{base}/"):
                    continue
                rest = path[len(base) + 1 :] if base else path
                name, slash, _ = rest.partition("/")
                if slash or name.endswith(".py"):
                    yield name.removesuffix(".py")
