"""Which modules a distribution installs, where they are not called like it."""

from __future__ import annotations

from functools import cache

from packaging.utils import canonicalize_name

from checks.project.manifests import IMPORT_NAMES

_TABLE = """
apache-airflow airflow
argon2-cffi argon2
async-exit-stack async_exit_stack
attrs attr attrs
azure-identity azure.identity
beautifulsoup4 bs4
biopython Bio
boto3 boto3 botocore
celery celery kombu
celery-redbeat redbeat
djangorestframework rest_framework
dnspython dns
docker docker
elasticsearch elasticsearch elastic_transport
email-validator email_validator
factory-boy factory
fastapi-users fastapi_users
fastapi-users-db-sqlalchemy fastapi_users_db_sqlalchemy
flask-sqlalchemy flask_sqlalchemy
gitpython git
google-api-python-client googleapiclient apiclient
google-auth google.auth google.oauth2
google-auth-oauthlib google_auth_oauthlib
google-generativeai google.generativeai
google-genai google.genai
graphql-core graphql
grpcio grpc
grpcio-health-checking grpc_health
grpcio-reflection grpc_reflection
grpcio-status grpc_status
grpcio-tools grpc_tools
httpx-oauth httpx_oauth
ipython IPython
jinja2 jinja2
kafka-python kafka
langchain langchain
line-bot-sdk linebot
markdown markdown
markupsafe markupsafe
msgpack msgpack
mysql-connector-python mysql.connector mysql
mysqlclient MySQLdb
nvidia-ml-py pynvml
opencv-contrib-python cv2
opencv-python cv2
opencv-python-headless cv2
opentelemetry-api opentelemetry
opentelemetry-sdk opentelemetry.sdk
pika pika
pillow PIL
prometheus-client prometheus_client
protobuf google.protobuf
psycopg psycopg
psycopg-binary psycopg
psycopg2 psycopg2
psycopg2-binary psycopg2
pycryptodome Crypto
pycryptodomex Cryptodome
pydantic pydantic pydantic_core
pydantic-settings pydantic_settings
pygithub github
pygobject gi
pyjwt jwt
pymongo pymongo bson gridfs
pymupdf fitz pymupdf
pyopenssl OpenSSL
pypdf2 PyPDF2
pyserial serial
python-barcode barcode
python-dateutil dateutil
python-decouple decouple
python-docx docx
python-dotenv dotenv
python-frontmatter frontmatter
python-gitlab gitlab
python-jose jose
python-json-logger pythonjsonlogger
python-keycloak keycloak
python-ldap ldap
python-levenshtein Levenshtein
python-magic magic
python-multipart multipart python_multipart
python-pptx pptx
python-slugify slugify
python-socketio socketio
python-engineio engineio
python-telegram-bot telegram
pytz-deprecation-shim pytz_deprecation_shim
pywin32 win32api win32con pythoncom
pyyaml yaml
pyzmq zmq
qdrant-client qdrant_client
rapidfuzz rapidfuzz
redis-py-cluster rediscluster
rocketry rocketry
ruamel-yaml ruamel.yaml
scikit-image skimage
scikit-learn sklearn
semantic-version semantic_version
sendgrid sendgrid
sentry-sdk sentry_sdk
setuptools setuptools pkg_resources
slack-sdk slack_sdk slack
sqlalchemy sqlalchemy
starlette starlette
supabase supabase
tortoise-orm tortoise
typing-extensions typing_extensions
uvicorn uvicorn
websocket-client websocket
weasyprint weasyprint
xmlsec xmlsec
zstandard zstandard
"""
_MODULES: dict[str, tuple[str, ...]] = {
    **{name: (module,) for name, module in IMPORT_NAMES.items()},
    **{words[0]: tuple(words[1:]) for line in _TABLE.split("\n") if (words := line.split())},
}
_OWNERS: dict[str, frozenset[str]] = {
    module: frozenset(name for name, modules in _MODULES.items() if module in modules)
    for modules in _MODULES.values()
    for module in modules
}
NAMESPACES = frozenset("google azure opentelemetry zope backports ruamel airflow sphinxcontrib "
                       "jaraco mypy_boto3 aws_cdk".split())  # fmt: skip
"""Packages that many distributions share."""

COMPANIONS: dict[str, tuple[str, ...]] = {
    "httpx": ("fastapi.testclient", "starlette.testclient"),
    "jinja2": ("fastapi.templating", "starlette.templating"),
    "itsdangerous": ("starlette.middleware.sessions", "fastapi.middleware.sessions"),
    "aiohttp": ("azure", "slack_sdk", "fsspec", "opensearchpy", "elasticsearch"),
    "aiofiles": ("starlette.staticfiles", "fastapi.staticfiles"),
    "python-dotenv": ("pydantic_settings", "pydantic.BaseSettings"),
    "lxml": ("bs4", "pandas"),
    "html5lib": ("bs4",),
    "openpyxl": ("pandas",),
    "xlrd": ("pandas",),
    "pyarrow": ("pandas",),
    "tables": ("pandas",),
    "hiredis": ("redis",),
    "flower": ("celery",),
    "watchdog": ("celery",),
    "h2": ("httpx",),
    "socksio": ("httpx",),
}
"""Distributions that others load when they are there, by the modules that do so."""

# What installing a distribution with an extra brings beside it, because that was asked for.
_EXTRAS: dict[str, str] = {
    "fastapi[standard]": "uvicorn httpx jinja2 python-multipart email-validator fastapi-cli",
    "fastapi[all]": "uvicorn httpx jinja2 python-multipart email-validator itsdangerous pyyaml "
    "ujson orjson pydantic-settings pydantic-extra-types",
    "pydantic[email]": "email-validator",
    "pyjwt[crypto]": "cryptography",
    "sqlalchemy[asyncio]": "greenlet",
    "sqlalchemy[postgresql]": "psycopg2",
    "uvicorn[standard]": "uvloop httptools python-dotenv watchfiles websockets pyyaml",
    "fastapi-users[sqlalchemy]": "fastapi-users-db-sqlalchemy sqlalchemy",
    "fastapi-users[oauth]": "httpx-oauth",
    "starlette[full]": "httpx jinja2 itsdangerous python-multipart pyyaml",
    "httpx[http2]": "h2",
    "strawberry-graphql[fastapi]": "fastapi python-multipart",
    "authlib[httpx]": "httpx",
    "passlib[argon2]": "argon2-cffi",
}


@cache
def modules_of(distribution: str) -> frozenset[str]:
    """Dotted names of modules that a distribution may install, its likely spellings included."""
    name = canonicalize_name(distribution)
    if name in _MODULES:
        return frozenset(_MODULES[name]) | {name.replace("-", "_")}
    spellings: set[str] = {name}
    for prefix in ("python-", "py-", "py", "django-"):
        spellings.add(name.removeprefix(prefix))
    for suffix in ("-python", "-py", "-sdk", "-client", "-binary", "-headless", "-lib", "-cffi",
                   "-ng", "2", "3", "-api"):  # fmt: skip
        spellings.add(name.removesuffix(suffix))
    found = {each.replace("-", "_") for each in spellings if each}
    return frozenset(found | {name.replace("-", ".")})


def owners_of(module: str) -> frozenset[str]:
    """Distributions that are known to install a module of another name."""
    return _OWNERS.get(module, frozenset())


def brought_by(distribution: str, extras: tuple[str, ...]) -> frozenset[str]:
    """Distributions that the extras of a dependency ask for."""
    found: set[str] = set()
    for extra in extras:
        found.add(str(canonicalize_name(extra)))
        found.update(_EXTRAS.get(f"{distribution}[{extra}]", "").split())
    return frozenset(found)
