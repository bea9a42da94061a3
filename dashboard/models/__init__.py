"""Rows: what the dashboard knows. Reads are query-set methods that start from the reader."""

from dashboard.models.audit import AuditEntry, Recheck, RecheckOutcome, noting
from dashboard.models.change import Cause, ScoreChange
from dashboard.models.decision import (
    Attestation,
    Concession,
    Waiver,
    WaiverOutcome,
    WaiverScope,
    WaiverState,
)
from dashboard.models.finding import (
    CAME,
    COUNTS,
    OPEN_STATES,
    Finding,
    FindingCause,
    FindingEvent,
    FindingEventKind,
    FindingState,
)
from dashboard.models.finding_patch import FindingPatch
from dashboard.models.lease import MAX_ATTEMPTS, RUNNING, Leased
from dashboard.models.past import Backfill, BackfillState, PastResult, PastTrail
from dashboard.models.people import ApiToken, Membership, Role, Team, User
from dashboard.models.probe import Probe, ProbeState
from dashboard.models.queue import Outbox, PeriodicRun, Worker
from dashboard.models.repository import (
    Branch,
    Component,
    Credential,
    CredentialKind,
    Repository,
    RepositoryState,
    Standing,
)
from dashboard.models.saved_view import SavedView
from dashboard.models.scan import (
    ACTIVE_STATES,
    RESULT_STATES,
    ClauseResult,
    Phase,
    Scan,
    ScanStandard,
    ScanState,
    StoredReport,
    Trigger,
    VerdictName,
)
from dashboard.models.simulation import (
    FORECAST_ENDED,
    Forecast,
    ForecastState,
    Simulation,
    SimulationState,
)
from dashboard.models.source_file import SourceFile, SourceState
from dashboard.models.standard import (
    Adoption,
    Clause,
    DatedTable,
    OriginState,
    Standard,
    StandardOrigin,
    Strength,
)
from dashboard.models.suppression import Suppression, SuppressionKind
from dashboard.models.webhook import (
    DeliveryOutcome,
    Provider,
    WebhookDelivery,
    WebhookHook,
)

__all__ = [
    "ACTIVE_STATES",
    "CAME",
    "COUNTS",
    "FORECAST_ENDED",
    "MAX_ATTEMPTS",
    "OPEN_STATES",
    "RESULT_STATES",
    "RUNNING",
    "Adoption",
    "ApiToken",
    "Attestation",
    "AuditEntry",
    "Backfill",
    "BackfillState",
    "Branch",
    "Cause",
    "Clause",
    "ClauseResult",
    "Component",
    "Concession",
    "Credential",
    "CredentialKind",
    "DatedTable",
    "DeliveryOutcome",
    "Finding",
    "FindingCause",
    "FindingEvent",
    "FindingEventKind",
    "FindingPatch",
    "FindingState",
    "Forecast",
    "ForecastState",
    "Leased",
    "Membership",
    "OriginState",
    "Outbox",
    "PastResult",
    "PastTrail",
    "PeriodicRun",
    "Phase",
    "Probe",
    "ProbeState",
    "Provider",
    "Recheck",
    "RecheckOutcome",
    "Repository",
    "RepositoryState",
    "Role",
    "SavedView",
    "Scan",
    "ScanStandard",
    "ScanState",
    "ScoreChange",
    "Simulation",
    "SimulationState",
    "SourceFile",
    "SourceState",
    "Standard",
    "StandardOrigin",
    "Standing",
    "StoredReport",
    "Strength",
    "Suppression",
    "SuppressionKind",
    "Team",
    "Trigger",
    "User",
    "VerdictName",
    "Waiver",
    "WaiverOutcome",
    "WaiverScope",
    "WaiverState",
    "WebhookDelivery",
    "WebhookHook",
    "Worker",
    "noting",
]
