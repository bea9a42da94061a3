"""What we know about libraries without reading them: re-exports, factories, names of drivers.

Data, one table for all checks. Canonical names are those that a library documents.
"""

from __future__ import annotations

REEXPORTS: dict[str, str] = {
    "fastapi.applications.FastAPI": "fastapi.FastAPI",
    "fastapi.routing.APIRouter": "fastapi.APIRouter",
    "fastapi.routing.APIRoute": "fastapi.routing.APIRoute",
    "fastapi.param_functions.Depends": "fastapi.Depends",
    "fastapi.params.Depends": "fastapi.Depends",
    "fastapi.param_functions.Security": "fastapi.Security",
    "fastapi.params.Security": "fastapi.Security",
    "fastapi.exceptions.HTTPException": "fastapi.HTTPException",
    "starlette.exceptions.HTTPException": "fastapi.HTTPException",
    "starlette.requests.Request": "fastapi.Request",
    "fastapi.requests.Request": "fastapi.Request",
    "starlette.responses.Response": "fastapi.Response",
    "fastapi.responses.Response": "fastapi.Response",
    "starlette.websockets.WebSocket": "fastapi.WebSocket",
    "fastapi.websockets.WebSocket": "fastapi.WebSocket",
    "starlette.websockets.WebSocketDisconnect": "fastapi.WebSocketDisconnect",
    "starlette.background.BackgroundTasks": "fastapi.BackgroundTasks",
    "fastapi.background.BackgroundTasks": "fastapi.BackgroundTasks",
    "starlette.datastructures.UploadFile": "fastapi.UploadFile",
    "fastapi.datastructures.UploadFile": "fastapi.UploadFile",
    "starlette.middleware.cors.CORSMiddleware": "fastapi.middleware.cors.CORSMiddleware",
    "starlette.status": "fastapi.status",
    "sqlmodel.create_engine": "sqlalchemy.create_engine",
    "sqlmodel.Session": "sqlalchemy.orm.Session",
    "sqlmodel.orm.session.Session": "sqlalchemy.orm.Session",
    "sqlmodel.ext.asyncio.session.AsyncSession": "sqlalchemy.ext.asyncio.AsyncSession",
    "sqlalchemy.ext.asyncio.session.AsyncSession": "sqlalchemy.ext.asyncio.AsyncSession",
    "sqlalchemy.orm.session.Session": "sqlalchemy.orm.Session",
    "sqlalchemy.orm.session.sessionmaker": "sqlalchemy.orm.sessionmaker",
    "sqlalchemy.orm.session.object_session": "sqlalchemy.orm.object_session",
    "sqlalchemy.orm.scoping.scoped_session": "sqlalchemy.orm.scoped_session",
    "sqlalchemy.ext.declarative.declarative_base": "sqlalchemy.orm.declarative_base",
    "sqlalchemy.engine.create_engine": "sqlalchemy.create_engine",
    "sqlalchemy.schema.Column": "sqlalchemy.Column",
    "sqlalchemy.sql.text": "sqlalchemy.text",
    "sqlalchemy.sql.expression.text": "sqlalchemy.text",
    "sqlalchemy.sql.select": "sqlalchemy.select",
    "sqlalchemy.sql.expression.select": "sqlalchemy.select",
    "sqlalchemy.future.select": "sqlalchemy.select",
    "sqlmodel.select": "sqlalchemy.select",
    "sqlmodel.text": "sqlalchemy.text",
    "sqlmodel.delete": "sqlalchemy.delete",
    "sqlmodel.update": "sqlalchemy.update",
    "sqlmodel.insert": "sqlalchemy.insert",
    "sqlmodel.Column": "sqlalchemy.Column",
    "pydantic.main.BaseModel": "pydantic.BaseModel",
    "pydantic.v1.BaseModel": "pydantic.BaseModel",
    "pydantic.root_model.RootModel": "pydantic.RootModel",
    "pydantic.v1.BaseSettings": "pydantic.BaseSettings",
    "pydantic.env_settings.BaseSettings": "pydantic.BaseSettings",
    "pydantic_settings.main.BaseSettings": "pydantic_settings.BaseSettings",
    "tortoise.Model": "tortoise.models.Model",
    "beanie.odm.documents.Document": "beanie.Document",
    "loguru._logger.logger": "loguru.logger",
    "structlog.getLogger": "structlog.get_logger",
    "structlog.stdlib.get_logger": "structlog.get_logger",
    "typing_extensions.Annotated": "typing.Annotated",
    "typing_extensions.Optional": "typing.Optional",
    "unittest.mock.mock.patch": "unittest.mock.patch",
    "mock.patch": "unittest.mock.patch",
    "mock.Mock": "unittest.mock.Mock",
    "mock.MagicMock": "unittest.mock.MagicMock",
    "mock.AsyncMock": "unittest.mock.AsyncMock",
    "datetime.timezone.utc": "datetime.UTC",
    "http.client.HTTPException": "http.client.HTTPException",
}
"""Exact aliases: where a library offers the same object under several names."""

PREFIXES: tuple[tuple[str, str], ...] = (
    ("starlette.responses.", "fastapi.responses."),
    ("starlette.status.", "fastapi.status."),
    ("starlette.testclient.", "fastapi.testclient."),
    ("starlette.staticfiles.", "fastapi.staticfiles."),
    ("starlette.concurrency.", "fastapi.concurrency."),
    ("typing_extensions.", "typing."),
    ("sqlalchemy.orm.decl_api.", "sqlalchemy.orm."),
    ("sqlalchemy.ext.asyncio.engine.", "sqlalchemy.ext.asyncio."),
)
"""Whole modules that a library re-exports."""

FACTORIES: dict[str, str] = {
    "logging.getLogger": "logging.Logger",
    "logging.LoggerAdapter": "logging.Logger",
    "celery.utils.log.get_task_logger": "logging.Logger",
    "structlog.get_logger": "structlog.BoundLogger",
    "structlog.wrap_logger": "structlog.BoundLogger",
    "loguru.logger": "loguru.Logger",
    "sqlalchemy.create_engine": "sqlalchemy.Engine",
    "sqlalchemy.ext.asyncio.create_async_engine": "sqlalchemy.ext.asyncio.AsyncEngine",
    "sqlalchemy.orm.object_session": "sqlalchemy.orm.Session",
    "sqlalchemy.orm.Session.object_session": "sqlalchemy.orm.Session",
    "sqlalchemy.ext.asyncio.async_object_session": "sqlalchemy.ext.asyncio.AsyncSession",
    "alembic.op.get_bind": "sqlalchemy.Connection",
    "boto3.client": "boto3.Client",
    "boto3.resource": "boto3.Resource",
    "boto3.Session": "boto3.Session",
    "redis.from_url": "redis.Redis",
    "redis.asyncio.from_url": "redis.asyncio.Redis",
    "redis.Redis.from_url": "redis.Redis",
    "redis.asyncio.Redis.from_url": "redis.asyncio.Redis",
    "aioredis.from_url": "aioredis.Redis",
    "sqlite3.connect": "sqlite3.Connection",
    "smtplib.SMTP": "smtplib.SMTP",
    "smtplib.SMTP_SSL": "smtplib.SMTP_SSL",
    "aiosmtplib.SMTP": "aiosmtplib.SMTP",
    "aiosqlite.connect": "aiosqlite.Connection",
    "pymysql.connect": "pymysql.Connection",
    "psycopg.connect": "psycopg.Connection",
    "psycopg2.connect": "psycopg2.connection",
    "asyncpg.connect": "asyncpg.Connection",
    "asyncpg.create_pool": "asyncpg.Pool",
    "websockets.connect": "websockets.ClientConnection",
    "websockets.client.connect": "websockets.ClientConnection",
    "websockets.asyncio.client.connect": "websockets.ClientConnection",
    "asyncio.create_subprocess_exec": "asyncio.subprocess.Process",
    "asyncio.create_subprocess_shell": "asyncio.subprocess.Process",
    "asyncio.get_running_loop": "asyncio.AbstractEventLoop",
    "asyncio.get_event_loop": "asyncio.AbstractEventLoop",
}
"""Type of what a call of a third-party function (or a third-party object) is."""

LOGGER_MAKERS = frozenset({"getLogger", "get_logger", "get_task_logger", "get_run_logger"})
"""Names under which libraries offer a logger; of nearly all it is one of the standard library."""

SEVERAL: dict[str, tuple[str, ...]] = {
    "asyncio.open_connection": ("asyncio.StreamReader", "asyncio.StreamWriter"),
    "asyncio.open_unix_connection": ("asyncio.StreamReader", "asyncio.StreamWriter"),
}
"""Types of the values that a call of a third-party function gives at once."""

METHODS: dict[str, str] = {
    "logging.Logger.getChild": "logging.Logger",
    "structlog.BoundLogger.bind": "structlog.BoundLogger",
    "structlog.BoundLogger.new": "structlog.BoundLogger",
    "structlog.BoundLogger.unbind": "structlog.BoundLogger",
    "structlog.BoundLogger.try_unbind": "structlog.BoundLogger",
    "loguru.Logger.bind": "loguru.Logger",
    "loguru.Logger.opt": "loguru.Logger",
    "loguru.Logger.patch": "loguru.Logger",
    "sqlalchemy.Engine.connect": "sqlalchemy.Connection",
    "sqlalchemy.Engine.begin": "sqlalchemy.Connection",
    "sqlalchemy.ext.asyncio.AsyncEngine.connect": "sqlalchemy.ext.asyncio.AsyncConnection",
    "sqlalchemy.ext.asyncio.AsyncEngine.begin": "sqlalchemy.ext.asyncio.AsyncConnection",
    "sqlalchemy.orm.Session.connection": "sqlalchemy.Connection",
    "sqlalchemy.orm.Session.begin": "sqlalchemy.orm.Session",
    "sqlalchemy.ext.asyncio.AsyncSession.begin": "sqlalchemy.ext.asyncio.AsyncSession",
    "sqlalchemy.orm.sessionmaker.begin": "sqlalchemy.orm.Session",
    "sqlalchemy.ext.asyncio.async_sessionmaker.begin": "sqlalchemy.ext.asyncio.AsyncSession",
    "sqlite3.Connection.cursor": "sqlite3.Cursor",
    "psycopg.Connection.cursor": "psycopg.Cursor",
    "psycopg2.connection.cursor": "psycopg2.cursor",
    "asyncpg.Pool.acquire": "asyncpg.Connection",
    "pymysql.Connection.cursor": "pymysql.cursors.Cursor",
    "boto3.Session.client": "boto3.Client",
    "boto3.Session.resource": "boto3.Resource",
    "boto3.session.Session.client": "boto3.Client",
    "boto3.session.Session.resource": "boto3.Resource",
    "aioboto3.Session.client": "aioboto3.Client",
    "aiobotocore.session.AioSession.create_client": "aiobotocore.client.AioBaseClient",
    "aiohttp.ClientSession.ws_connect": "aiohttp.ClientWebSocketResponse",
    "asyncio.AbstractEventLoop.create_future": "asyncio.Future",
}
"""Type of what a method of a typed value returns."""

INSTANCES: dict[str, str] = {
    "sqlalchemy.orm.sessionmaker": "sqlalchemy.orm.Session",
    "sqlalchemy.orm.scoped_session": "sqlalchemy.orm.Session",
    "sqlalchemy.ext.asyncio.async_sessionmaker": "sqlalchemy.ext.asyncio.AsyncSession",
    "sqlalchemy.ext.asyncio.async_scoped_session": "sqlalchemy.ext.asyncio.AsyncSession",
}
"""Type of what calling an instance of a class gives."""

OBJECTS: dict[str, str] = {
    "loguru.logger": "loguru.Logger",
    "flask.current_app.logger": "logging.Logger",
}
"""Type of objects that a library exports."""


def made_by(name: str) -> str:
    """Type of what calling a third-party function gives, "" when it is not known."""
    found = FACTORIES.get(name) or METHODS.get(name)
    if found is None and name.rpartition(".")[2] in LOGGER_MAKERS:
        return "logging.Logger"
    return found or ""


def canonical(name: str) -> str:
    """The documented name of a third-party object."""
    found = REEXPORTS.get(name)
    if found is not None:
        return found
    for prefix, replacement in PREFIXES:
        if name.startswith(prefix):
            moved = replacement + name[len(prefix) :]
            return REEXPORTS.get(moved, moved)
    head, dot, last = name.rpartition(".")
    if dot and head in REEXPORTS:
        return f"{REEXPORTS[head]}.{last}"
    return name
