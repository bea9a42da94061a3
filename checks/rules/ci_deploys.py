"""Check of what stands between a change and its deployment."""

from __future__ import annotations

from collections.abc import Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.project.ciruns import CiRun
from checks.project.cisteps import can_fail, is_step
from checks.project.deployments import Deployment
from checks.project.project import Project

_SCRIPTS = {
    "test": frozenset({"test", "tests", "vitest", "jest"}),
    "lint": frozenset({"lint", "eslint"}),
    "typecheck": frozenset({"typecheck", "type-check", "tsc", "check-types"}),
}
_PROGRAMS = {
    "test": frozenset({"jest", "vitest", "playwright", "mocha", "tox", "nox"}),
    "lint": frozenset({"eslint", "biome"}),
    "typecheck": frozenset({"tsc", "pyright", "basedpyright", "ty", "pyrefly"}),
}


@check("ci-deploy-gated")
def ci_deploy_gated(
    project: Project, *, after: Sequence[str] = ("test",), production_approval: bool = False
) -> Answer:
    """Nothing is deployed before the tests have passed, nor to production without an approval.

    A deployment that does not wait for the tests deploys what they would have stopped.

    Instead: let the job need the test job; put production behind an environment with required
    reviewers or a manual job.

    Known problems: protection rules of environments live outside the repository; an environment
    called production counts as approval. Workflows of other repositories are not followed. A job
    that publishes a package, an image or pages is no deployment.
    """
    deployments = project.deployments.all
    count, found = 0, list[At]()
    for each in deployments:
        if after:
            count += 1
            missing = [step for step in after if not _is_after(project, each, step)]
            if missing:
                steps = " and ".join(f"`{step}`" for step in missing)
                found.append(_at(each, f"does not wait for the step {steps}", "after"))
        if production_approval and each.to_production:
            count += 1
            if not each.approved:
                found.append(_at(each, "deploys to production without an approval", "approval"))
    return Sites(count, found) if count else Skip("no deployment job")


def _is_after(project: Project, each: Deployment, step: str) -> bool:
    return any(
        can_fail(run) and (is_step(project, run, step) or _is_of_frontend(run, step))
        for run in each.before
    )


def _is_of_frontend(run: CiRun, step: str) -> bool:
    """Whether a run is the step of another language, whose deployment may hang on it."""
    words = [word for word in run.words[:4] if word != "run"]
    if run.words[:1] in {("npm",), ("yarn",), ("pnpm",), ("bun",)}:
        return any(word.partition(":")[0] in _SCRIPTS[step] for word in words[1:])
    return bool(words) and (
        words[0] in _PROGRAMS[step] or words[:2] in (["go", step], ["cargo", step])
    )


def _at(each: Deployment, message: str, kind: str) -> At:
    job = each.job
    name = job.name if not job.id or job.id.startswith("pipelines.") else job.id
    return At(job.line, f"The job `{name}` {message}", path=job.path, anchor=f"{name}:{kind}")
