"""What a project makes use of, in the words of standards: a cache, JWTs, background work."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from checks.facts import tree

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Function

_RELATIONAL = tuple(
    """sqlalchemy sqlmodel tortoise peewee pony databases asyncpg psycopg psycopg2 aiosqlite sqlite3
    pymysql MySQLdb aiomysql asyncmy mysql.connector oracledb cx_Oracle pyodbc django.db
    flask_sqlalchemy advanced_alchemy""".split()
)
_QUEUES = tuple(
    "celery rq dramatiq huey arq taskiq procrastinate faststream saq django_q streaq".split()
)
_SCHEDULERS = ("apscheduler", "rocketry", "schedule", "aiocron", "fastapi_utils.tasks")
_BACKGROUND = frozenset(
    """fastapi.BackgroundTasks fastapi.background.BackgroundTasks
    starlette.background.BackgroundTask starlette.background.BackgroundTasks""".split()
)
_JWT = tuple(
    """jwt jose authlib.jose joserfc jwcrypto python_jwt fastapi_jwt_auth async_fastapi_jwt_auth
    fastapi_jwt fastapi_another_jwt_auth flask_jwt_extended rest_framework_simplejwt
    fastapi_users.jwt""".split()
)
_JWT_NAMES = frozenset({"authlib.jose", "fastapi_users.authentication.JWTStrategy"})
_HASHERS = ("passlib", "bcrypt", "argon2", "pwdlib", "fastapi_users", "django.contrib.auth")
_CLIENTS = ("httpx", "requests", "aiohttp", "urllib3", "urllib.request", "http.client", "niquests")
_CACHES = tuple(
    """cachetools aiocache fastapi_cache cashews diskcache async_lru cachebox dogpile.cache
    pymemcache aiomcache flask_caching django.core.cache cacheout asyncache""".split()
)
_REDIS = ("redis", "aioredis", "valkey", "coredis", "redis_om", "glide")
_LRU = frozenset({"functools.lru_cache", "functools.cache"})
_PASSWORD = re.compile(r"(?:hashed_|encrypted_)?(?:password|passwd)(?:_hash\w*|_digest|_salt)?$")


def relational_database(project: Project) -> bool:
    """Whether production code has tables or talks to a relational database."""
    return project.manifests.imports(*_RELATIONAL) or bool(project.classes.with_role("orm"))


def task_queue(project: Project) -> bool:
    """Whether production code hands tasks to workers."""
    return project.manifests.imports(*_QUEUES)


def background_work(project: Project) -> bool:
    """Whether production code does work that no request waits for."""
    if task_queue(project) or project.manifests.imports(*_SCHEDULERS):
        return True
    if _BACKGROUND & project.manifests.imported_names:
        return True
    return any(
        call.fact.statement and call.name in {"asyncio.create_task", "asyncio.ensure_future"}
        for file in project.production
        for call in file.calls_named("create_task", "ensure_future")
    )


def tokens(project: Project) -> bool:
    """Whether production code issues or verifies JWTs."""
    if project.manifests.imports(*_JWT):
        return True
    return bool(_JWT_NAMES & project.manifests.imported_names)


def passwords(project: Project) -> bool:
    """Whether the project stores passwords: hashes them, or has a column for them."""
    if project.manifests.imports(*_HASHERS):
        return True
    return any(
        _PASSWORD.fullmatch(name)
        for cls in project.classes.with_role("orm", "document")
        for name in cls.attributes
    )


def http_server(project: Project) -> bool:
    """Whether the project serves HTTP with FastAPI."""
    return bool(project.routes.app_modules or project.routes.handlers)


def http_client(project: Project) -> bool:
    """Whether production code makes HTTP calls."""
    return project.manifests.imports(*_CLIENTS)


def cache(project: Project) -> bool:
    """Whether production code caches data: a library, expiring keys in redis, memoised I/O."""
    if project.manifests.imports(*_CACHES):
        return True
    if project.manifests.imports(*_REDIS) and _expires_keys(project):
        return True
    return any(_memoised(function) for file in project.production for function in file.functions)


def _expires_keys(project: Project) -> bool:
    for file in project.production:
        if file.calls_named("setex", "psetex"):
            return True
        for call in file.calls_named("set"):
            names = {keyword.name for keyword in call.fact.keywords}
            if names & {"ex", "px", "exat", "pxat"} and "nx" not in names:
                return True
    return False


def _memoised(function: Function) -> bool:
    """Whether a function that reads something from outside keeps its results."""
    for decorator in function.fact.decorators:
        expr = decorator.value
        if isinstance(expr, tree.CallRef):
            expr = function.file.facts.calls[expr.index].func
        if function.file.resolve(expr) in _LRU:
            return function.is_async or bool(function.file.project.database.of_function(function))
    return False


OCCASIONS: dict[str, Callable[[Project], bool]] = {
    "uses a relational database": relational_database,
    "uses a task queue": task_queue,
    "runs background work": background_work,
    "issues or verifies JWTs": tokens,
    "stores passwords": passwords,
    "serves HTTP": http_server,
    "makes outbound HTTP calls": http_client,
    "uses a cache": cache,
}
"""The occasions that a clause may name, each with the question that it asks."""
