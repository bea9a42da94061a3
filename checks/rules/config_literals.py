"""Checks of configuration: addresses and places that are written into the code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.globs import any_match
from checks.project.subjects import Call, File

_SETTINGS_FILES = (
    "**/config.py", "**/settings.py", "**/conf.py", "**/config/**", "**/settings/**",
    "**/*_config.py", "**/*_settings.py", "gunicorn.conf.py", "**/gunicorn.conf.py",
)  # fmt: skip
_NAME = re.compile(r"\w+_(url|uri|host|port|dsn|bucket|queue|endpoint|dir)", re.IGNORECASE)
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://([^\s/?#]*)", re.IGNORECASE)
_KEPT_OUT = re.compile(r"block|deny|denied|forbid|banned|reserved|refused", re.IGNORECASE)
_IP = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?")
_NO_HOST = re.compile(r"0\.0\.0\.0|203\.0\.113\.|192\.0\.2\.|198\.51\.100\.")
"""Addresses to listen on, and those kept for documentation."""
_EXAMPLE_HOST = re.compile(
    r"(?:.*[.@])?example\.(?:com|org|net|edu)(?::\d+)?|.*\.(?:example|invalid)"
)
_VOCABULARY = re.compile(
    r"(?:www\.)?(?:w3\.org|schema\.org|json-schema\.org|purl\.org|xmlns\.com|schemas\.[\w.]+"
    r"|tools\.ietf\.org|datatracker\.ietf\.org|httpstatuses\.(?:com|io)|opengis\.net|"
    r"opensource\.org|openarchives\.org|activitystrea\.ms|a9\.com|ogp\.me)"
)
"""Hosts of names and error types, which nobody connects to."""
_SCOPE = re.compile(
    r"https://(?:www\.)?googleapis\.com/auth/|https://\w+\.microsoft\.com/\.default"
)
_PUBLIC_HOST = re.compile(r"(?:[\w-]+\.)+[a-z]{2,}", re.IGNORECASE)
_PRIVATE_WORD = re.compile(
    r"(?:^|[.-])(?:internal|local|localhost|intranet|lan|corp|prod|production|staging|stage|dev|qa"
    r"|svc|cluster)(?:[.-]|$)"
)
_PROSE = frozenset(
    """contact license_info terms_of_service external_docs servers openapi_tags example examples
    openapi_examples json_schema_extra description summary docs_url redoc_url openapi_url title
    swagger_ui_parameters responses help doc""".split()
)
"""Arguments that show an address to people."""
_TESTS = frozenset(
    """startswith endswith removeprefix removesuffix replace lstrip strip split rsplit partition
    match search fullmatch sub compile find index count print debug info warning error exception
    critical HTTPException""".split()
)
"""Callees that look at an address, or tell it, and do not use it."""
_OPENERS = frozenset(
    """create_engine create_async_engine AsyncClient Client Redis StrictRedis from_url connect
    create_pool create_connection open_connection MongoClient AsyncIOMotorClient AsyncMongoClient
    Celery KafkaProducer KafkaConsumer AIOKafkaProducer AIOKafkaConsumer ConnectionPool SMTP
    SMTP_SSL Elasticsearch AsyncElasticsearch OpenSearch AsyncOpenSearch Minio
    QdrantClient AsyncQdrantClient ClientSession RabbitBroker KafkaBroker RedisBroker NatsBroker
    URLParameters ConnectionParameters RedisSettings InfluxDBClient Consul
    BlockingConnection""".split()
)
_PLACES = frozenset(
    """url base_url host hostname port broker backend dsn endpoint endpoint_url bootstrap_servers
    server address uri database_url bucket password user username""".split()
)


class Literal(msgspec.Struct, frozen=True):
    """A literal that says where another system is: its value, its line, whether it is public."""

    value: str | int
    line: int
    public: bool = False


@check("no-hardcoded-config")
def no_hardcoded_config(
    file: File,
    *,
    schemes: Sequence[str] = (
        "http", "https", "postgresql", "postgres", "mysql", "redis", "rediss", "amqp", "mongodb",
        "kafka", "s3", "smtp", "ldap", "ws", "wss",
    ),
) -> Answer:  # fmt: skip
    """Addresses, ports and places of other systems are settings.

    What is written into the code is the same in every environment, until somebody edits the code.

    Instead: make the value a setting and read it from there.

    Known problems: whether a name ending in ``_url`` or ``_dir`` is one of another system cannot
    be told. Addresses of public services over https count half: they may be the same everywhere.
    """
    literals = list(_literals(file, frozenset(schemes)))
    if not literals:
        return Skip("no address")
    if _is_settings_module(file):
        return Sites(len(literals))
    found = [
        At(
            each.line,
            f"`{_short(each.value)}` is written into the code",
            weight=0.5 if each.public else 1.0,
            anchor=_short(each.value),
        )
        for each in literals
        if not _in_settings_class(file, each.line)
    ]
    return Sites(len(literals), found)


def _short(value: str | int) -> str:
    text = re.sub(r"(://[^/@:]*:)[^/@]+@", r"\1***@", str(value))
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_settings_module(file: File) -> bool:
    classes = file.project.classes
    return any_match(file.path, _SETTINGS_FILES) or any(
        classes.role(cls) == "settings" for cls in file.classes
    )


def _in_settings_class(file: File, line: int) -> bool:
    parts = file.project.classes.settings_parts
    return any(cls.line <= line <= cls.end_line and cls.key in parts for cls in file.classes)


def _literals(file: File, schemes: frozenset[str]) -> Iterator[Literal]:
    """Each literal once, in whatever way it shows what it is."""
    seen: set[tuple[int, str | int]] = set()
    for each in (*_addresses(file, schemes), *_named(file), *_opened(file)):
        if (each.line, each.value) not in seen:
            seen.add((each.line, each.value))
            yield each


# Addresses ----------------------------------------------------------------------------------------


def _addresses(file: File, schemes: frozenset[str]) -> Iterator[Literal]:
    """Literals with a scheme, and IP addresses, that are used as such."""
    if not file.facts.addresses:
        return
    told = _told(file)
    refused = _refused(file)
    for line, text in file.facts.addresses:
        if (line, text) in told or line in refused or any(c.isspace() for c in text):
            continue
        url = _URL.match(text)
        if url is None:
            if _IP.fullmatch(text) and not _NO_HOST.match(text):
                yield Literal(text, line)
            continue
        host = url[2].rpartition("@")[2].lower()
        if url[1].lower() not in schemes or not host.strip("{}<>[]%s*.:"):
            continue
        if _EXAMPLE_HOST.fullmatch(host) or _VOCABULARY.fullmatch(host) or _SCOPE.match(text):
            continue
        public = _PUBLIC_HOST.fullmatch(host) and not _PRIVATE_WORD.search(host)
        yield Literal(text, line, public=bool(public) and url[1].lower() == "https")


def _refused(file: File) -> set[int]:
    """Lines of lists of what is kept out: ``BLOCKED_HOSTS = {...}``."""
    return {
        line
        for row in file.facts.assigns
        if any(_KEPT_OUT.search(tree.dotted(target)) for target in row.targets)
        for line in range(row.line, row.end_line + 1)
    }


def _told(file: File) -> set[tuple[int, str]]:
    """Line and text of the addresses that are shown, compared or looked for only."""
    facts = file.facts
    spans: list[tuple[int, int, str]] = []
    for call in facts.calls:
        shown = [item.value for item in call.keywords if item.name in _PROSE]
        if call.last in _TESTS:
            shown += [*call.args, *(item.value for item in call.keywords)]
            if isinstance(call.func, tree.Attr):
                shown.append(call.func.value)
        spans += [(call.line, call.end_line, text) for each in shown for text in _texts(file, each)]
    for assign in facts.assigns:
        shown = [assign.value] if _shows(file, assign) and assign.value is not None else []
        shown += [*_compared(assign.value), *_illustrated(assign.value)]
        spans += [(assign.line, assign.end_line, t) for each in shown for t in _texts(file, each)]
    for statement in facts.statements:
        values = [statement.value] if statement.kind == "assert" and statement.value else []
        values += list(_compared(statement.value))
        spans += [
            (statement.line, statement.end_line, t) for each in values for t in _texts(file, each)
        ]
    for block in facts.blocks:
        for expr in block.exprs if block.kind in {"if", "while"} else ():
            spans += [(block.line, block.end_line, t) for t in _texts(file, expr)]
    for error in facts.raises:
        spans += [(error.line, error.end_line, t) for t in _texts(file, error.exc)]
    wanted: dict[str, list[int]] = {}
    for line, text in facts.addresses:
        wanted.setdefault(text, []).append(line)
    return {
        (line, text)
        for first, last, text in spans
        for line in wanted.get(text, ())
        if first <= line <= last
    }


def _texts(file: File, expr: Expr | None) -> list[str]:
    """Texts inside an expression, through calls in it."""
    texts = (tree.text_of(node) for node in tree.walk(expr, file.facts))
    return [text for text in texts if text is not None and ("." in text or "://" in text)]


def _compared(expr: Expr | None) -> Iterator[Expr]:
    for node in tree.walk(expr):
        if isinstance(node, tree.Op) and node.kind.startswith("Compare:"):
            yield from node.items


def _illustrated(expr: Expr | None) -> Iterator[Expr]:
    """Values of a dictionary under keys that show them to people."""
    for node in tree.walk(expr):
        if isinstance(node, tree.Map):
            for key, value in zip(node.keys, node.values, strict=True):
                if tree.text_of(key) in _PROSE:
                    yield value


def _shows(file: File, assign: tree.Assign) -> bool:
    """Whether an assignment is of examples, metadata, namespaces or of members of an enum."""
    names = [tree.dotted(target).lower() for target in assign.targets]
    if any(
        re.search(
            r"namespace|xmlns|author|homepage|^ns$|_ns$|example|contact|license|schema_extra|context|"
            r"metadata|_docs?$|error_type|problem_type|description",
            n,
        )
        for n in names
    ):
        return True  # fmt: skip
    cls = file.class_of(assign.cls)
    return cls is not None and cls.file.project.classes.role(cls) == "enum"


# Names and constructors -------------------------------------------------------------------------


def _named(file: File) -> Iterator[Literal]:
    """Literals bound to a name that ends in what it is."""
    for assign in file.facts.assigns:
        if isinstance(assign.value, tree.Const):
            for target in assign.targets:
                name = tree.dotted(target).rpartition(".")[2]
                if _says(name, assign.value) and not _shows(file, assign):
                    yield Literal(_value(assign.value), assign.line)
    for function in file.facts.functions:
        for param in function.params:
            if isinstance(param.default, tree.Const) and _says(param.name, param.default):
                yield Literal(_value(param.default), param.line)


def _value(const: tree.Const) -> str | int:
    return const.value if isinstance(const.value, (str, int)) else str(const.value)


def _says(name: str, const: tree.Const) -> bool:
    """Whether a name and its literal say together that this is a place of another system."""
    found = _NAME.fullmatch(name)
    if found is None or isinstance(const.value, bool):
        return False
    kind, value = found[1].lower(), const.value
    if isinstance(value, int):
        return kind == "port" and value > 0
    if not isinstance(value, str) or not value.strip() or any(c.isspace() for c in value):
        return False
    url = _URL.match(value)
    host = "" if url is None else url[2].lower()
    if host and (_EXAMPLE_HOST.fullmatch(host) or _VOCABULARY.fullmatch(host)):
        return False
    if kind in {"url", "uri", "dsn", "endpoint"}:
        return not value.startswith(("/", "{", "#", ".")) and bool(re.search(r"[.:]", value))
    return kind != "port" or value.isdigit()


def _opened(file: File) -> Iterator[Literal]:
    """Literals that are given to what connects to another system."""
    names = [name for name in file.calls_by_name if name in _OPENERS]
    for call in file.calls_named(*names) if names else ():
        if not _connects(call):
            continue
        named = call.last == "Celery"
        for position, argument in enumerate(call.fact.args[:2]):
            if named and position == 0:
                continue
            if isinstance(argument, tree.Const) and _is_place(argument, position):
                yield Literal(_value(argument), _line(file, call, argument, call.line))
        for item in call.fact.keywords:
            value = item.value
            if item.name in _PLACES and isinstance(value, tree.Const) and _is_place(value, 0):
                yield Literal(_value(value), _line(file, call, value, item.line))


def _connects(call: Call) -> bool:
    """Whether the callee is of a library, and no method that happens to be called alike."""
    name = call.name or call.file.resolve(call.fact.func, call.function)
    return "." in name and call.file.project.layout.split(name) is None


def _is_place(const: tree.Const, position: int) -> bool:
    value = const.value
    if isinstance(value, bool) or value is None:
        return False
    if isinstance(value, str):
        host = _URL.match(value)
        plain = bool(value.strip()) and not any(c.isspace() for c in value)
        return (
            plain
            and value not in {":memory:", "sqlite://"}
            and (position == 0 and (host is None or not _EXAMPLE_HOST.fullmatch(host[2].lower())))
        )
    return isinstance(value, int) and value > 0


def _line(file: File, call: Call, const: tree.Const, default: int) -> int:
    """The line of an address among the arguments of a call."""
    inside = (
        line
        for line, text in file.facts.addresses
        if text == const.value and call.line <= line <= call.fact.end_line
    )
    return next(inside, default)
