"""Checks of features: each goes through all layers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from checks.check import Answer, At, Skip, check
from checks.project.routes import is_infrastructure
from checks.project.subjects import File
from checks.rules.applies import has_routes

_VERSION = re.compile(r"/v\d+(/|$)")
_PROBES = (
    "/", "/health*", "/ready*", "/live*", "/metrics", "/ping", "/version", "/docs*", "/redoc*",
    "/openapi.json", "/favicon.ico", "/robots.txt", "/status",
)  # fmt: skip
_MISSING = {
    "routes": "has no handler under a version",
    "schemas": "has no schemas module",
    "services": "has no service module",
    "repositories": "reaches the database and has no repository module",
    "tests": "has no test",
}


@check("feature-vertical-slice", each="layers", applies=has_routes)
def feature_vertical_slice(
    file: File,
    entry: str,
    *,
    layers: Sequence[str] = ("schemas", "services", "repositories", "tests"),
) -> Answer:
    """Every feature has its part in each layer.

    Where a layer is left out its work is done in another one, and the next feature copies that.

    Instead: add the missing module for the feature.

    Known problems: whatever a routes module imports, at any distance, belongs to its feature; a
    module of ORM models and schemas is one of models; probes are asked for tests alone.
    """
    routes = file.project.routes.in_module.get(file.path)
    if not routes:
        return Skip("no routes module")
    features = file.project.features
    probes = all(is_infrastructure(path, _PROBES) for route in routes for path in route.paths)
    if probes and entry != "tests":
        return Skip("only probes")
    match entry:
        case "routes":
            holds = any(_VERSION.search(path) for route in routes for path in route.paths)
        case "tests":
            holds = features.is_tested(file)
        case _:
            holds = bool(features.modules(file, entry))
    if entry == "repositories" and not holds and not features.reaches_database(file):
        return Skip("the feature does not reach the database")
    return None if holds else At(1, f"The feature {_MISSING.get(entry, entry)}", anchor=entry)
