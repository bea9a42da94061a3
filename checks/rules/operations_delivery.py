"""Checks of how new versions reach the people who use them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from checks.check import At, Skip, check
from checks.facts import tree
from checks.facts.doctree import DocumentFact
from checks.project.project import Project

_FLAGS = (
    "openfeature", "ldclient", "launchdarkly", "UnleashClient", "flagsmith", "growthbook",
    "statsig", "splitio", "configcatclient", "flipt", "flipt_client", "featureflags", "waffle",
    "devcycle_python_sdk", "optimizely", "eppo_client", "gofeatureflag_python_provider", "flags",
)  # fmt: skip
_POSTHOG = ("feature_enabled", "get_feature_flag", "get_all_flags", "get_feature_flag_payload")
_FIELD = re.compile(r"(?:feature|ff)_\w+|feature_flags?|enable_\w+_feature|enable_feature_\w+")
_CANARY = re.compile(
    r"\bcanary\b|canary[-_]?weight|ecscanary|canary\d+percent|linear\d+percent"
    r"|--to-(?:revisions|tags|latest)|update-traffic|--no-traffic|traffic_split"
    r"|traffic_weight\s*\{[^}]*percentage\s*=\s*(?!100\b)\d"
    r"|'traffic': \[.*'(?:percent|weight)'|'weight': \d+.*'weight': \d+|flagger\.app",
    re.IGNORECASE,
)
_BLUE_GREEN = re.compile(
    r"blue[-_ /]?green|slot\s+swap|swap[-_ ]slots?|deployment[-_]slot|app_service_slot"
    r"|codedeploy|code_deploy|'activeservice'|swap-cnames",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^a-z]+")
_MANIFESTS = re.compile(
    r"(?:.*/)?(?:chart\.ya?ml|kustomization\.ya?ml|fly\.toml|render\.ya?ml|app\.ya?ml"
    r"|serverless\.ya?ml|procfile|appspec\.ya?ml|skaffold\.ya?ml|cloudbuild[^/]*\.ya?ml"
    r"|docker-stack[^/]*\.ya?ml|[^/]*compose[^/]*prod[^/]*\.ya?ml|[^/]+\.tf)"
)
_WORKLOADS = frozenset(
    "Deployment StatefulSet DaemonSet Rollout Canary Service Ingress VirtualService".split()
)
_TOLD = frozenset({"yaml", "toml", "text", "shell", "makefile", "justfile", "json"})


@check("progressive-delivery")
def progressive_delivery(
    project: Project, *, techniques: Sequence[str] = ("blue-green", "canary")
) -> At | Skip | None:
    """A new version is tried on some before it is given to all.

    What breaks then breaks for a few, and going back is a switch instead of a deployment.

    Instead: add a feature-flag client, or a canary or blue-green strategy to the deployment.

    Known problems: delivery that another repository configures is not seen.
    """
    flags = "feature-flags" in techniques and bool(project.routes.handlers)
    rollouts = [each for each in techniques if each != "feature-flags"]
    deployed = bool(rollouts) and _is_deployed(project)
    if not flags and not deployed:
        return Skip("no route handler" if not rollouts else "nothing is deployed from here")
    if flags and _has_flags(project):
        return None
    if deployed and any(_is_rolled_out(project, technique) for technique in rollouts):
        return None
    text = f"New versions reach everybody at once: none of {', '.join(techniques)}"
    return At(0, text, anchor="delivery")


# Feature flags ------------------------------------------------------------------------------------


def _has_flags(project: Project) -> bool:
    if project.manifests.imports(*_FLAGS):
        return True
    posthog = project.manifests.imports("posthog")
    if posthog and any(file.calls_named(*_POSTHOG) for file in project.production):
        return True
    names = {each.name for each in project.settings.fields if _FIELD.fullmatch(each.name.lower())}
    return bool(names) and any(name in names for name in _conditions(project))


def _conditions(project: Project) -> Iterator[str]:
    """Last names of what conditions ask for."""
    for file in project.production:
        for block in file.facts.blocks:
            if block.kind == "if":
                for expr in block.exprs:
                    for node in tree.walk(expr, file.facts):
                        if isinstance(node, tree.Name):
                            yield node.id.rpartition(".")[2]


# Rollouts -----------------------------------------------------------------------------------------


def _is_deployed(project: Project) -> bool:
    """Whether deployment files, or a job that deploys, are here."""
    if any(_is_deployment(path, fact) for path, fact in project.documents.items()):
        return True
    return bool(project.deployments.all)


def _is_deployment(path: str, fact: DocumentFact) -> bool:
    if _MANIFESTS.fullmatch(path.lower()):
        return True
    return fact.kind == "yaml" and any(
        isinstance(each, dict) and each.get("kind") in _WORKLOADS and "apiVersion" in each
        for each in fact.documents
    )


def _is_rolled_out(project: Project, technique: str) -> bool:
    pattern = _CANARY if technique == "canary" else _BLUE_GREEN
    colours = technique == "blue-green"
    for path, fact in project.documents.items():
        if fact.kind not in _TOLD or not _tells(path, fact):
            continue
        said = f"{path}\n{_text(fact)}"
        if pattern.search(said):
            return True
        if colours and {"blue", "green"} <= set(_WORD.split(path.lower())) | _names(fact):
            return True
    paths = {word for path in project.documents for word in _WORD.split(path.lower())}
    return colours and {"blue", "green"} <= paths


def _tells(path: str, fact: DocumentFact) -> bool:
    """Whether a file is about delivery: deployment, pipeline, script."""
    name = path.lower()
    if fact.kind in {"shell", "makefile", "justfile"} or _is_deployment(path, fact):
        return True
    if name.endswith((".tf", "fly.toml")) or "jenkinsfile" in name:
        return True
    return fact.kind in {"yaml", "json"}


def _text(fact: DocumentFact) -> str:
    return fact.text or str(fact.documents)


def _names(fact: DocumentFact) -> set[str]:
    """Words of the keys of a file: names of jobs and services."""
    return {word for path in fact.lines if path.count(".") < 3 for word in _WORD.split(path)}
