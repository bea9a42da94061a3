"""Checks of what is kept and handed out: sensitive columns, secrets in responses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from checks.check import Answer, At, Sites, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.classes import SQLMODEL
from checks.project.given import Given, argument, source
from checks.project.models import Column
from checks.project.once import once
from checks.project.project import Project
from checks.project.routes import Route
from checks.project.schemas import Field, metadata
from checks.project.secretnames import snake
from checks.project.subjects import Class, File
from checks.rules.applies import has_routes

_SENSITIVE = re.compile(
    r"(?:.*_)?(?:ssn|social_security(?:_number|_no)?|tax_id|iban|card_number|credit_card(?:_number)?"
    r"|cvv|cvc|passport(?:_number|_no)?|medical\w*|diagnos[ei]s|salary|access_token|refresh_token"
    r"|api_key|apikey|(?:client_|webhook_|api_|totp_|otp_|mfa_|app_|signing_)?secret(?:_key)?"
    r"|private_key)(?:_(?:value|text|plain|\d+))?"
)
_HARMLESS = re.compile(
    r"(?:.*_)?(?:hash|hashed|digest|last4|last_4|last_four|fingerprint|(?<!tax_)ids?|at|on|name|type"
    r"|expires?|expiry|expires_in|count|prefix|hint|masked|status)"
    r"|(?:hashed|has|is|masked|public|encrypted|enc|num|max|min)_.*"
)
_PLAIN = frozenset(
    "String Text LargeBinary JSON JSONB Unicode UnicodeText VARCHAR TEXT CHAR NVARCHAR AutoString "
    "BLOB BYTEA CITEXT".split()
)
_PLAIN_PYTHON = frozenset(
    "builtins.str builtins.bytes builtins.dict builtins.list typing.Dict typing.Any "
    "pydantic.SecretStr".split()
)
_CIPHER = re.compile(r"encrypt|decrypt|cipher|fernet|aead|aes|vault|kms", re.IGNORECASE)
_HASHES = re.compile(r"hash|digest|sha\d|hmac|bcrypt|argon", re.IGNORECASE)
_AT_REST = re.compile(r"storage_encrypted\s*=\s*true|kms_key(?:_id|_arn|_name)?\s*=", re.IGNORECASE)

_SECRET_TYPES = frozenset({"pydantic.SecretStr", "pydantic.SecretBytes", "pydantic.Secret"})
_SERIALIZERS = frozenset({"PlainSerializer", "WrapSerializer"})
_KEYS = frozenset({"api_key", "secret", "secret_key", "private_key", "otp"})
_ONCE = re.compile(r"create|created|generat|issue|new|rotat|regenerat|reveal|enrol|setup|provision")
_MAKING = frozenset({"POST", "PUT", "PATCH"})


# Columns ------------------------------------------------------------------------------------------


@check("sensitive-data-encrypted")
def sensitive_data_encrypted(project: Project) -> Answer:
    """Highly sensitive columns are encrypted at rest.

    A copy of the database, a backup or a query by the wrong person shows what stands there.

    Instead: use an encrypting column type, or store a hash when the value need not be read back.

    Known problems: a column is told by its name. Encryption by the disk or the cloud is seen only
    in Terraform files. A value that a service encrypts before it is assigned counts where the
    assignment shows it.
    """
    columns = [
        column
        for cls in project.classes.with_role("orm", "orm-base", "schema")
        for column in project.models.declared(cls)
        if _is_sensitive(column)
    ]
    if not columns:
        return Skip("no column with a highly sensitive name")
    if _encrypts_storage(project):
        return Sites(len(columns))
    written = _encrypted_writes(project, columns)
    return Sites(
        len(columns),
        [
            At(
                each.line,
                f"The column `{each.name}` is kept in plain text",
                path=each.cls.path,
                anchor=f"{each.cls.name}.{each.name}",
            )
            for each in columns
            if _is_plain(each)
            and (each.cls.key, each.name) not in written
            and not _by_property(each)
        ],
    )


def _is_sensitive(column: Column) -> bool:
    name = snake(column.name)
    if not _SENSITIVE.fullmatch(name) or _HARMLESS.fullmatch(name):
        return False
    if column.foreign_key or column.python_type == "builtins.bool":
        return False
    return column.type_name.rpartition(".")[2] not in {"Boolean", "DateTime", "UUID"}


def _is_plain(column: Column) -> bool:
    """Whether its type is one that keeps the value as it is."""
    given = column.type_name
    if not given:
        return column.python_type in _PLAIN_PYTHON
    cls = column.cls.file.project.classes.by_key.get(given)
    if cls is not None:
        return not _decorates(cls)
    return given.rpartition(".")[2] in _PLAIN


def _decorates(cls: Class) -> bool:
    """Whether a column type of our own uses a cipher."""
    if _CIPHER.search(cls.name):
        return True
    return any(
        _CIPHER.search(call.name or call.last)
        for method in cls.methods.values()
        for call in method.calls
    )


def _by_property(column: Column) -> bool:
    """Whether a property, an event or a cipher in the model stands before the column."""
    name = column.name.strip("_")
    method = column.cls.methods.get(name)
    methods = [method] if method is not None else []
    methods += [m for n, m in column.cls.methods.items() if name in n and "set" in n]
    return any(_CIPHER.search(call.name or call.last) for each in methods for call in each.calls)


def _encrypted_writes(project: Project, columns: Sequence[Column]) -> set[tuple[str, str]]:
    """Model and column of what is assigned, or given to a model, that a cipher or a hash made."""
    models: dict[str, set[str]] = {}
    for column in columns:
        models.setdefault(column.name, set()).add(column.cls.key)
    found: set[tuple[str, str]] = set()
    for file in project.production:
        if not any(_CIPHER.search(last) or _HASHES.search(last) for last in file.calls_by_name):
            continue
        for name, value, owner in _writes(file, models):
            if _is_encrypted(file, value):
                found |= {(cls, name) for cls in models[name] if cls == owner or not owner}
    return found


def _writes(file: File, names: Mapping[str, object]) -> Iterator[tuple[str, Expr, str]]:
    """Values that are written to columns of some names; the class is "" where it is not known."""
    for call in file.calls:
        for item in call.fact.keywords:
            if item.name in names and call.name:
                yield item.name, item.value, call.name
    for row in file.facts.assigns:
        for target in row.targets:
            base, dot, last = tree.dotted(target).rpartition(".")
            if dot and last in names and row.value is not None:
                scope = file.function_of(row.function)
                yield last, row.value, file.type_of(tree.Name(base), scope)


def _is_encrypted(file: File, value: Expr) -> bool:
    names = [tree.dotted(value)]
    names += [
        file.calls[node.index].last
        for node in tree.walk(value, file.facts)
        if isinstance(node, tree.CallRef)
    ]
    return any(_CIPHER.search(name) or _HASHES.search(name) for name in names)


def _encrypts_storage(project: Project) -> bool:
    return any(
        fact.kind == "text" and path.endswith(".tf") and _AT_REST.search(fact.text)
        for path, fact in project.documents.items()
    )


# Responses ----------------------------------------------------------------------------------------


class _Use(msgspec.Struct):
    """How a schema is sent: by which routes, and which fields all of them leave out."""

    hidden: set[str]
    routes: list[Route]


@check("no-secret-fields-in-responses", applies=has_routes)
def no_secret_fields_in_responses(
    project: Project,
    *,
    names: Sequence[str] = (
        "password", "hashed_password", "password_hash", "secret", "secret_key", "private_key",
        "api_key", "token_hash", "ssn", "card_number", "cvv", "otp", "salt",
    ),
) -> Answer:  # fmt: skip
    """Responses hold no secrets.

    What a response holds ends up in browsers, logs and caches.

    Instead: leave the field out of the response schema, or mask it.

    Known problems: a key that is shown once when it is made is told by the name of its schema or
    of the handler. Handlers without a declared response are not looked into.
    """
    uses = _sent(project)
    if not uses:
        return Skip("no response schema")
    wanted = {name.lower() for name in names}
    found: dict[tuple[str, int], At] = {}
    for key, use in uses.items():
        cls = project.classes.by_key[key]
        for field in project.schemas.fields(cls).values():
            if field.name.lower() in wanted and not _is_hidden(cls, field, use):
                text = f"`{field.name}` of `{cls.name}` is sent to clients"
                place = (field.cls.path, field.line)
                found.setdefault(place, At(field.line, text, path=place[0], anchor=field.name))
    return Sites(len(uses), list(found.values()))


def _sent(project: Project) -> dict[str, _Use]:
    """All response schemas, nested ones included, with how they are sent."""
    uses: dict[str, _Use] = {}
    for route in project.routes.handlers:
        response = project.schemas.response_type(route) if route.file.is_production else None
        if response is None:
            continue
        for cls, nested in _classes_in(project, response):
            hidden = set() if nested else _left_out(route, set(project.schemas.fields(cls)))
            use = uses.setdefault(cls.key, _Use(hidden, []))
            use.hidden &= hidden
            use.routes.append(route)
    return uses


def _classes_in(project: Project, response: Given) -> Iterator[tuple[Class, bool]]:
    """The schemas of a response, and whether each is only a part of another one."""
    seen: set[str] = set()
    queue, nested = _named_in(project, response), False
    while queue:
        following: list[Class] = []
        for cls in queue:
            if cls.key in seen or not _is_response(cls):
                continue
            seen.add(cls.key)
            yield cls, nested
            following += _parts(cls)
        queue, nested = following, True


def _named_in(project: Project, given: Given) -> list[Class]:
    inner = (project.schemas.class_of(each) for each in project.schemas.inner(given))
    return [cls for cls in inner if cls is not None]


@once
def _parts(cls: Class) -> tuple[Class, ...]:
    """The classes in the types of the fields that are sent."""
    project = cls.file.project
    fields = project.schemas.fields(cls).values()
    types = [field.type for field in fields if field.type and not _is_out(field)]
    return tuple(part for given in types for part in _named_in(project, given))


def _is_response(cls: Class) -> bool:
    """A schema, or a table of SQLModel that is sent as it is."""
    role = cls.file.project.classes.role(cls)
    return role == "schema" or (role == "orm" and SQLMODEL in cls.ancestors)


def _left_out(route: Route, fields: set[str]) -> set[str]:
    """What ``response_model_exclude`` and ``response_model_include`` keep back."""
    excluded = route.option("response_model_exclude")
    included = route.option("response_model_include")
    out = set() if excluded is None else _names(excluded)
    return out if included is None else out | (fields - _names(included))


def _names(given: Given) -> set[str]:
    nodes = tree.walk(source(given).expr)
    return {text for node in nodes if (text := tree.text_of(node)) is not None}


def _is_out(field: Field) -> bool:
    """``exclude=True``, or a relationship of SQLModel, which is never sent with its row."""
    call = field.call
    made = field.default
    if made is not None and field.cls.file.resolve(made) == "sqlmodel.Relationship":
        return True
    given = None if call is None else argument(call, ("exclude",))
    return given is not None and given.value is True


def _is_hidden(cls: Class, field: Field, use: _Use) -> bool:
    if field.name in use.hidden or _is_out(field):
        return True
    members = [] if field.type is None else cls.file.project.schemas.members(field.type)
    kinds = {each.file.resolve(each.expr, each.function) for each in members}
    if kinds & _SECRET_TYPES or kinds == {"builtins.bool"}:
        return True
    return _is_masked(cls, field) or _is_shown_once(cls, field, use)


def _is_masked(cls: Class, field: Field) -> bool:
    """Whether a serializer stands before the field."""
    for expr in metadata(field.type) if field.type is not None else ():
        if cls.file.resolve(expr).rpartition(".")[2] in _SERIALIZERS:
            return True
    by_key = cls.file.project.classes.by_key
    owners = [cls, *(by_key[name] for name in cls.ancestors if name in by_key)]
    return any(
        _serializes(owner.file, each.value, field.name)
        for owner in owners
        for method in owner.methods.values()
        for each in method.fact.decorators
    )


def _serializes(file: File, decorator: Expr, name: str) -> bool:
    if file.resolve(decorator).rpartition(".")[2] == "model_serializer":
        return True
    if not isinstance(decorator, tree.CallRef):
        return False
    call = file.calls[decorator.index]
    texts = {tree.text_of(arg) for arg in call.fact.args}
    return call.last == "field_serializer" and not texts.isdisjoint({name, "*"})


def _is_shown_once(cls: Class, field: Field, use: _Use) -> bool:
    """Whether only handlers that make a key send it."""
    if field.name.lower() not in _KEYS or not all(r.methods <= _MAKING for r in use.routes):
        return False
    return any(_ONCE.search(snake(n)) for n in (cls.name, *(r.name for r in use.routes)))
