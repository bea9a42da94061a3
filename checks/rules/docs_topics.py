"""Checks of documents: that what a newcomer needs is written down."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from checks.check import Answer, At, Skip, check
from checks.facts.doctree import DocumentFact, Section
from checks.globs import matcher
from checks.project.project import Project
from checks.rules.applies import has_python

_PATTERNS: dict[str, str] = {
    "setup": r"install|set.?up|getting.started|quick.?start",
    "environment-variables": r"env(ironment)?.var(iable)?s?|configur(e|ing|ation)",
    "api-overview": r"\bapi\b|endpoints?",
    "development-workflow": r"develop|contribut|workflow",
    "deployment": r"deploy",
    "troubleshooting": r"troubleshoot|\bfaq\b|common (problems|errors|issues)",
    # A profile of a user, of AWS or of compose is another thing than a profile of a program.
    "profiling": r"py-?spy|cProfile|profil(ing|ers?\b)|scalene|pyinstrument"
    r"|\bprofile (the|an?|your|our|slow|code|memory|cpu|python|performance)\b(?! profile)",
    "virtualenv": r"\.?venv|virtual ?environment|virtualenv|uv sync|poetry install",
    "rate-limits": r"rate.?limit",
    "pagination": r"paginat",
    "runbook": r"runbook|playbook|on-?call",
    "monitoring": r"monitor|alert|grafana|prometheus",
}
_PLATFORMS = (r"linux|ubuntu|debian", r"mac ?os|os x|homebrew", r"windows", r"\bwsl\b")
_DIAGRAMS: dict[str, tuple[str, str]] = {
    "sequence-diagram": (r"sequenceDiagram|@startuml[\s\S]*(actor|participant)", r"sequences?"),
    "er-diagram": (r"erDiagram|@startuml[\s\S]*entity|\bTable \w+ \{", r"er|erd|schema|entity"),
}
_EMPTY = re.compile(r"\W*(todo|tbd|coming soon|to be (done|written)|work in progress|wip)\b", re.I)
_PROMISE_WORDS = 12
_PURPOSE_WORDS = 5
_BADGE = re.compile(r"\S*\]\(\S*|\S*\]\[\S*|https?://\S+")
_IMAGE = re.compile(r"\.(?:png|jpe?g|svg|gif|webp|drawio|pdf)$", re.IGNORECASE)
_NAME_WORDS = re.compile(r"[^a-z]+")
_CAPITALS = re.compile(r"\b[A-Z][A-Z0-9]+(_[A-Z0-9]+)+\b|\b[A-Z]{4,}\b")
_PATH = re.compile(r"(?<![\w.])/[\w{}:-]+(/[\w{}:-]+)*")
_COMMAND = re.compile(
    r"`[^`]*\b(pip|uv|poetry|docker|make|npm|git|python3?|pipenv|conda|just|brew|apt)\b[^`]*`"
)
_PROFILERS = re.compile(
    r"py-?spy|cProfile|scalene|pyinstrument|memray|line-profiler|memory-profiler"
)
_DEPLOYS = re.compile(
    r"(^|/)(Dockerfile[^/]*|[^/]*compose[^/]*\.ya?ml|Procfile|fly\.toml|render\.ya?ml|app\.ya?ml"
    r"|serverless\.ya?ml|skaffold\.ya?ml|Chart\.ya?ml)$|(^|/)(k8s|kubernetes|helm|deploy|deployment)/"
)
_WITH_ROUTES = frozenset({"sequence-diagram", "rate-limits", "pagination", "api-overview"})
_WITH_DEPLOYMENT = frozenset({"deployment", "monitoring", "runbook"})


@check("docs-topics", each="topics", applies=has_python)
def docs_topics(
    project: Project,
    topic: str,
    *,
    topics: Sequence[str] = ("setup",),
    files: Sequence[str] = ("README*", "CONTRIBUTING*", "docs/**/*.md", "docs/**/*.rst"),
    min_words: int = 15,
) -> Answer:
    """What a newcomer needs to know is written down in the repository.

    Instead: add a section on the topic.

    Known problems: headings are matched in English; whether the text is right is not judged.
    """
    reason = _out_of_place(project, topic)
    if reason:
        return Skip(reason)
    paths = list(_documents(project, files))
    if any(_covers(project, path, topic, min_words) for path in paths):
        return None
    if topic == "profiling" and _profiles(project):
        return None
    if topic in _DIAGRAMS and any(_pictures(path, topic) for path in project.entries):
        return None
    text = f"No document has a section on {topic.replace('-', ' ')}"
    return At(0, text, path=paths[0] if paths else "", anchor=topic)


def _out_of_place(project: Project, topic: str) -> str:
    """Why a topic does not apply, "" when it does."""
    if topic == "er-diagram" and not project.classes.with_role("orm", "document"):
        return "no ORM model"
    if topic in _WITH_ROUTES and not project.routes.handlers:
        return "no route handler"
    if topic in _WITH_DEPLOYMENT and not any(_DEPLOYS.search(path) for path in project.entries):
        return "no deployment file"
    if topic == "environment-variables" and not _reads_settings(project):
        return "no settings are read"
    return ""


def _reads_settings(project: Project) -> bool:
    if project.classes.with_role("settings"):
        return True
    names = ("getenv", "environ", "config", "dotenv_values", "load_dotenv")
    return any(
        row.target.startswith(("os.environ", "os.getenv", "dotenv.", "decouple.", "environs."))
        for file in project.production
        for row in file.imports
    ) or any(
        call.name.startswith(("os.getenv", "os.environ", "decouple.", "dotenv."))
        for file in project.production
        for call in file.calls_named("get", *names)
    )


def _documents(project: Project, files: Sequence[str]) -> Iterator[str]:
    """Tracked documents among the wanted ones, also from a service's own folder."""
    wanted = matcher(tuple(_with_other_homes(files)), ignore_case=True)
    folders = [".github/", "../", *(f"{folder}/" for folder in project.manifests.folders if folder)]
    for path in sorted(project.documents, key=lambda path: (path.startswith("../"), path)):
        own = [path, *(path[len(f) :] for f in folders if path.startswith(f))]
        if any(wanted(name) for name in own):
            yield path


def _with_other_homes(files: Sequence[str]) -> Iterator[str]:
    """Documentation may also live below ``doc/`` and ``documentation/``."""
    for pattern in files:
        yield pattern
        if pattern.startswith("docs/"):
            yield pattern.replace("docs/", "doc/", 1)
            yield pattern.replace("docs/", "documentation/", 1)


def _covers(project: Project, path: str, topic: str, min_words: int) -> bool:
    document = project.documents[path]
    if topic in _DIAGRAMS:
        return _draws(document, topic)
    if topic == "purpose":
        opening = [p.text for section in document.sections[:2] for p in section.paragraphs]
        return any(_words(_BADGE.sub("", text)) >= _PURPOSE_WORDS for text in opening)
    if topic == "platform-setup":
        text = _everything(document)
        return sum(1 for each in _PLATFORMS if re.search(each, text, re.IGNORECASE)) >= 2
    pattern = re.compile(_PATTERNS[topic], re.IGNORECASE)
    if not document.sections:
        return bool(pattern.search(document.text))
    proof = _PROOFS.get(topic, _anything)
    for number, section in enumerate(document.sections):
        below = _below(document.sections, number)
        if section.title and pattern.search(section.title) and proof(below):
            return True
        for paragraph in section.paragraphs:
            long = _words(paragraph.text) >= min_words
            if long and pattern.search(paragraph.text) and proof(below):
                return True
    return _links(project, path, document, pattern)


def _draws(document: DocumentFact, topic: str) -> bool:
    code, _ = _DIAGRAMS[topic]
    blocks = [each.text for section in document.sections for each in section.code]
    if any(re.search(code, text) for text in [*blocks, document.text]):
        return True
    links = [link for section in document.sections for link in section.links if link.image]
    return any(_pictures(link.target, topic) or _named(link.text, topic) for link in links)


def _pictures(path: str, topic: str) -> bool:
    """Whether a path is that of a picture which its name says to be such a diagram."""
    name = path.rpartition("/")[2]
    if topic == "er-diagram" and name.endswith(".dbml"):
        return True
    return bool(_IMAGE.search(name)) and _named(name.rpartition(".")[0], topic)


def _named(text: str, topic: str) -> bool:
    wanted = re.compile(_DIAGRAMS[topic][1])
    return any(wanted.fullmatch(word) for word in _NAME_WORDS.split(text.lower()))


def _below(sections: Sequence[Section], number: int) -> list[Section]:
    """A section and the deeper ones that follow it."""
    first = sections[number]
    found = [first]
    for section in sections[number + 1 :]:
        if section.level <= first.level:
            break
        found.append(section)
    return found


def _words(text: str) -> int:
    return len(text.split())


def _prose(sections: Sequence[Section]) -> str:
    return "\n".join(p.text for section in sections for p in section.paragraphs)


def _code(sections: Sequence[Section]) -> str:
    return "\n".join(each.text for section in sections for each in section.code)


def _everything(document: DocumentFact) -> str:
    titles = "\n".join(section.title for section in document.sections)
    return f"{titles}\n{_prose(document.sections)}\n{_code(document.sections)}\n{document.text}"


def _anything(sections: Sequence[Section]) -> bool:
    """Some content that is no promise of content."""
    text = _prose(sections).strip()
    promise = bool(_EMPTY.match(text)) and _words(text) < _PROMISE_WORDS
    return bool(_code(sections)) or (bool(text) and not promise)


def _command(sections: Sequence[Section]) -> bool:
    return bool(_code(sections)) or bool(_COMMAND.search(_prose(sections)))


def _variables(sections: Sequence[Section]) -> bool:
    return bool(_CAPITALS.search(f"{_prose(sections)}\n{_code(sections)}"))


def _two_paths(sections: Sequence[Section]) -> bool:
    text = "\n".join([_prose(sections), _code(sections), *(each.title for each in sections)])
    return len({match[0] for match in _PATH.finditer(text)}) >= 2


_PROOFS: dict[str, Callable[[Sequence[Section]], bool]] = {
    "setup": _command,
    "environment-variables": _variables,
    "api-overview": _two_paths,
}


def _links(project: Project, path: str, document: DocumentFact, pattern: re.Pattern[str]) -> bool:
    """A link to a file of the repository on the topic counts; one to a page outside does not."""
    folder = path.rpartition("/")[0]
    for section in document.sections:
        for link in section.links:
            if link.image or "://" in link.target:
                continue
            target = link.target.partition("#")[0].removeprefix("./")
            full = f"{folder}/{target}" if folder else target
            if pattern.search(f"{link.text} {target}") and target and (
                full in project.entries or target in project.entries
            ):  # fmt: skip
                return True
    return False


def _profiles(project: Project) -> bool:
    """A profiler as dependency, or a target of a Makefile that runs one."""
    if any(_PROFILERS.fullmatch(each.name) for each in project.manifests.dependencies):
        return True
    return any(
        target.name.startswith("profil") or any(_PROFILERS.search(c.text) for c in target.commands)
        for document in project.documents.values()
        for target in document.targets
    )
