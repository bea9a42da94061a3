"""How a project configures logging: handlers and formatters, from code and from files.

``dictConfig`` dicts (in Python, YAML, JSON), ``fileConfig`` files, ``basicConfig``, handlers that
are constructed, structlog and loguru all come down to the same two things.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.given import Given

if TYPE_CHECKING:
    from checks.facts.doctree import DocumentFact
    from checks.project.project import Project
    from checks.project.subjects import Call

_CONFIGURES = ("basicConfig", "dictConfig", "fileConfig", "configure", "configure_once", "add")
_HANDLERS = {
    "StreamHandler": "stream", "RichHandler": "stream", "FileHandler": "file",
    "WatchedFileHandler": "file", "TimedRotatingFileHandler": "file",
    "RotatingFileHandler": "rotating", "ConcurrentRotatingFileHandler": "rotating",
}  # fmt: skip
_UNITS = {"b": 1, "kb": 1000, "mb": 1_000_000, "gb": 10**9, "kib": 1024, "mib": 1 << 20}
_SIZE = re.compile(r"\s*([\d.]+)\s*([kmg]?i?b)\s*$", re.IGNORECASE)
LOGURU_FORMAT = "{time} | {level} | {name}:{function}:{line} - {message}"
"""What loguru writes by itself, as far as its fields go."""


class Handler(msgspec.Struct, frozen=True):
    """Where records go.

    Attributes:
        kind: ``stream``, ``file``, ``rotating`` (by size) or "".
        filename: Name of the file, also a part of it; "" when unknown or none.
        level: As text in capitals; "" when it has none of its own.
        formatted: Whether it is given a formatter.
        max_bytes: When it rotates; None when unknown.
        backups: How many old files it keeps; None when unknown.
        path: The file that configures it.
    """

    kind: str
    filename: str
    level: str
    formatted: bool
    max_bytes: int | None
    backups: int | None
    path: str


class Formatter(msgspec.Struct, frozen=True):
    """How records look: a format string, or JSON; both empty for what cannot be known."""

    text: str
    json: bool
    path: str


class LogConfig:
    """All that configures logging in a project; computed once."""

    def __init__(self, project: Project) -> None:
        self.project = project

    # Sources --------------------------------------------------------------------------------------

    @cached_property
    def calls(self) -> list[Call]:
        """The calls that configure logging."""
        return [
            call
            for file in self.project.production
            for call in file.calls_named(*_CONFIGURES)
            if self._configures(call)
        ]

    def _configures(self, call: Call) -> bool:
        if call.last == "add":
            return call.name == "loguru.Logger.add"
        if call.last in {"configure", "configure_once"}:
            return call.name.startswith(("structlog.", "loguru."))
        return call.name.startswith("logging.")

    @cached_property
    def documents(self) -> list[tuple[str, DocumentFact, dict[str, Any]]]:
        """Configuration files with the dict that logging is configured by."""
        found = []
        for path, fact in sorted(self.project.documents.items()):
            if fact.kind not in {"yaml", "json", "toml", "ini"}:
                continue
            name = path.rpartition("/")[2]
            if name == "alembic.ini":  # what migrations log is no log of the service
                continue
            data = fact.data if isinstance(fact.data, dict) else {}
            places = (data, data.get("logging"), data.get("LOGGING"))
            tables = (each for each in places if isinstance(each, dict))
            found += [(path, fact, each) for each in tables if _is_config(each, fact.kind)]
        return found

    @cached_property
    def tables(self) -> list[tuple[str, dict[str, Any]]]:
        """Every dict that configures logging, with the file it stands in."""
        found = [
            (path, _from_ini(data) if fact.kind == "ini" else data)
            for path, fact, data in self.documents
        ]
        for call in self.calls:
            if call.last == "dictConfig":
                value = call.arg(0, "config")
                table = None if value is None else Given(call.file, value, call.function).value
                if isinstance(table, dict):
                    found.append((call.path, table))
        for file in self.project.production:
            for assign in file.facts.assigns:
                if isinstance(assign.value, tree.Map) and assign.function < 0:
                    keys = {tree.text_of(key) for key in assign.value.keys}
                    if "version" in keys and keys & {"handlers", "formatters"}:
                        table = Given(file, assign.value).value
                        if isinstance(table, dict) and (file.path, table) not in found:
                            found.append((file.path, table))
        return found

    @cached_property
    def paths(self) -> list[str]:
        """Files that configure logging, those that are called after it first."""
        made = [call.path for call in self._constructed]
        found = dict.fromkeys([path for path, _ in self.tables] + [c.path for c in self.calls])
        found |= dict.fromkeys(made)
        return sorted(found, key=lambda path: ("log" not in path.rpartition("/")[2].lower(), path))

    # Handlers -------------------------------------------------------------------------------------

    @cached_property
    def _constructed(self) -> list[Call]:
        """Handlers that code constructs."""
        return [
            call
            for file in self.project.production
            for call in file.calls_named(*_HANDLERS)
            if call.name.startswith(("logging.", "rich.", "concurrent_log_handler."))
        ]

    @cached_property
    def handlers(self) -> list[Handler]:
        """All handlers."""
        found = [self._made(call) for call in self._constructed]
        for path, table in self.tables:
            handlers = table.get("handlers")
            rows = handlers.values() if isinstance(handlers, dict) else ()
            found += [_declared(row, path) for row in rows if isinstance(row, dict)]
        for call in self.calls:
            if call.last == "add":
                found.append(self._added(call))
            elif call.last == "basicConfig":
                filename = self._text(call, call.fact.keyword("filename"))
                kind = "file" if call.fact.keyword("filename") is not None else "stream"
                if call.fact.keyword("handlers") is None:
                    formatted = call.fact.keyword("format") is not None
                    level = self._level(call, call.fact.keyword("level"))
                    found.append(Handler(kind, filename, level, formatted, None, None, call.path))
        return found

    def _made(self, call: Call) -> Handler:
        numbers = []
        for position, name in ((2, "maxBytes"), (3, "backupCount")):
            value = call.arg(position, name)
            known = None if value is None else Given(call.file, value, call.function).value
            numbers.append(0 if value is None else known if isinstance(known, int) else None)
        formats = call.file.calls_named("setFormatter")
        basic = any(
            each.fact.keyword("handlers") is not None and each.fact.keyword("format") is not None
            for each in call.file.calls_named("basicConfig")
        )
        return Handler(
            _HANDLERS[call.last], self._text(call, call.arg(0, "filename")),
            self._set_level(call), bool(formats) or basic, numbers[0], numbers[1], call.path,
        )  # fmt: skip

    def _set_level(self, call: Call) -> str:
        """The level that ``handler.setLevel(...)`` gives a handler that a name holds."""
        given = call.fact.keyword("level")
        if given is not None:
            return self._level(call, given)
        names = {
            target.id
            for assign in call.file.facts.assigns
            if assign.value == tree.CallRef(call.index)
            for target in assign.targets
            if isinstance(target, tree.Name)
        }
        for each in call.file.calls_named("setLevel"):
            if tree.dotted(each.receiver) in names and each.fact.function == call.fact.function:
                return self._level(each, each.arg(0, "level"))
        return ""

    def _added(self, call: Call) -> Handler:
        """``logger.add("app.log", rotation="10 MB", retention=5)`` of loguru."""
        sink = call.arg(0, "sink")
        text = self._text(call, sink)
        stream = tree.dotted(sink).startswith("sys.")
        stream = stream or (not text and isinstance(sink, tree.Name))
        rotation, retention = call.fact.keyword("rotation"), call.fact.keyword("retention")
        size = None if rotation is None else Given(call.file, rotation, call.function).value
        kept = None if retention is None else Given(call.file, retention, call.function).value
        kind = "stream" if stream else "file" if rotation is None else "rotating"
        return Handler(
            kind, text, self._level(call, call.fact.keyword("level")), True, _bytes(size),
            0 if retention is None else kept if isinstance(kept, int) else None, call.path,
        )  # fmt: skip

    def _text(self, call: Call, expr: Expr | None) -> str:
        """A file name, as far as it is known: also the constant end of a path."""
        if expr is None:
            return ""
        value = Given(call.file, expr, call.function).value
        if isinstance(value, str):
            return value
        texts = [tree.text_of(node) or "" for node in tree.walk(expr, call.file.facts)]
        return next((text for text in reversed(texts) if "." in text), "".join(texts))

    def _level(self, call: Call, expr: Expr | None) -> str:
        if expr is None:
            return ""
        value = Given(call.file, expr, call.function).value
        return _level_name(value) or tree.dotted(expr).rpartition(".")[2].upper()

    # Formatters -----------------------------------------------------------------------------------

    @cached_property
    def formatters(self) -> list[Formatter]:
        """All formatters."""
        found = []
        for path, table in self.tables:
            formatters = table.get("formatters")
            rows = formatters.values() if isinstance(formatters, dict) else ()
            found += [_formats(row, path) for row in rows if isinstance(row, dict)]
        for file in self.project.production:
            for call in file.calls_named("Formatter", "JsonFormatter", "ColoredFormatter"):
                if call.name.startswith("logging.") or "Formatter" in call.name:
                    text = self._format(call, call.arg(0, "fmt"))
                    found.append(Formatter(text, "json" in call.last.lower(), file.path))
        for call in self.calls:
            if call.last == "basicConfig" and call.fact.keyword("format") is not None:
                text = self._format(call, call.fact.keyword("format"))
                found.append(Formatter(text, is_json(text), call.path))
            elif call.last == "add":
                given = call.fact.keyword("format")
                text = LOGURU_FORMAT if given is None else self._format(call, given)
                found.append(Formatter(text, _is_true(call, "serialize"), call.path))
        found += self._own
        return found

    @cached_property
    def _own(self) -> list[Formatter]:
        """First-party formatters and renderers that produce JSON."""
        found = []
        for file in self.project.production:
            if file.calls_named("JSONRenderer"):
                found.append(Formatter("", True, file.path))
            for cls in file.classes:
                named = "json" in cls.name.lower()
                if cls.inherits("logging.Formatter") or any(
                    "Formatter" in n for n in cls.ancestors
                ):
                    dumps = any(
                        call.last == "dumps" for m in cls.methods.values() for call in m.calls
                    )
                    if named or dumps or any("json" in name.lower() for name in cls.ancestors):
                        found.append(Formatter("", True, file.path))
        return found

    def _format(self, call: Call, expr: Expr | None) -> str:
        if expr is None:
            return "%(message)s"
        value = Given(call.file, expr, call.function).value
        return value if isinstance(value, str) else ""


def is_json(text: str) -> bool:
    """Whether a format string writes JSON: ``{"time": "%(asctime)s", ...}``."""
    return text.lstrip().startswith("{") and '"' in text


def _is_config(data: dict[str, Any], kind: str) -> bool:
    if kind == "ini":
        return "handlers" in data and "formatters" in data
    return "version" in data and bool({"handlers", "formatters"} & data.keys())


def _from_ini(data: dict[str, Any]) -> dict[str, Any]:
    """A ``fileConfig`` file in the form of ``dictConfig``."""
    table: dict[str, Any] = {"handlers": {}, "formatters": {}, "loggers": {}}
    for section, values in data.items():
        head, _, name = section.partition("_")
        if head in {"handler", "formatter", "logger"} and isinstance(values, dict):
            row = dict(values)
            args = [each.strip(" ()'\"") for each in str(row.get("args", "")).split(",")]
            row.setdefault("filename", args[0] if args and "." in args[0] else "")
            for position, key in ((2, "maxBytes"), (3, "backupCount")):
                if len(args) > position and args[position].isdecimal():
                    row.setdefault(key, int(args[position]))
            table[f"{head}s"][name] = row
    return table


def _declared(row: dict[str, Any], path: str) -> Handler:
    """A handler of a ``dictConfig`` dict."""
    made = str(row.get("class") or row.get("()") or "")
    kind = _HANDLERS.get(made.rpartition(".")[2], "")
    return Handler(
        kind, str(row.get("filename") or ""), _level_name(row.get("level")),
        bool(row.get("formatter")), _count(row.get("maxBytes", 0)),
        _count(row.get("backupCount", 0)), path,
    )  # fmt: skip


def _formats(row: dict[str, Any], path: str) -> Formatter:
    """A formatter of a ``dictConfig`` dict; of a factory only JSON is known."""
    made = f"{row.get('class') or ''}{row.get('()') or ''}{row.get('processor') or ''}"
    text = row.get("format") or row.get("fmt") or ""
    text = text if isinstance(text, str) else ""
    return Formatter(text, "json" in made.lower() or is_json(text), path)


def _level_name(value: Any) -> str:
    if isinstance(value, str):
        return value.rpartition(".")[2].upper()
    numbers = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
    return numbers.get(value, "") if isinstance(value, int) else ""


def _count(value: Any) -> int | None:
    """A number as a configuration file writes it; None for a reference."""
    if isinstance(value, str):
        digits = value.replace("_", "")
        return int(digits) if digits.isdecimal() else None
    return value if isinstance(value, int) else None


def _bytes(value: Any) -> int | None:
    """``10 MB`` of loguru in bytes."""
    if isinstance(value, int):
        return value
    found = _SIZE.match(value) if isinstance(value, str) else None
    return int(float(found[1]) * _UNITS[found[2].lower()]) if found else None


def _is_true(call: Call, name: str) -> bool:
    value = call.fact.keyword(name)
    return value is not None and not (isinstance(value, tree.Const) and not value.value)
