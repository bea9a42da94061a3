"""The site map. Nouns in the path; filters, sorting and pages live in the query string."""

from allauth.account import views as account
from django.urls import path, register_converter
from django.urls.converters import PathConverter

from dashboard.views import (
    attestations,
    badge,
    catalogue,
    clauses,
    conflicts,
    findings,
    fleet,
    health,
    ops,
    origin,
    own_standard,
    past,
    people,
    registration,
    report,
    repository,
    scan,
    scoring,
    search,
    simulation,
    source,
    styleguide,
    triage,
    undo,
    versions,
    waivers,
    webhook,
    words,
)
from dashboard.webhooks import door


class FilePath(PathConverter):
    """The path of a file in a repository, which may contain line ends."""

    regex = "(?s:.+)"


register_converter(FilePath, "file")

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("sign-in/", account.login, name="account_login"),
    path("sign-out/", account.logout, name="account_logout"),
    path("me/password/", account.password_change, name="account_change_password"),
    # repositories
    path("", fleet.fleet, name="fleet"),
    path("report/", report.report, name="report"),
    path("areas/", report.areas, name="areas"),
    path("search/", search.search, name="search"),
    path("repos/", fleet.repositories, name="repositories"),
    path("repos/new/", registration.new, name="repository-new"),
    path("repos/new/<uuid:identity>/", registration.probe, name="repository-probe"),
    path(
        "repos/new/<uuid:identity>/again/", registration.probe_again, name="repository-probe-again"
    ),
    path("r/<slug:slug>/", repository.repository, name="repository"),
    path("r/<slug:slug>/progress/", repository.progress, name="repository-progress"),
    path("r/<slug:slug>/scan/", repository.rescan, name="repository-scan"),
    path("r/<slug:slug>/map/", repository.folders, name="map"),
    path("r/<slug:slug>/layers/", repository.layers, name="layers"),
    path("r/<slug:slug>/sizes/", repository.sizes, name="sizes"),
    path("r/<slug:slug>/history/", repository.history, name="history"),
    path("r/<slug:slug>/past/", past.past, name="repository-past"),
    path("r/<slug:slug>/past/turn/<slug:verb>/", past.turn, name="past-turn"),
    path("r/<slug:slug>/past/<slug:commit>/", past.point, name="past"),
    path("r/<slug:slug>/settings/", repository.repository_settings, name="repository-settings"),
    path("r/<slug:slug>/settings/versions/", versions.renew, name="repository-renew"),
    path("r/<slug:slug>/remove/", repository.remove, name="repository-remove"),
    path("r/<slug:slug>/scans/<int:number>/", scan.scan, name="scan"),
    path("r/<slug:slug>/webhook/", webhook.webhook, name="webhook"),
    path("r/<slug:slug>/webhook/<int:pk>/rotate/", webhook.rotate, name="hook-rotate"),
    path("r/<slug:slug>/webhook/<int:pk>/remove/", webhook.remove, name="hook-remove"),
    path("r/<slug:slug>/code/<file:path>", source.source, name="source"),
    path("r/<slug:slug>/attestations/", attestations.attestations, name="attestations"),
    path(
        "r/<slug:slug>/attestations/<int:pk>/withdraw/",
        attestations.withdraw,
        name="attestation-withdraw",
    ),
    path("r/<slug:slug>/waivers/", waivers.repository_waivers, name="repository-waivers"),
    path("r/<slug:slug>/waivers/new/", waivers.new, name="waiver-new"),
    path("r/<slug:slug>/waivers/<int:pk>/decide/", waivers.decide, name="waiver-decide"),
    path("r/<slug:slug>/waivers.toml", waivers.export, name="waivers-export"),
    path("waivers/", waivers.waivers, name="waivers"),
    path("r/<slug:slug>/gains/", scoring.gains, name="gains"),
    path("r/<slug:slug>/settings/gate/", repository.gate, name="repository-gate"),
    path("r/<slug:slug>/conflicts/", conflicts.conflicts, name="conflicts"),
    path("attestations/", attestations.ending, name="attestations-ending"),
    # findings
    path("r/<slug:slug>/findings/", findings.findings, name="findings"),
    path("r/<slug:slug>/findings/views/", triage.save_view, name="view-save"),
    path("r/<slug:slug>/findings/views/<int:pk>/remove/", triage.remove_view, name="view-remove"),
    path("r/<slug:slug>/findings/waivers/", triage.ask, name="findings-ask"),
    path("r/<slug:slug>/findings/waivers/undo/", triage.undo, name="findings-undo"),
    path("r/<slug:slug>/findings.csv", findings.export_csv, name="findings-csv"),
    path("r/<slug:slug>/findings.json", findings.export_json, name="findings-json"),
    path("r/<slug:slug>/findings.sarif", findings.export_sarif, name="findings-sarif"),
    path("f/<int:pk>/", findings.finding, name="finding"),
    path("f/<int:pk>/fix.patch", findings.patch, name="finding-patch"),
    # standards and checks
    path("words/", words.words, name="words"),
    path("scoring/", scoring.scoring, name="scoring"),
    path("standards/", catalogue.standards, name="standards"),
    path("standards/new/", own_standard.new, name="standard-new"),
    path("standards/new/help/", own_standard.guide, name="standard-help"),
    path("standards/new/clauses/", clauses.clauses, name="standard-clauses"),
    path("standards/new/repository/", origin.new, name="origin-new"),
    path("standards/new/repository/<int:pk>/", origin.origin, name="origin"),
    path("standards/new/repository/<int:pk>/again/", origin.again, name="origin-again"),
    path("standards/new/repository/<int:pk>/stop/", origin.stop, name="origin-stop"),
    path("standards/<slug:slug>/", catalogue.standard, name="standard"),
    path("standards/<slug:slug>/versions/adopt/", versions.adopt, name="standard-adopt"),
    path("standards/<slug:slug>/<str:number>/", catalogue.clause, name="clause"),
    path("checks/", catalogue.checks, name="checks"),
    path("checks/<slug:identifier>/", catalogue.check, name="check"),
    # what if
    path("simulate/", simulation.simulations, name="simulations"),
    path("simulate/new/", simulation.new, name="simulation-new"),
    path("simulate/new/<slug:slug>/<str:number>/", simulation.new_clause, name="simulation-clause"),
    path("simulate/<int:pk>/", simulation.simulation, name="simulation"),
    path("simulate/<int:pk>/cancel/", simulation.cancel, name="simulation-cancel"),
    path("simulate/<int:pk>/resume/", simulation.resume, name="simulation-resume"),
    path("simulate/<int:pk>/again/", simulation.again, name="simulation-again"),
    path("simulate/<int:pk>/save/", simulation.save, name="simulation-save"),
    path("simulate/<int:pk>/adopt/", simulation.adopt, name="simulation-adopt"),
    path("simulate/<int:pk>/remove/", simulation.remove, name="simulation-remove"),
    path("simulate/<int:pk>/<slug:slug>/", simulation.repository, name="simulation-repository"),
    # people and operation
    path("undo/", undo.undo, name="undo"),
    path("me/", people.me, name="me"),
    path("teams/<slug:slug>/", people.team, name="team"),
    path("settings/", people.settings, name="settings"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("ops/", ops.ops, name="ops"),
    path("badge/<slug:slug>.svg", badge.badge, name="badge"),
    # forges
    path("hooks/r/<str:token>/", door.receive, name="hook"),
    *(
        path(f"hooks/{provider}/", door.receive, {"provider": provider}, name=f"hook-{provider}")
        for provider in door.FORGES
    ),
]
