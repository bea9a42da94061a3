"""Checks of how logging is configured: is all there that a service needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from checks.check import Answer, At, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.conditions import development, words
from checks.project.given import Given, source
from checks.project.project import Project
from checks.project.subjects import Call, Class, File, Function

_PLACE = re.compile(
    r"(^|/)(core/(logging|logging_config)(/.*)?(\.py)?|logging_config\.(py|ya?ml|json|ini|toml|conf))$"
)
_FIELDS = {
    "time": {"asctime", "time", "timestamp", "created"},
    "name": {"name", "logger", "module", "pathname"},
    "level": {"levelname", "level", "levelprefix", "levelno"},
    "function": {"funcName", "function", "func"},
    "line": {"lineno", "line"},
}
_REFERENCE = re.compile(r"%\((\w+)\)|\{(\w+)[^{}]*\}|\$\{?(\w+)")
_STRUCTURED = ("FUNC_NAME", "LINENO")
_MASKS = frozenset(
    "mask masks masked masking redact redacts redacted redacting redaction redactor scrub "
    "scrubber scrubbing sensitive sanitize sanitise sanitizer sanitized censor obfuscate "
    "obfuscator filter_sensitive secrets".split()
)
_SECRETS = frozenset(
    "password passwd secret token api_key apikey authorization credentials ssn credit_card".split()
)
_ENGINES = ("sqlalchemy", "sqlalchemy.engine", "sqlalchemy.engine.Engine", "sqlalchemy.pool")
_LOUD = frozenset({"INFO", "DEBUG"})
_TOLERANCE = 0.05
_STEPS = 8


@check("logging-config-elements", each="elements")
def logging_config_elements(
    project: Project,
    element: str,
    *,
    elements: Sequence[str] = ("location",),
    max_bytes: int = 10485760,
    backups: int = 5,
) -> Answer:
    """Logging is configured completely.

    What is not configured is missed on the day when the log is needed.

    Instead: add the element to the logging configuration.

    Known problems: `location` is a file core/logging.py or logging_config of any kind that
    configures logging; other names are not accepted. A level taken from any setting, variable
    of the environment or condition counts as one by environment, whatever its default. What a
    formatter writes that a factory makes is not known and not judged.
    """
    if not any(project.logs.calls(file) for file in project.production):
        return Skip("no log call")
    if element == "sqlalchemy-debug" and not project.manifests.imports("sqlalchemy", "sqlmodel"):
        return Skip("the project does not use SQLAlchemy")
    if element == "rotating-handler":
        there = _rotates(project, max_bytes, backups)
    else:
        there = _ELEMENTS[element](project)
    if there:
        return None
    path = next(iter(project.log_config.paths), "")
    return At(0, f"The logging configuration has no {element}", path=path, anchor=element)


def _location(project: Project) -> bool:
    return any(_PLACE.search(path) for path in project.log_config.paths)


def _rotates(project: Project, max_bytes: int, backups: int) -> bool:
    """A handler that rotates at the size (within five per cent) and keeps the backups."""
    return any(
        each.kind == "rotating"
        and (each.max_bytes is None or abs(each.max_bytes - max_bytes) <= max_bytes * _TOLERANCE)
        and (each.backups is None or each.backups == backups)
        for each in project.log_config.handlers
    )


def _console_formatter(project: Project) -> bool:
    config = project.log_config
    if any(each.kind == "stream" and each.formatted for each in config.handlers):
        return True
    return any(file.calls_named("ConsoleRenderer") for file in project.production)


def _file_formatter(project: Project) -> bool:
    handlers = project.log_config.handlers
    return any(each.kind in {"file", "rotating"} and each.formatted for each in handlers)


def _json_formatter(project: Project) -> bool:
    return any(each.json for each in project.log_config.formatters)


def _app_log(project: Project) -> bool:
    return any(_base(each.filename) == "app.log" for each in project.log_config.handlers)


def _error_log(project: Project) -> bool:
    return any(
        _base(each.filename) == "error.log" and each.level == "ERROR"
        for each in project.log_config.handlers
    )


def _base(filename: str) -> str:
    return filename.replace("\\", "/").rpartition("/")[2].lower()


# The level --------------------------------------------------------------------------------------


def _level_by_environment(project: Project) -> bool:
    """Whether a level comes from a setting, the environment or a condition on it."""
    for path, _, table in project.log_config.documents:
        if "${" in str(table) or re.search(r"\b(dev|prod|production|development)\b", path):
            return True
    for file in project.production:
        for call in file.calls_named("setLevel", "basicConfig", "add", "configure", "dictConfig"):
            if any(_varies(call, expr) for expr in _levels(call)):
                return True
    return any(
        "level" in (tree.text_of(key) or "").lower() and _is_varying(Given(file, value))
        for file in project.production
        if file.path in project.log_config.paths
        for assign in file.facts.assigns
        for node in tree.walk(assign.value)
        if isinstance(node, tree.Map)
        for key, value in zip(node.keys, node.values, strict=True)
    )


def _levels(call: Call) -> list[Expr]:
    """The levels that a configuring call is given."""
    given = call.arg(0, "level") if call.last == "setLevel" else call.fact.keyword("level")
    found = [] if given is None else [given]
    if call.last in {"dictConfig", "configure"}:
        for argument in call.arguments:
            for node in tree.walk(argument, call.file.facts):
                if isinstance(node, tree.Map):
                    pairs = zip(node.keys, node.values, strict=True)
                    found += [v for k, v in pairs if (tree.text_of(k) or "").lower() == "level"]
                elif isinstance(node, tree.CallRef):
                    made = call.file.facts.calls[node.index]
                    if "filtering" in made.last:
                        found += [*made.args, *(item.value for item in made.keywords)]
    return found


def _varies(call: Call, expr: Expr) -> bool:
    return _is_varying(Given(call.file, expr, call.function))


def _is_varying(given: Given) -> bool:
    """Whether a value depends on a setting, a variable of the environment or a condition."""
    queue = [given]
    for place in queue:
        file = place.file
        for node in tree.walk(place.expr, file.facts):
            if isinstance(node, tree.Op) and node.kind == "IfExp":
                if development(node.items[0], file) is not None:
                    return True
            elif isinstance(node, tree.Name):
                if _is_setting(place.at(node)):
                    return True
                for name in (node.id, node.id.rpartition(".")[0]):
                    behind = source(place.at(tree.Name(name)))
                    if behind.expr != tree.Name(name) and len(queue) < _STEPS:
                        queue.append(behind)
            elif isinstance(node, tree.CallRef):
                if _reads(file.facts.calls[node.index].last):
                    return True
                helper = file.project.names.function_named(file.calls[node.index].name)
                for value in helper.returned if helper is not None else ():
                    if helper is not None and len(queue) < _STEPS:
                        queue.append(Given(helper.file, value, helper))
    return False


def _reads(last: str) -> bool:
    """Whether a call of this name reads the environment or the settings."""
    return last in {"getenv", "environ"} or "settings" in last or "config" in last


def _is_setting(given: Given) -> bool:
    text = tree.dotted(given.expr)
    head, _, last = text.rpartition(".")
    if text.startswith("os.environ"):
        return True
    if not head:
        binding, _owner = given.file.project.names.binding(given.file, text, given.function)
        return isinstance(binding, tree.Param) and "level" in text.lower()
    parts = words(head)
    if "logging" in parts or "level" not in last.lower():
        return False
    return bool({"settings", "config", "conf", "env", "self", "cfg"} & set(parts))


# Records ----------------------------------------------------------------------------------------


def _record_fields(project: Project) -> bool:
    """Whether every text formatter writes time, name, level, function and line."""
    texts = [each.text for each in project.log_config.formatters if each.text and not each.json]
    if texts:
        return all(_writes_all(text) for text in texts)
    return any(file.calls_named("CallsiteParameterAdder") for file in project.production)


def _writes_all(text: str) -> bool:
    names = {next(filter(None, found), "") for found in _REFERENCE.findall(text)}
    return all(names & accepted for accepted in _FIELDS.values())


def _sqlalchemy_debug(project: Project) -> bool:
    """Whether SQLAlchemy's engine logs at INFO or DEBUG, or its echo is switched on."""
    for _, table in project.log_config.tables:
        loggers = table.get("loggers")
        for name, row in loggers.items() if isinstance(loggers, dict) else ():
            named = row.get("qualname", name) if isinstance(row, dict) else name
            if named in _ENGINES and str(row.get("level", "")).upper() in _LOUD:
                return True
    for file in project.production:
        for call in file.calls_named("create_engine", "create_async_engine", "engine_from_config"):
            echo = call.fact.keyword("echo")
            if echo is not None and not (isinstance(echo, tree.Const) and not echo.value):
                return True
        for call in file.calls_named("setLevel"):
            if _is_engine_logger(file, call) and not _is_quiet(call):
                return True
    return False


def _is_engine_logger(file: File, call: Call) -> bool:
    behind = source(Given(file, call.receiver, call.function)) if call.receiver else None
    if behind is None or not isinstance(behind.expr, tree.CallRef):
        return False
    made = behind.file.calls[behind.expr.index]
    value = made.arg(0, "name")
    return made.last == "getLogger" and tree.text_of(value) in _ENGINES


def _is_quiet(call: Call) -> bool:
    level = call.arg(0, "level")
    name = tree.text_of(level) or tree.dotted(level).rpartition(".")[2]
    return name.upper() in {"WARNING", "WARN", "ERROR", "CRITICAL", "FATAL"}


def _redaction(project: Project) -> bool:
    """Whether a filter, formatter or processor masks what is sensitive."""
    return any(
        any(_masks(cls) for cls in file.classes)
        or any(_processes(function) and _hides(function) for function in file.functions)
        for file in project.production
    )


def _masks(cls: Class) -> bool:
    kinds = ("logging.Filter", "logging.Formatter", "logging.LoggerAdapter")
    if not cls.inherits(*kinds) and not any(name.endswith("Formatter") for name in cls.ancestors):
        return False
    if _MASKS & set(words(cls.name)) or any(_hides(each) for each in cls.methods.values()):
        return True
    values = (fact.value for fact in cls.attributes.values())
    return any(_tells_secrets(value) for value in values if value is not None)


def _processes(function: Function) -> bool:
    """Whether a function is a processor of structlog, or a filter or patcher of records."""
    names = {param.name for param in function.fact.params}
    return function.cls is None and bool(names & {"event_dict", "record"})


def _hides(function: Function) -> bool:
    """Whether a function is called after masking, or names what is secret."""
    if _MASKS & set(words(function.name)):
        return True
    exprs: list[Expr] = [each for assign in function.assigns for each in assign.targets]
    exprs += [assign.value for assign in function.assigns if assign.value is not None]
    exprs += [each for _, block in function.blocks for each in block.exprs]
    for call in function.calls:
        exprs += [call.fact.func, *call.arguments]
    return any(_tells_secrets(expr) for expr in exprs)


def _tells_secrets(expr: Expr) -> bool:
    for node in tree.walk(expr):
        text = (tree.text_of(node) or "").lower()
        if isinstance(node, tree.Name) and _MASKS & set(words(node.id.rpartition(".")[2])):
            return True
        if any(word in text for word in _SECRETS):
            return True
    return False


_ELEMENTS: dict[str, Callable[[Project], bool]] = {
    "location": _location,
    "console-formatter": _console_formatter,
    "file-formatter": _file_formatter,
    "json-formatter": _json_formatter,
    "app-log": _app_log,
    "error-log": _error_log,
    "level-by-environment": _level_by_environment,
    "record-fields": _record_fields,
    "sqlalchemy-debug": _sqlalchemy_debug,
    "redaction": _redaction,
}
