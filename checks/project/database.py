"""Sessions and what is done with them: database operations, statements, SQL text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.facts import tree
from checks.facts.tree import Expr
from checks.project import wellknown
from checks.project.sqltext import is_sql, literal_text
from checks.project.subjects import Call

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import File, Function

SESSIONS = frozenset(
    "sqlalchemy.orm.Session sqlalchemy.ext.asyncio.AsyncSession sqlalchemy.orm.scoped_session "
    "sqlalchemy.ext.asyncio.async_scoped_session sqlalchemy.Connection "
    "sqlalchemy.engine.Connection sqlalchemy.engine.base.Connection "
    "sqlalchemy.ext.asyncio.AsyncConnection".split()
)
CURSORS = frozenset(
    "sqlite3.Connection sqlite3.Cursor psycopg.Connection psycopg.Cursor psycopg.AsyncConnection "
    "psycopg.AsyncCursor psycopg2.connection psycopg2.cursor asyncpg.Connection asyncpg.Pool "
    "aiosqlite.Connection aiosqlite.Cursor pymysql.Connection aiomysql.Connection "
    "psycopg2.extensions.connection psycopg2.extensions.cursor "
    "asyncpg.connection.Connection asyncpg.pool.Pool databases.Database".split()
)
ROWS = frozenset(
    "execute scalar scalars stream stream_scalars get get_one query exec add add_all delete merge "
    "bulk_save_objects bulk_insert_mappings bulk_update_mappings".split()
)
"""Operations that read or write rows."""
CONTROL = frozenset({"flush", "commit", "rollback", "begin", "begin_nested", "refresh"})
"""Operations that control a transaction or reload an object."""
OPERATIONS = ROWS | CONTROL
DRIVER = frozenset(
    "execute executemany fetch fetchrow fetchval fetch_all fetch_one copy_from".split()
)
DOCUMENT = frozenset(
    "get get_or_none get_or_create create bulk_create update_or_create filter all first find "
    "find_one find_all insert insert_one insert_many save delete delete_all fetch_related exists "
    "count aggregate replace".split()
)
STATEMENTS = frozenset(
    f"sqlalchemy.{name}" for name in "select insert update delete text union exists".split()
) | {
    "sqlalchemy.dialects.postgresql.insert",
    "sqlalchemy.dialects.sqlite.insert",
    "sqlalchemy.dialects.mysql.insert",
}
"""Functions that build a statement."""
CHANGES = frozenset(name for name in STATEMENTS if name.endswith((".insert", ".update", ".delete")))
"""Those whose statement changes rows."""
_CHAIN = 20
WAREHOUSE = frozenset({"query", "query_and_wait", "insert_rows", "insert_rows_json"})
_NAMES = frozenset({"session", "db", "db_session", "async_session", "uow"})
_ASKED = tuple(OPERATIONS | DRIVER | DOCUMENT | WAREHOUSE)


class Database:
    """Database access of a whole project, answered per call and remembered."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._operations: dict[str, dict[int, str]] = {}

    def operations(self, file: File) -> dict[int, str]:
        """Database operations of a file: index of the call, name of the operation."""
        known = self._operations.get(file.path)
        if known is None:
            known = self._operations[file.path] = {}
            for call in file.calls_named(*_ASKED):
                name = self._operation(call)
                if name:
                    known[call.index] = name
        return known

    def operation(self, call: Call) -> str:
        """Name of the database operation a call is, "" when it is none."""
        return self.operations(call.file).get(call.index, "")

    def of_function(self, function: Function) -> list[Call]:
        """Database operations in the body of a function, in source order."""
        own = self.operations(function.file)
        return [call for call in function.calls if call.index in own]

    def reads_rows(self, call: Call) -> bool:
        """Whether a call reads or writes rows (transaction control left out)."""
        name = self.operation(call)
        return bool(name) and name not in CONTROL

    def is_session(self, file: File, expr: Expr | None, function: Function | None) -> bool:
        """Whether a value is a database session or an engine's connection."""
        kind = file.type_of(expr, function)
        if kind:
            return self.is_session_type(kind)
        return self._named_like_one(file, expr, function)

    def is_session_type(self, kind: str) -> bool:
        """Whether a class is a session, also by inheritance.

        An annotation may name the factory (``db: SessionLocal``) instead of the class.
        """
        if kind in SESSIONS or wellknown.INSTANCES.get(self._made(kind), "") in SESSIONS:
            return True
        cls = self.project.classes.by_key.get(kind)
        return cls is not None and cls.inherits(*SESSIONS)

    def _made(self, kind: str) -> str:
        """Class of the object that an annotation names."""
        return self.project.values.type_of_name(kind)

    def _operation(self, call: Call) -> str:
        last, receiver = call.last, call.receiver
        if receiver is None:
            return ""
        file, function = call.file, call.function
        if last in OPERATIONS and self.is_session(file, receiver, function):
            return last
        kind = file.type_of(receiver, function)
        if last in DRIVER and kind in CURSORS:
            return "execute"
        if last in WAREHOUSE and kind.startswith("google.cloud.bigquery."):
            return "query"
        if last in DOCUMENT and self._on_document(call, kind):
            return last
        return ""

    def _on_document(self, call: Call, kind: str) -> bool:
        """A query or write on a Tortoise or beanie class or instance."""
        owner = kind or call.file.resolve(call.receiver, call.function)
        cls = self.project.classes.by_key.get(owner)
        return cls is not None and self.project.classes.role(cls) == "document"

    def _named_like_one(self, file: File, expr: Expr | None, function: Function | None) -> bool:
        """A parameter or attribute without annotation whose name says session."""
        text = tree.dotted(expr)
        head, dot, last = text.rpartition(".")
        if last.lstrip("_") not in _NAMES:
            return False
        if not dot:
            binding, owner = self.project.names.binding(file, last, function)
            return isinstance(binding, tree.Param) and owner is not None and not binding.annotation
        if head not in {"self", "cls"} or function is None:
            return self._is_flask(file, head, function)
        return not file.type_of(expr, function)

    def _is_flask(self, file: File, head: str, function: Function | None) -> bool:
        return file.type_of(tree.Name(head), function) == "flask_sqlalchemy.SQLAlchemy"

    # Statements and SQL text ----------------------------------------------------------------------

    def builds_statement(self, call: Call) -> bool:
        """Whether a call builds a statement (``select``, ``text`` ...)."""
        return call.name in STATEMENTS

    def changes_rows(self, call: Call) -> bool:
        """Whether what a call executes is an INSERT, UPDATE or DELETE."""
        expr = call.arg(0, "statement")
        for _ in range(_CHAIN):
            if isinstance(expr, tree.Name):
                assigns = call.file.facts.assigns
                rows = [
                    a for a in assigns if a.function == call.fact.function and expr in a.targets
                ]
                expr = rows[-1].value if rows else None
            if not isinstance(expr, tree.CallRef):
                break
            made = Call(call.file, expr.index)
            if made.name in CHANGES:
                return True
            expr = made.fact.args[0] if made.last == "text" and made.fact.args else made.receiver
        return literal_text(expr).lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))

    def sql_argument(self, call: Call) -> Expr | None:
        """The argument that is SQL text written here: a literal or an f-string."""
        for argument in (*call.fact.args, *(item.value for item in call.fact.keywords)):
            if is_sql(literal_text(argument)):
                return argument
        return None
