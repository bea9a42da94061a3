"""What stands before the application: reverse proxies and servers, as they are configured here."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checks.facts.doctree import DocumentFact
    from checks.project.project import Project

_PASSES = re.compile(r"\b(?:proxy_pass|uwsgi_pass|grpc_pass|fastcgi_pass|upstream)\b")
_COMMENT = re.compile(r"(?m)(?:^|\s)#.*$")
_CONFIGURED = re.compile(r"annotations|traefik|middlewares|labels|ingress", re.IGNORECASE)
_SETTINGS = re.compile(r"\.conf(?:\.(?:template|tmpl|tpl|j2|in))?\Z")
_SERVERS = re.compile(r"\b(?:gunicorn|uvicorn|hypercorn|granian)\b")


class Proxies:
    """The text of all that configures a proxy or the server of the application."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def text(self) -> str:
        """Configuration of reverse proxies, comments left out."""
        return "\n".join(
            part
            for path, fact in self.project.documents.items()
            if (part := _proxy(path.rpartition("/")[2].lower(), fact))
        )

    @cached_property
    def server(self) -> str:
        """Command lines and configuration of the Python server."""
        found = []
        for path, fact in self.project.documents.items():
            lines = [each.value for each in fact.instructions]
            lines += [command.text for each in fact.targets for command in each.commands]
            if fact.kind in {"shell", "text", "ini"} and fact.text:
                lines += fact.text.replace("\\\n", " ").splitlines()
            elif fact.kind == "yaml" and "compose" in path:
                lines.append(str(fact.documents))
            found += [line for line in lines if _SERVERS.search(line)]
        return "\n".join(found)


def _proxy(name: str, fact: DocumentFact) -> str:
    if fact.kind == "yaml":
        given = name.startswith("traefik") or any(_CONFIGURED.search(path) for path in fact.lines)
        return str(fact.documents) if given else ""
    if fact.kind == "toml":
        return str(fact.documents) if name.startswith("traefik") else ""
    if fact.kind != "text":
        return ""
    if name == "caddyfile" or (_SETTINGS.search(name) and _PASSES.search(fact.text)):
        return _COMMENT.sub("", fact.text)
    return ""
