"""Checks of shared objects: clients and sessions are made where they are provided."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.globs import any_match
from checks.project.subjects import Call, File, Function

_FRAMEWORK_NAMES = re.compile(
    r"(FastAPI|APIRouter|Celery|FastStream|TaskiqBroker|.*Broker|.*Scheduler|.*Limiter|Counter"
    r"|Gauge|Histogram|Summary|Info|CryptContext|PasswordHash|PasswordHasher|Jinja2Templates"
    r"|Admin|.*Bearer|APIKey\w+|HTTPBasic|OAuth2\w+|Environment|.*Transport|.*Timeout|.*Retry"
    r"|.*Retrying|Limits|.*Config|.*Settings|.*Options|.*ConnectionPool|MetaData|.*Engine"
    r"|.*U[Rr][LlIi]|.*Dsn|.*TestClient)"
)
_FACTORIES = frozenset(
    "sqlalchemy.orm.sessionmaker sqlalchemy.ext.asyncio.async_sessionmaker "
    "sqlalchemy.orm.scoped_session sqlalchemy.create_engine sqlalchemy.create_async_engine "
    "sqlalchemy.ext.asyncio.create_async_engine sqlalchemy.ext.asyncio.async_scoped_session".split()
)
_CLIENTS = frozenset(
    "httpx.Client httpx.AsyncClient aiohttp.ClientSession requests.Session requests.session "
    "redis.Redis redis.StrictRedis redis.asyncio.Redis redis.from_url redis.asyncio.from_url "
    "redis.Redis.from_url redis.asyncio.Redis.from_url redis.asyncio.StrictRedis "
    "boto3.client boto3.resource boto3.Session boto3.session.Session aioboto3.Session "
    "elasticsearch.Elasticsearch elasticsearch.AsyncElasticsearch opensearchpy.OpenSearch "
    "opensearchpy.AsyncOpenSearch smtplib.SMTP aiosmtplib.SMTP urllib3.PoolManager "
    "sqlalchemy.orm.Session sqlalchemy.ext.asyncio.AsyncSession pymongo.MongoClient "
    "redis.cluster.RedisCluster redis.asyncio.RedisCluster redis.asyncio.cluster.RedisCluster "
    "redis.sentinel.Sentinel redis.asyncio.sentinel.Sentinel aioredis.Redis aioredis.from_url "
    "motor.motor_asyncio.AsyncIOMotorClient kafka.KafkaProducer aiokafka.AIOKafkaProducer "
    "fastapi_mail.FastMail openai.OpenAI openai.AsyncOpenAI".split()
)
_ADDRESSES = frozenset("url base_url host hosts endpoint endpoint_url dsn api_key token".split())


@check("no-module-level-clients")
def no_module_level_clients(
    file: File,
    *,
    allowed_paths: Sequence[str] = ("**/celery_app.py", "**/worker.py", "**/main.py"),
) -> Answer:
    """Clients, sessions and services are made where they are provided, not on import.

    An object made on import cannot be configured, replaced in a test or closed.

    Instead: create it in a provider or in lifespan and inject it.

    Known problems: what a function returns is not taken for a construction.
    """
    if any_match(file.path, tuple(allowed_paths)) or file.path in {"worker.py", "main.py"}:
        return Skip("a file where such objects are made")
    found = [
        At(assign.line, f"`{name}` (`{what}`) is made on import", anchor=name, symbol=file.module)
        for assign, name, what in _made_on_import(file)
    ]
    return Sites(len(found), found) if found else Skip("no client at module level")


def _made_on_import(file: File) -> Iterator[tuple[tree.Assign, str, str]]:
    """Module-level clients: assignment, name, what it is."""
    rebound = _rebound(file)
    for assign in file.facts.assigns:
        target = assign.targets[0]
        if assign.function >= 0 or assign.cls >= 0 or not isinstance(target, tree.Name):
            continue
        what = next(filter(None, (_client(file, each) for each in _values(assign.value))), "")
        if not what and target.id in rebound:
            what = _annotated(file, assign) or rebound[target.id]
            rebound[target.id] = ""
        if what:
            yield assign, target.id, what


def _values(expr: tree.Expr | None) -> tuple[tree.Expr, ...]:
    """What an expression may give: both sides of a conditional, what is awaited."""
    match expr:
        case None:
            return ()
        case tree.Op(kind="IfExp", items=(_, *rest)) | tree.Op(kind="Or", items=(*rest,)):
            return tuple(rest)
        case tree.Op(kind="Await", items=(value,)):
            return (value,)
    return (expr,)


def _rebound(file: File) -> dict[str, str]:
    """Globals that functions rebind, with the client that one of them puts there."""
    named = {
        (statement.function, name)
        for statement in file.facts.statements
        if statement.kind == "global"
        for name in statement.names
    }
    found: dict[str, str] = {}
    for assign in file.facts.assigns if named else ():
        target = assign.targets[0]
        if isinstance(target, tree.Name) and (assign.function, target.id) in named:
            function = file.function_of(assign.function)
            made = (_client(file, each, function) for each in _values(assign.value))
            found[target.id] = found.get(target.id) or next(filter(None, made), "")
    return found


def _annotated(file: File, assign: tree.Assign) -> str:
    """Name of the client class that the annotation of a global says."""
    name = file.project.values.of_annotation(file, assign.annotation)
    return _client_class(file, name) if name else ""


def _client(file: File, expr: tree.Expr, function: Function | None = None) -> str:
    """Name of the class when a value constructs a client, session or service, else ""."""
    if not isinstance(expr, tree.CallRef):
        return ""
    call = Call(file, expr.index)
    name = call.name or file.resolve(call.fact.func, function)
    found = _client_class(file, name)
    if found or name in _FACTORIES or not _is_library_class(file, name):
        return found
    addressed = {item.name for item in call.fact.keywords} & _ADDRESSES
    return name.rpartition(".")[2] if addressed else ""


def _client_class(file: File, name: str) -> str:
    """The last name of what makes clients, sessions or services, "" for everything else."""
    last = name.rpartition(".")[2]
    if name in _CLIENTS:
        return last if last[:1].isupper() else name
    cls = file.project.classes.by_key.get(name)
    if cls is not None:
        plain = file.project.classes.role(cls) in {"", "protocol"}
        named = last.endswith(("Service", "Repository", "Client"))
        return last if (plain and named) or not _CLIENTS.isdisjoint(cls.ancestors) else ""
    return last if last.endswith("Client") and _is_library_class(file, name) else ""


def _is_library_class(file: File, name: str) -> bool:
    """A class of a library that is no factory and no object of a framework."""
    last = name.rpartition(".")[2]
    if name in _FACTORIES or _FRAMEWORK_NAMES.fullmatch(last):
        return False
    if file.project.layout.split(name) is not None or name.startswith("builtins."):
        return False
    return last[:1].isupper() and not last.isupper()
