"""Check of what stands between a change and its deployment."""

from __future__ import annotations

from collections.abc import Sequence

from checks.check import Answer, At, Sites, Skip, check
from checks.project.cisteps import can_fail, is_step
from checks.project.deployments import Deployment
from checks.project.project import Project


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
    return any(is_step(project, run, step) and can_fail(run) for run in each.before)


def _at(each: Deployment, message: str, kind: str) -> At:
    job = each.job
    name = job.id or job.name or job.stage
    return At(job.line, f"The job `{name}` {message}", path=job.path, anchor=f"{name}:{kind}")
