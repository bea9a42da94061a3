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
    r"|.*Retrying|Limits|.*Config|.*Settings|.*Options|.*ConnectionPool|MetaData|.*Engine)"
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
        At(assign.line, f"`{name}` is a {what} made on import", anchor=name, symbol=file.module)
        for assign, name, what in _made_on_import(file)
    ]
    return Sites(len(found), found) if found else Skip("no client at module level")


def _made_on_import(file: File) -> Iterator[tuple[tree.Assign, str, str]]:
    """Module-level clients: assignment, name, what it is."""
    placeholders: dict[str, tree.Assign] = {}
    for assign in file.facts.assigns:
        if assign.function >= 0 or assign.cls >= 0 or not isinstance(assign.targets[0], tree.Name):
            continue
        name = assign.targets[0].id
        if isinstance(assign.value, tree.Const) and assign.value.kind == "NoneType":
            placeholders[name] = assign
        what = _client(file, assign.value)
        if what:
            yield assign, name, what
    if placeholders:
        yield from _filled_later(file, placeholders)


def _filled_later(
    file: File, placeholders: dict[str, tree.Assign]
) -> Iterator[tuple[tree.Assign, str, str]]:
    """None placeholders that a function fills with a client through ``global``."""
    rebound = {
        (statement.function, name)
        for statement in file.facts.statements
        if statement.kind == "global"
        for name in statement.names
    }
    done: set[str] = set()
    for assign in file.facts.assigns:
        target = assign.targets[0]
        if not isinstance(target, tree.Name) or (assign.function, target.id) not in rebound:
            continue
        what = _client(file, assign.value, file.function_of(assign.function))
        if what and target.id in placeholders and target.id not in done:
            done.add(target.id)
            yield placeholders[target.id], target.id, what


def _client(file: File, expr: tree.Expr | None, function: Function | None = None) -> str:
    """Name of the class when a value constructs a client, session or service, else ""."""
    if isinstance(expr, tree.Op) and expr.kind == "Await":
        expr = expr.items[0]
    if not isinstance(expr, tree.CallRef):
        return ""
    call = Call(file, expr.index)
    name = call.name or file.resolve(call.fact.func, function)
    last = name.rpartition(".")[2]
    if name in _CLIENTS:
        return last
    if name in _FACTORIES or _FRAMEWORK_NAMES.fullmatch(last):
        return ""
    cls = file.project.classes.by_key.get(name)
    if cls is not None:
        plain = file.project.classes.role(cls) in {"", "protocol"}
        return last if plain and last.endswith(("Service", "Repository", "Client")) else ""
    if file.project.layout.split(name) is not None or not last[:1].isupper() or last.isupper():
        return ""
    keywords = {item.name for item in call.fact.keywords}
    return last if last.endswith("Client") or keywords & _ADDRESSES else ""
