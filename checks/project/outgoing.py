"""What goes out: which calls make an HTTP client, and which leave the process by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checks.project.project import Project
    from checks.project.subjects import Call, File

ASYNC_CLIENT = "httpx.AsyncClient"
_VERBS = frozenset("get post put patch delete head options request stream".split())
_ONE_SHOT = frozenset(
    f"{library}.{verb}"
    for library in ("httpx", "requests", "niquests", "aiohttp", "requests.api")
    for verb in _VERBS
    if not (library == "aiohttp" and verb != "request")
)
"""Functions that open a connection, use it once and close it."""
_HTTP = frozenset(
    "httpx.Client httpx.AsyncClient aiohttp.ClientSession requests.Session requests.session "
    "requests.sessions.Session aiohttp.client.ClientSession urllib3.PoolManager niquests.Session "
    "niquests.AsyncSession curl_cffi.requests.AsyncSession".split()
)
_SDK = re.compile(
    r"(aio)?boto3\.(client|resource|Session\.client|Session\.resource)"
    r"|aiobotocore\.session\.AioSession\.create_client|aioboto3\.session\.Session\.client"
    r"|anthropic\.(Async)?Anthropic\w*|openai\.(Async)?(Azure)?OpenAI|groq\.(Async)?Groq"
    r"|google\.cloud\.[\w.]+Client|google\.genai\.Client|googleapiclient\.discovery\.build"
    r"|google\.cloud\.bigquery\.Client|mistralai\.Mistral|cohere\.(Async)?Client(V2)?"
    r"|slack_sdk\.(\w+\.)*(Async)?WebClient|twilio\.rest\.Client|elasticsearch\.(Async)?Elastic\w+"
    r"|sendgrid\.SendGridAPIClient|azure\.storage\.[\w.]+Client|qdrant_client\.(Async)?QdrantClient"
    r"|minio\.Minio|github\.Github|stripe\.StripeClient|telegram\.Bot"
)
_CLIENT_TYPES = frozenset({"boto3.Client", "boto3.Resource"})
_SDK_NAMES = frozenset(
    "client resource create_client build Client Anthropic AsyncAnthropic AnthropicVertex "
    "AnthropicBedrock AsyncAnthropicBedrock AsyncAnthropicVertex OpenAI AsyncOpenAI AzureOpenAI "
    "AsyncAzureOpenAI Groq AsyncGroq Mistral AsyncClient ClientV2 AsyncClientV2 WebClient "
    "AsyncWebClient Elasticsearch AsyncElasticsearch SendGridAPIClient BlobServiceClient "
    "BlobClient ContainerClient QueueServiceClient QdrantClient AsyncQdrantClient Minio Github "
    "StripeClient Bot".split()
)
_OTHERS = re.compile(
    r"(redis|aioredis|valkey)\.|smtplib\.|aiosmtplib\.|(aio)?kafka\.|confluent_kafka\.|pika\.|"
    r"aio_pika\.|urllib\.request\.urlopen|urllib3\.|fastapi_mail\.|grpc\.|botocore\."
)
_LIBRARIES = re.compile(r"httpx\.|requests\.|niquests\.|aiohttp\.|(aio)?boto3\.")
_VALUES = re.compile(
    r".*(Error|Exception|Timeout|Limits|Auth|Config|Transport|Response|Request|URL|Headers"
    r"|Schema|Message|Retry|Backoff|FormData|Connector)$"
)


class Outgoing:
    """Recognises calls that make clients and calls that leave the process."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._external: dict[str, bool] = {}

    def candidates(self, file: File) -> Iterator[Call]:
        """The calls of a file that may make a client, or go out by themselves, by their names."""
        for last in file.calls_by_name.keys() & self._names:
            yield from file.calls_by_name[last]

    @cached_property
    def _names(self) -> frozenset[str]:
        """Last names of all that makes clients, first-party subclasses and other spellings too."""
        lasts = {name.rpartition(".")[2] for name in _HTTP} | _SDK_NAMES | _VERBS
        spelled = {
            row.alias
            for file in self.project.production
            for row in file.facts.imports
            if row.alias and row.name in lasts
        }
        own = {cls.name for cls in self.project.classes.by_key.values() if cls.inherits(*_HTTP)}
        return frozenset(lasts | spelled | own)

    def is_one_shot(self, call: Call) -> bool:
        """``httpx.get(url)``: a connection for one call."""
        return call.name in _ONE_SHOT

    def makes_http(self, call: Call) -> bool:
        """Whether a call constructs an HTTP client, or a first-party subclass of one."""
        name = call.name
        if name in _HTTP:
            return True
        cls = self.project.classes.by_key.get(name)
        return cls is not None and cls.inherits(*_HTTP)

    def makes_client(self, call: Call) -> bool:
        """Whether a call constructs an HTTP client, or a client of a library that holds one."""
        if call.last not in self._names:
            return False
        return self.makes_http(call) or _SDK.fullmatch(call.name) is not None

    def is_client_type(self, name: str) -> bool:
        """Whether a class, or a function that makes one, is a client."""
        return name in _HTTP or _SDK.fullmatch(name) is not None or name in _CLIENT_TYPES

    def is_external(self, call: Call) -> bool:
        """Whether a call goes to another service, or makes what goes there."""
        name = call.name
        owner, dot, _ = name.rpartition(".")
        if not dot:
            return False
        known = self._external.get(name)
        if known is None:
            cls = self.project.classes.by_key.get(owner) or self.project.classes.by_key.get(name)
            names = [name] if cls is None else [f"{each}." for each in cls.ancestors]
            known = self._external[name] = any(_is_library(each) for each in names)
        return known


def _is_library(name: str) -> bool:
    if _LIBRARIES.match(name) or _OTHERS.match(name):
        return not _VALUES.match(name.rstrip("."))
    return _SDK.match(name) is not None
