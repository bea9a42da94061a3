"""REDUCE: the facts of all files of one commit, seen as one project.

Built once per review and shared by all checks; every part is computed when it is first asked
for, once. Nothing here reads a repository except through the :class:`~checks.source.Source`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from checks.check import Scope
from checks.facts.analyses import Analyses
from checks.project.classes import Classes
from checks.project.content import Content
from checks.project.layout import Layout
from checks.project.names import Names
from checks.project.subjects import File
from checks.project.values import Values

if TYPE_CHECKING:
    from checks.facts.doctree import DocumentFact
    from checks.facts.lint import LintFact
    from checks.project.alerts import Alerts
    from checks.project.authentication import Authentication
    from checks.project.caches import Caches
    from checks.project.callgraph import CallGraph
    from checks.project.ci import Ci
    from checks.project.database import Database
    from checks.project.deployments import Deployments
    from checks.project.entities import Entities
    from checks.project.entrypoints import Entrypoints
    from checks.project.environment import Environment
    from checks.project.exceptions import Exceptions
    from checks.project.externals import Externals
    from checks.project.features import Features
    from checks.project.history import History
    from checks.project.layers import Layers
    from checks.project.lifetimes import Lifetimes
    from checks.project.limiters import Limiters
    from checks.project.lists import Lists
    from checks.project.literals import Literals
    from checks.project.logconfig import LogConfig
    from checks.project.logcontext import LogContext
    from checks.project.logs import Logs
    from checks.project.manifests import Manifests
    from checks.project.metrics import Metrics
    from checks.project.models import Models
    from checks.project.outgoing import Outgoing
    from checks.project.parameters import Parameters
    from checks.project.payloads import Payloads
    from checks.project.proxies import Proxies
    from checks.project.queries import Queries
    from checks.project.reach import Reach
    from checks.project.requested import Requests
    from checks.project.requestids import RequestIds
    from checks.project.resources import Resources
    from checks.project.revisions import Revisions
    from checks.project.routergraph import RouterGraph
    from checks.project.routes import Routes
    from checks.project.schemas import Schemas
    from checks.project.scripts import Scripts
    from checks.project.sending import Sending
    from checks.project.settings import Settings
    from checks.project.snapshots import Snapshots
    from checks.project.suite import Suite
    from checks.project.surroundings import Surroundings
    from checks.project.tooling import Tools
    from checks.project.trunk import Trunk
    from checks.source import Entry, Source


class Project(Content):
    """One commit of one component, as checks see it.

    Args:
        source: History, branches and the evaluation date (``source.time``).
        entries: The tracked entries.
        python: Encoded :class:`~checks.facts.tree.PyFacts` by path of every Python file; None
            for a file that was seen and not analysed.
        documents: Decoded facts of configuration and text files, by path.
        lint: What ruff reported, by path; files it could not read are missing.
        attestations: Records of leads (topic, by, date, expires, evidence).
        tables: Dated data the product brings along (releases, advisories), by name.
        analyses: What is asked about blobs that are not in the tree; nothing is kept without it.
    """

    def __init__(
        self,
        source: Source,
        *,
        entries: Sequence[Entry],
        python: Mapping[str, tuple[str, bytes | None]],
        documents: Mapping[str, DocumentFact],
        lint: Mapping[str, LintFact],
        attestations: Sequence[Mapping[str, Any]] = (),
        tables: Mapping[str, Any] | None = None,
        analyses: Analyses | None = None,
    ) -> None:
        super().__init__(source, entries)
        self.analyses = analyses or Analyses()
        self.documents = documents
        self.lint = lint
        self.attestations = attestations
        self.tables = tables or {}
        self.files = [File(self, path, oid, facts) for path, (oid, facts) in sorted(python.items())]
        self.names = Names(self)
        self.classes = Classes(self)
        self.values = Values(self)
        self.layout = Layout(self)

    # Files ----------------------------------------------------------------------------------------

    @cached_property
    def by_path(self) -> dict[str, File]:
        """All Python files by path."""
        return {file.path: file for file in self.files}

    @cached_property
    def production(self) -> list[File]:
        """Production files with at least one statement beside a docstring."""
        return [f for f in self.files if f.is_production and f.facts.statements_count]

    @cached_property
    def tests(self) -> list[File]:
        """Test files that were parsed and are not excluded."""
        return [
            f
            for f in self.files
            if f.is_test and f.parsed and not f.is_excluded and f.facts.statements_count
        ]

    @cached_property
    def migrations(self) -> list[File]:
        """Migration files that were parsed and are not excluded."""
        return [f for f in self.files if f.is_migration and f.parsed and not f.is_excluded]

    @cached_property
    def analysed(self) -> list[File]:
        """All parsed files that are not excluded, whatever their kind."""
        return [f for f in self.files if f.parsed and not f.is_excluded]

    @cached_property
    def python_folders(self) -> frozenset[str]:
        """Folders that hold Python files at any depth."""
        return frozenset(
            "/".join(file.segments[:depth])
            for file in self.files
            for depth in range(1, len(file.segments) + 1)
        )

    def select(self, scope: Scope) -> list[File]:
        """Files of a scope, sorted by path."""
        match scope:
            case "production":
                return self.production
            case "test":
                return self.tests
            case "production+test":
                return sorted([*self.production, *self.tests], key=lambda file: file.path)
            case "production+migration":
                return sorted([*self.production, *self.migrations], key=lambda file: file.path)
            case "python":
                return self.analysed

    @cached_property
    def production_uses_database(self) -> bool:
        """Whether any production file makes a database operation."""
        return any(self.database.operations(file) for file in self.production)

    # Parts ----------------------------------------------------------------------------------------

    @cached_property
    def manifests(self) -> Manifests:
        """Dependencies, tools, entry points and python versions that manifests declare."""
        from checks.project.manifests import Manifests

        return Manifests(self)

    @cached_property
    def ci(self) -> Ci:
        """What continuous integration runs, and the hooks before a commit."""
        from checks.project.ci import Ci

        return Ci(self)

    @cached_property
    def scripts(self) -> Scripts:
        """Every command that files of the repository write out."""
        from checks.project.scripts import Scripts

        return Scripts(self)

    @cached_property
    def deployments(self) -> Deployments:
        """Which jobs of CI deploy, and what has to succeed before."""
        from checks.project.deployments import Deployments

        return Deployments(self)

    @cached_property
    def tools(self) -> Tools:
        """Which tools are used, where that shows, and how they are configured."""
        from checks.project.tooling import Tools

        return Tools(self)

    @cached_property
    def literals(self) -> Literals:
        """Values of expressions, through constants and defaults."""
        from checks.project.literals import Literals

        return Literals(self)

    @cached_property
    def routers(self) -> RouterGraph:
        """Which application or router an expression stands for."""
        from checks.project.routergraph import RouterGraph

        return RouterGraph(self)

    @cached_property
    def routes(self) -> Routes:
        """Applications, routers, route handlers with full paths and dependencies."""
        from checks.project.routes import Routes

        return Routes(self)

    @cached_property
    def schemas(self) -> Schemas:
        """Schemas with their fields and uses."""
        from checks.project.schemas import Schemas

        return Schemas(self)

    @cached_property
    def settings(self) -> Settings:
        """Settings classes, and which of them are one."""
        from checks.project.settings import Settings

        return Settings(self)

    @cached_property
    def lists(self) -> Lists:
        """List endpoints and their parameters."""
        from checks.project.lists import Lists

        return Lists(self)

    @cached_property
    def parameters(self) -> Parameters:
        """Parameters of handlers, and where each is taken from."""
        from checks.project.parameters import Parameters

        return Parameters(self)

    @cached_property
    def authentication(self) -> Authentication:
        """Which dependencies turn strangers away."""
        from checks.project.authentication import Authentication

        return Authentication(self)

    @cached_property
    def sending(self) -> Sending:
        """What functions send to the client."""
        from checks.project.sending import Sending

        return Sending(self)

    @cached_property
    def layers(self) -> Layers:
        """Which layer a file is in."""
        from checks.project.layers import Layers

        return Layers(self)

    @cached_property
    def database(self) -> Database:
        """Sessions, database operations, statements."""
        from checks.project.database import Database

        return Database(self)

    @cached_property
    def models(self) -> Models:
        """Columns, keys and relationships of ORM models."""
        from checks.project.models import Models

        return Models(self)

    @cached_property
    def entities(self) -> Entities:
        """Which models the rows are that code hands on."""
        from checks.project.entities import Entities

        return Entities(self)

    @cached_property
    def revisions(self) -> Revisions:
        """Alembic revisions and what their upgrades do."""
        from checks.project.revisions import Revisions

        return Revisions(self)

    @cached_property
    def history(self) -> History:
        """Who wrote commits, what was merged, how large commits are."""
        from checks.project.history import History

        return History(self)

    @cached_property
    def trunk(self) -> Trunk:
        """The mainline from its first commit on, and Python files as they were."""
        from checks.project.trunk import Trunk

        return Trunk(self)

    @cached_property
    def payloads(self) -> Payloads:
        """Where external data enters."""
        from checks.project.payloads import Payloads

        return Payloads(self)

    @cached_property
    def snapshots(self) -> Snapshots:
        """The project at earlier commits."""
        from checks.project.snapshots import Snapshots

        return Snapshots(self)

    @cached_property
    def environment(self) -> Environment:
        """Reads of environment variables."""
        from checks.project.environment import Environment

        return Environment(self)

    @cached_property
    def exceptions(self) -> Exceptions:
        """Exceptions: whose they are, who catches them, how far they get."""
        from checks.project.exceptions import Exceptions

        return Exceptions(self)

    @cached_property
    def externals(self) -> Externals:
        """External calls and the clients they are made by."""
        from checks.project.externals import Externals

        return Externals(self)

    @cached_property
    def logs(self) -> Logs:
        """Loggers, log calls and log wrappers."""
        from checks.project.logs import Logs

        return Logs(self)

    @cached_property
    def entrypoints(self) -> Entrypoints:
        """Applications of any framework, and the commands that start them."""
        from checks.project.entrypoints import Entrypoints

        return Entrypoints(self)

    @cached_property
    def alerts(self) -> Alerts:
        """Alert rules of Prometheus, Grafana and Terraform."""
        from checks.project.alerts import Alerts

        return Alerts(self)

    @cached_property
    def metrics(self) -> Metrics:
        """Metrics with their labels, and where values are recorded."""
        from checks.project.metrics import Metrics

        return Metrics(self)

    @cached_property
    def request_ids(self) -> RequestIds:
        """Whether an id follows a request: in, into the log, and out."""
        from checks.project.requestids import RequestIds

        return RequestIds(self)

    @cached_property
    def log_config(self) -> LogConfig:
        """Handlers and formatters, from code and from files."""
        from checks.project.logconfig import LogConfig

        return LogConfig(self)

    @cached_property
    def log_context(self) -> LogContext:
        """What every log record carries beside its message."""
        from checks.project.logcontext import LogContext

        return LogContext(self)

    @cached_property
    def caches(self) -> Caches:
        """Caches, and the reads and writes of them."""
        from checks.project.caches import Caches

        return Caches(self)

    @cached_property
    def reach(self) -> Reach:
        """Which calls do I/O by a client of a database, cache, queue, cloud ..."""
        from checks.project.reach import Reach

        return Reach(self)

    @cached_property
    def calls(self) -> CallGraph:
        """Which first-party function a call reaches."""
        from checks.project.callgraph import CallGraph

        return CallGraph(self)

    @cached_property
    def lifetimes(self) -> Lifetimes:
        """What runs once and what runs for every request."""
        from checks.project.lifetimes import Lifetimes

        return Lifetimes(self)

    @cached_property
    def resources(self) -> Resources:
        """What stays open as long as an application lives, and what closes it."""
        from checks.project.resources import Resources

        return Resources(self)

    @cached_property
    def proxies(self) -> Proxies:
        """Configuration of what stands before the application."""
        from checks.project.proxies import Proxies

        return Proxies(self)

    @cached_property
    def outgoing(self) -> Outgoing:
        """Which calls make HTTP clients or leave the process."""
        from checks.project.outgoing import Outgoing

        return Outgoing(self)

    @cached_property
    def queries(self) -> Queries:
        """What is asked of the rows that queries load."""
        from checks.project.queries import Queries

        return Queries(self)

    @cached_property
    def limiters(self) -> Limiters:
        """Rate limiters, and what they are attached to."""
        from checks.project.limiters import Limiters

        return Limiters(self)

    @cached_property
    def surroundings(self) -> Surroundings:
        """What runs for every request, and the proxies in front."""
        from checks.project.surroundings import Surroundings

        return Surroundings(self)

    @cached_property
    def features(self) -> Features:
        """What belongs to each routes module."""
        from checks.project.features import Features

        return Features(self)

    @cached_property
    def suite(self) -> Suite:
        """Test functions with their fixtures and marks."""
        from checks.project.suite import Suite

        return Suite(self)

    @cached_property
    def requests(self) -> Requests:
        """Which routes the tests request."""
        from checks.project.requested import Requests

        return Requests(self)
