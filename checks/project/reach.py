"""Which calls do I/O by a client of a database, cache, queue, cloud, mail server or model.

What is known of each library stands in a table; a value is traced to its client through names,
attributes and the calls that only build a further handle (``client.bucket(...).blob(...)``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.names import Target

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, File, Function

_STEPS = 24


class Library(msgspec.Struct, frozen=True):
    """What the clients of one library do.

    Attributes:
        kind: What they reach: database, cache, queue, cloud, mail, llm or http.
        is_async: Whether their methods are awaited.
        builders: Methods that only build a further handle and do no I/O themselves.
        does: The methods that do I/O; None where all do but the builders and the silent ones.
        silent: Methods that only compute, beside the builders.
    """

    kind: str
    is_async: bool
    builders: frozenset[str] = frozenset()
    does: frozenset[str] | None = None
    silent: frozenset[str] = frozenset()


class Reached(msgspec.Struct, frozen=True):
    """A call that does I/O by a client.

    Attributes:
        library: What is known of the library.
        client: Canonical name of the client's class.
        plain: The method is one of the client itself or of its attributes: no handle was built.
    """

    library: Library
    client: str
    plain: bool


class Traced(msgspec.Struct, frozen=True):
    """The client behind a value, with the attributes and the calls on the way from it."""

    client: str
    attributes: tuple[str, ...]
    built: tuple[str, ...]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _awaited(library: Library) -> Library:
    return msgspec.structs.replace(library, is_async=True)


_CLOSING = _words("close aclose shutdown dispose __enter__ __exit__")
_SESSION = Library(
    "database",
    False,
    _words(
        "query filter filter_by where order_by join outerjoin options limit offset distinct "
        "group_by having with_for_update select_from execution_options with_entities subquery "
        "populate_existing"
    ),
    _words(
        "execute scalar scalars exec get get_one flush commit refresh merge rollback all first one "
        "one_or_none count update delete bulk_save_objects bulk_insert_mappings "
        "bulk_update_mappings connection scalar_one scalar_one_or_none"
    ),
)
_CONNECTION = Library(
    "database",
    False,
    _words("cursor execution_options"),
    _words(
        "execute executemany executescript scalar scalars commit rollback fetchone fetchall "
        "fetchmany callproc copy copy_from copy_expert copy_to exec_driver_sql stream connect "
        "begin raw_connection run_callable transaction fetch fetchrow fetchval fetch_all fetch_one"
    ),
)
_MONGO = Library(
    "database",
    False,
    _words("get_database get_collection get_default_database with_options"),
    silent=_CLOSING,
)
_CACHE = Library(
    "cache",
    False,
    _words("pipeline pubsub lock register_script from_url get_connection_kwargs"),
    silent=_CLOSING,
)
_PIPELINE = _words("execute watch listen get_message subscribe psubscribe acquire release")
_BOTO = Library(
    "cloud",
    False,
    _words("client resource Table Bucket Object Queue Topic get_paginator get_waiter"),
    silent=_CLOSING
    | _words("generate_presigned_url generate_presigned_post can_paginate register_task"),
)
_GOOGLE = Library(
    "cloud",
    False,
    _words(
        "bucket blob collection document dataset table where order_by limit offset batch "
        "topic_path subscription_path queue_path secret_path secret_version_path location_path"
    ),
    silent=_CLOSING | _words("generate_signed_url project_path common_location_path"),
)
_LLM = Library("llm", False, _words("with_options copy"), silent=_CLOSING)
_SEARCH = Library("database", False, _words("options"), silent=_CLOSING)
_QUEUE = Library("queue", False, _words("channel"), silent=_CLOSING)
_MAIL = Library("mail", False, silent=_CLOSING | {"set_debuglevel"})
_HTTP = Library("http", True, silent=_CLOSING | _words("build_request cookie_jar"))

_LIBRARIES: dict[str, Library] = {
    name: library
    for library, names in (
        (_SESSION, "sqlalchemy.orm.Session sqlalchemy.orm.scoped_session"),
        (
            _CONNECTION,
            """sqlalchemy.Engine sqlalchemy.engine.Engine sqlalchemy.engine.base.Engine
            sqlalchemy.Connection sqlalchemy.engine.Connection sqlalchemy.engine.base.Connection
            psycopg2.connection psycopg2.cursor psycopg2.extensions.connection
            psycopg2.extensions.cursor psycopg.Connection psycopg.Cursor pymysql.Connection
            pymysql.connections.Connection pymysql.cursors.Cursor pymysql.cursors.DictCursor
            sqlite3.Connection sqlite3.Cursor""",
        ),
        (
            _awaited(_SESSION),
            """sqlalchemy.ext.asyncio.AsyncSession
            sqlalchemy.ext.asyncio.async_scoped_session""",
        ),
        (
            _awaited(_CONNECTION),
            """sqlalchemy.ext.asyncio.AsyncConnection sqlalchemy.ext.asyncio.AsyncEngine
            asyncpg.Connection asyncpg.Pool asyncpg.connection.Connection asyncpg.pool.Pool
            aiosqlite.Connection aiosqlite.Cursor psycopg.AsyncConnection psycopg.AsyncCursor
            databases.Database aiomysql.Connection""",
        ),
        (
            _MONGO,
            """pymongo.MongoClient pymongo.mongo_client.MongoClient pymongo.database.Database
            pymongo.collection.Collection""",
        ),
        (
            _awaited(_MONGO),
            """pymongo.AsyncMongoClient motor.motor_asyncio.AsyncIOMotorClient
            motor.motor_asyncio.AsyncIOMotorDatabase motor.motor_asyncio.AsyncIOMotorCollection""",
        ),
        (
            _CACHE,
            """redis.Redis redis.StrictRedis redis.client.Redis redis.RedisCluster
            redis.cluster.RedisCluster redis.sentinel.Sentinel valkey.Valkey""",
        ),
        (
            _awaited(_CACHE),
            """redis.asyncio.Redis redis.asyncio.StrictRedis redis.asyncio.client.Redis
            redis.asyncio.RedisCluster redis.asyncio.cluster.RedisCluster aioredis.Redis
            redis.asyncio.sentinel.Sentinel aioredis.client.Redis valkey.asyncio.Valkey""",
        ),
        (_BOTO, "boto3.Client boto3.Resource botocore.client.BaseClient"),
        (_awaited(_BOTO), "aioboto3.Client aiobotocore.client.AioBaseClient"),
        (_MAIL, "smtplib.SMTP smtplib.SMTP_SSL smtplib.LMTP"),
        (_awaited(_MAIL), "aiosmtplib.SMTP"),
        (
            _QUEUE,
            """kafka.KafkaProducer kafka.KafkaConsumer kafka.KafkaAdminClient
            pika.BlockingConnection pika.adapters.blocking_connection.BlockingChannel""",
        ),
        (
            _awaited(_QUEUE),
            """aiokafka.AIOKafkaProducer aiokafka.AIOKafkaConsumer aio_pika.Exchange
            aio_pika.abc.AbstractExchange aio_pika.Channel aio_pika.abc.AbstractChannel
            aio_pika.Queue aio_pika.abc.AbstractQueue""",
        ),
        (_SEARCH, "elasticsearch.Elasticsearch"),
        (_awaited(_SEARCH), "elasticsearch.AsyncElasticsearch opensearchpy.AsyncOpenSearch"),
        (_LLM, "anthropic.Anthropic openai.OpenAI openai.AzureOpenAI google.genai.Client"),
        (
            _awaited(_LLM),
            "anthropic.AsyncAnthropic openai.AsyncOpenAI openai.AsyncAzureOpenAI",
        ),
        (_HTTP, "httpx.AsyncClient aiohttp.ClientSession"),
    )
    for name in names.split()
}
_PACKAGES = frozenset(name.partition(".")[0] for name in _LIBRARIES) | {"sqlmodel", "aiobotocore"}
_STUBS = {
    "mypy_boto3_": _BOTO,
    "types_boto3_": _BOTO,
    "types_aiobotocore_": _awaited(_BOTO),
}


class Reach:
    """Traces calls to the clients that they use; remembers each answer."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._used = project.manifests.imports(*_PACKAGES)
        self._known: dict[tuple[str, int], Reached | None] = {}
        self._libraries: dict[str, Library | None] = {}

    def reached(self, call: Call) -> Reached | None:
        """The client that a call does I/O by, None for none."""
        if not self._used or call.receiver is None:
            return None
        memo = (call.file.path, call.index)
        if memo not in self._known:
            self._known[memo] = self._reached(call)
        return self._known[memo]

    def library(self, kind: str) -> Library | None:
        """The library of a client's class, by the class or by a base of it."""
        if kind not in self._libraries:
            self._libraries[kind] = self._library(kind) if kind else None
        return self._libraries[kind]

    def _library(self, kind: str) -> Library | None:
        found = _LIBRARIES.get(kind)
        if found is not None:
            return found
        for stub, library in _STUBS.items():
            if kind.startswith(stub):
                return library
        if kind.startswith("google.cloud.") and kind.endswith("Client"):
            return _awaited(_GOOGLE) if kind.endswith("AsyncClient") else _GOOGLE
        cls = self.project.classes.by_key.get(kind)
        names = () if cls is None else cls.ancestors
        return next((_LIBRARIES[name] for name in names if name in _LIBRARIES), None)

    def _reached(self, call: Call) -> Reached | None:
        traced = self.trace(call.file, call.receiver, call.function)
        library = None if traced is None else self.library(traced.client)
        if traced is None or library is None or not library.builders.issuperset(traced.built):
            return None
        name = call.last
        if library.kind == "cache" and traced.built:
            does = name in _PIPELINE
        elif library.does is not None:
            does = name in library.does
        else:
            does = name not in library.builders | library.silent and not name[:1].isupper()
        if traced.client == "google.genai.Client" and "aio" in traced.attributes:
            library = _awaited(library)
        return Reached(library, traced.client, not traced.built) if does else None

    def trace(self, file: File, expr: Expr | None, function: Function | None) -> Traced | None:
        """The client behind a value, None where it is none or cannot be told."""
        attributes: list[str] = []
        built: list[str] = []
        for _ in range(_STEPS):
            match expr:
                case tree.Name(id=text):
                    typed = self._typed(file, text, function)
                    if typed is not None:
                        return Traced(typed[0], (*typed[1], *attributes), tuple(built))
                    head, _, rest = text.partition(".")
                    attributes[:0] = rest.split(".") if rest else []
                    binding, function = self.project.names.binding(file, head, function)
                    expr = _bound(binding)
                case tree.CallRef(index=index):
                    kind = file.type_of(expr, function)
                    if self.library(kind) is not None:
                        return Traced(kind, tuple(attributes), tuple(built))
                    built.append(file.calls[index].last)
                    expr = file.calls[index].receiver
                case tree.Attr(value=value, attr=attr):
                    attributes.insert(0, attr)
                    expr = value
                case tree.Item(value=value):
                    expr = value
                case tree.Op(kind="Await" | "NamedExpr", items=items):
                    expr = items[-1]
                case _:
                    return None
        return None

    def _typed(
        self, file: File, text: str, function: Function | None
    ) -> tuple[str, list[str]] | None:
        """The longest part of a dotted name that is a client, and the attributes behind it."""
        parts = text.split(".")
        for count in range(len(parts), 0, -1):
            kind = file.type_of(tree.Name(".".join(parts[:count])), function)
            if self.library(kind) is not None:
                return kind, parts[count:]
        return None


def _bound(binding: object) -> Expr | None:
    """What a name of a function stands for: the value of its assignment or of its ``with``."""
    if isinstance(binding, tree.Assign) and len(binding.targets) == 1:
        return binding.value if isinstance(binding.targets[0], tree.Name) else None
    if isinstance(binding, Target) and binding.kind in {"with", "async with"}:
        return binding.expr
    return None
