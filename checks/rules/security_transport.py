"""Check of encrypted transport: to the clients and to the database."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import Answer, At, Skip, check
from checks.facts import tree
from checks.facts.tree import Expr
from checks.project.dbaddresses import Address, addresses, is_local, parsed_url
from checks.project.declared import table_of
from checks.project.envfiles import env_files, env_variables
from checks.project.given import Given, source
from checks.project.layout import test_path
from checks.project.project import Project
from checks.project.subjects import Call, File

_REDIRECT = "HTTPSRedirectMiddleware"
_PROXY = re.compile(
    r"ssl_certificate|listen\s+(?:\[::\]:)?443|certresolver|websecure|tls\.certresolver|'tls':"
    r"|\.tls=true|\.tls': 'true'|strict-transport|redirectscheme|letsencrypt|ssl-redirect",
    re.IGNORECASE,
)
_SERVER = re.compile(r"--ssl-certfile|--ssl-keyfile|--certfile|--keyfile|ssl_certfile|certfile\s*=")
_CADDY = re.compile(
    r"(?m)^(?!\s*(?:#|http://|:80\b|\{|localhost|:\d+))\s*(?:https://|\*\.)?[\w{$-]+\.[\w.$}-]+"
)
_TERRAFORM = re.compile(
    r"certificate_arn|protocol\s*=\s*\"HTTPS\"|allow_insecure_connections\s*=\s*false|https_only"
    r"|google_cloud_run|azurerm_container_app\"|azurerm_(?:linux_)?web_app|managed_certificate"
    r"|aws_apprunner_service|redirect-to-https|ssl_policy|minimum_tls_version|heroku_app",
    re.IGNORECASE,
)
_PLATFORMS = re.compile(
    r"(?:^|/)(?:procfile|heroku\.yml|render\.ya?ml|railway\.(?:json|toml)"
    r"|app\.ya?ml|zappa_settings\.json|serverless\.ya?ml)\Z",
    re.IGNORECASE,
)
_DEPLOYMENT = re.compile(
    r"(?:^|/)(?:(?:docker|container)file[^/]*|(?:docker-)?compose[^/]*\.ya?ml|fly\.toml|chart\.yaml"
    r"|[^/]*nginx[^/]*\.conf|caddyfile|[^/]+\.tf|procfile)\Z",
    re.IGNORECASE,
)
_COMPUTED = re.compile(r"gcloud run deploy|fly(?:ctl)? deploy|git push heroku|az containerapp")
_PLAIN_URL = re.compile(r"\A['\"]?http://(?P<host>[^/:'\"\s]+)")
_PRIVATE = re.compile(
    r"localhost|127\.|0\.0\.0\.0|10\.|192\.168\.|.*(?:\.local|\.internal|\.svc.*)\Z"
)
_PRODUCTION = re.compile(r"(?:^|[._/-])prod(?:uction)?(?:[._-]|\Z)", re.IGNORECASE)

_ENGINES = ("create_engine", "create_async_engine", "create_pool", "async_engine_from_config")
_ENGINE_NAMES = (
    "sqlalchemy.create_engine", "sqlalchemy.ext.asyncio.create_async_engine", "asyncpg.create_pool",
    "sqlmodel.create_engine", "aiomysql.create_pool", "sqlalchemy.create_async_engine",
)  # fmt: skip
_ASKS_TLS = re.compile(
    r"sslmode=(?:require|verify)|ssl=(?:true|require|verify|on)|sslrootcert=|tls=true|ssl_ca=",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"(?:.*_)?(?:db|database|postgres(?:ql)?|pg|mysql|sql)_(?:.*_)?(?:ssl|tls)(?:_\w+)?"
    r"|(?:pg)?ssl_?(?:mode|root_?cert|ca|context)",
    re.IGNORECASE,
)
_SSL_KEYS = re.compile(r"ssl|tls", re.IGNORECASE)


@check("transport-encryption", each="links")
def transport_encryption(
    project: Project, link: str, *, links: Sequence[str] = ("http",)
) -> Answer:
    """What travels between clients, service and database is encrypted.

    Whoever listens on the way reads passwords and tokens.

    Instead: redirect to HTTPS or end TLS in the committed proxy; ask the database for TLS by
    ``sslmode=require``.

    Known problems: what ends TLS outside of the repository cannot be seen, so a missing sign has
    low weight. Platforms that end TLS by themselves count when their configuration is committed.
    Whether each of several engines asks for TLS is not told apart.
    """
    return _http(project) if link == "http" else _database(project)


# Clients ------------------------------------------------------------------------------------------


def _http(project: Project) -> Answer:
    applications = [each for each in project.entrypoints.web if each.kind != "django"]
    deployed = [path for path in project.entries if _is_deployment(path)]
    if not applications and not deployed:
        return Skip("neither an application nor a deployment file")
    plain = next(_plain_urls(project), None)
    if plain is not None:
        return plain
    if _redirects(project) or _ends_tls(project):
        return None
    path = applications[0].path if applications else deployed[0]
    text = "Nothing in the repository encrypts the link `http`"
    return At(0, text, path=path, weight=0.5, anchor="http")


def _is_deployment(path: str) -> bool:
    return (
        _DEPLOYMENT.search(path) is not None
        and not test_path(path)
        and (".devcontainer" not in path)
    )


def _plain_urls(project: Project) -> Iterator[At]:
    """Addresses without TLS in the environment of production."""
    for path in env_files(project):
        if not _PRODUCTION.search(path):
            continue
        for row in env_variables(path, project.documents[path].text):
            found = _PLAIN_URL.match(row.value or "")
            host = found["host"] if found else ""
            if "." in host and not _PRIVATE.match(host) and "example" not in host:
                text = f"`{row.name}` of production is an address without TLS (link `http`)"
                yield At(row.line, text, path=path, anchor="http")


def _redirects(project: Project) -> bool:
    if any(each.name.endswith(_REDIRECT) for each in project.routes.middleware):
        return True
    if project.surroundings.says("strict-transport-security"):
        return True
    return any(
        call.fact.keyword(name) is not None
        for file in project.production
        for call in file.calls_named("run", "Config")
        for name in ("ssl_certfile", "ssl_keyfile", "ssl_context")
    )


def _ends_tls(project: Project) -> bool:
    """Whether a proxy, the server or a platform ends TLS."""
    if _PROXY.search(project.proxies.text) or _SERVER.search(project.proxies.server):
        return True
    if any(_PLATFORMS.search(path) for path in project.entries):
        return True
    for path, fact in project.documents.items():
        name = path.rpartition("/")[2].lower()
        if name == "caddyfile" and _CADDY.search(fact.text):
            return True
        if name.endswith(".tf") and _TERRAFORM.search(fact.text):
            return True
        if name.startswith("fly") and name.endswith(".toml") and _forces(fact.data):
            return True
        if fact.kind == "yaml" and any(_is_encrypted(each) for each in fact.documents):
            return True
    return any(_COMPUTED.search(" ".join(each.words)) for each in project.scripts.commands)


def _forces(data: object) -> bool:
    """``force_https`` of Fly, or a handler of TLS for a port."""
    if table_of(data, "http_service").get("force_https") is True:
        return True
    return "'tls'" in str(table_of(data).get("services"))


def _is_encrypted(document: object) -> bool:
    """An Ingress or Gateway with TLS, or a service of Knative."""
    table = table_of(document)
    kind = table.get("kind")
    if kind == "Ingress":
        return bool(table_of(table, "spec").get("tls"))
    if kind in {"Gateway", "IngressRoute"}:
        return "tls" in str(table.get("spec")).lower()
    return kind == "Service" and str(table.get("apiVersion", "")).startswith("serving.knative")


# Database -----------------------------------------------------------------------------------------


def _database(project: Project) -> Answer:
    engines = [
        call
        for file in project.production
        for call in file.calls_named(*_ENGINES)
        if call.name in _ENGINE_NAMES
    ]
    urls = [each for each in addresses(project) if each.scheme and not is_local(each.path)]
    remote = [each for each in urls if not each.scheme.startswith("sqlite")]
    if not engines and not remote:
        return Skip("no production database")
    judged = [call for call in engines if not _needs_none(call)]
    if (engines and not judged) or (urls and not remote):
        return Skip("the database is local")
    if any(_asks(call) for call in engines) or _is_configured(project, remote):
        return None
    if any(_speaks_of_tls(file) for file in dict.fromkeys(call.file for call in engines)):
        return None
    path = judged[0].path if judged else remote[0].path
    weight = 1.0 if judged else 0.5
    text = "Nothing asks for TLS on the link `database`"
    return At(0, text, path=path, weight=weight, anchor="database")


def _needs_none(call: Call) -> bool:
    """Whether an engine is one of a file, of a socket, or of this machine."""
    value = call.arg(0, "url") or call.arg(0, "dsn")
    if value is None:
        return False
    given = source(Given(call.file, value, call.function))
    text = given.text or _start(given.expr)
    if text.startswith("sqlite") or "host=/" in text:
        return True
    url = parsed_url(text) if isinstance(given.expr, tree.Const) else None
    return url is not None and (url["host"] or "localhost") in {"localhost", "127.0.0.1"}


def _start(expr: Expr) -> str:
    """What an f-string begins with."""
    first = expr.parts[0] if isinstance(expr, tree.Fmt) and expr.parts else expr
    return tree.text_of(first) or ""


def _asks(call: Call) -> bool:
    """Whether the construction of an engine asks for TLS: URL, ``connect_args``, ``ssl``."""
    file = call.file
    for item in call.fact.keywords:
        if item.name.startswith("ssl"):
            return not _is_false(item.value)
    for value in call.arguments:
        given = source(Given(file, value, call.function))
        for node in tree.walk(given.expr, given.file.facts):
            if isinstance(node, tree.Map) and any(
                _SSL_KEYS.search(tree.text_of(key) or "") and not _is_false(held)
                for key, held in zip(node.keys, node.values, strict=True)
                if key is not None
            ):
                return True
            if _ASKS_TLS.search(tree.text_of(node) or ""):
                return True
    rows = file.facts.assigns
    return any(
        isinstance(target, tree.Item) and _SSL_KEYS.search(tree.text_of(target.index) or "")
        for row in rows
        if row.function == call.fact.function
        for target in row.targets
    )


def _speaks_of_tls(file: File) -> bool:
    """Whether a file that makes engines builds a URL, or connects elsewhere in it, with TLS."""
    if any(
        item.name.startswith("ssl") and not _is_false(item.value)
        for call in file.calls
        for item in call.fact.keywords
    ):
        return True
    return any(
        _ASKS_TLS.search(tree.text_of(node) or "")
        for places in file.tables.expressions.values()
        for place in places
        for node in tree.walk(place.expr, file.facts)
    )


def _is_false(expr: Expr) -> bool:
    return isinstance(expr, tree.Const) and expr.value in {
        False,
        None,
        "disable",
        "prefer",
        "allow",
    }


def _is_configured(project: Project, urls: Sequence[Address]) -> bool:
    """Whether a URL, a field of settings or a variable of the environment asks for TLS."""
    if any(_ASKS_TLS.search(each.query) for each in urls):
        return True
    if any(_FIELD.fullmatch(field.name) for field in project.settings.fields):
        return True
    return any(
        _FIELD.fullmatch(row.name) or _ASKS_TLS.search(row.value or "")
        for path in env_files(project)
        if not is_local(path)
        for row in env_variables(path, project.documents[path].text)
    )
