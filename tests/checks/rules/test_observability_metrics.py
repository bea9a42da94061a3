"""Metrics: what records a signal, and which labels a metric has."""

from __future__ import annotations

import pytest

from tests.checks.projects import ask, ask_read, lines

APP = """from fastapi import FastAPI

app = FastAPI()


@app.get("/users")
async def users() -> list[str]:
    return []
"""
METRICS = """from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("http_requests", "Requests", ["method", "path", "status"])
LATENCY = Histogram("http_request_seconds", "Latency", labelnames=["method", "path", "status"])
OPEN = Gauge("requests_open", "In progress", ["method", "path"])
"""


def recorded(signal: str, files: dict[str, str]) -> bool:
    """Whether ``metrics-recorded`` finds a signal."""
    outcome = ask("metrics-recorded", {"app/main.py": APP, **files}, signals=[signal])
    assert outcome.sites == 1, outcome.reason
    return not outcome.observations


def test_a_metric_that_nothing_uses_records_nothing() -> None:
    assert not recorded("requests", {"app/metrics.py": METRICS})
    use = "from app import metrics\n\n\ndef f():\n    metrics.REQUESTS.labels('GET').inc()\n"
    assert recorded("requests", {"app/metrics.py": METRICS, "app/a.py": use})
    assert recorded("errors", {"app/metrics.py": METRICS, "app/a.py": use})
    assert not recorded("latency", {"app/metrics.py": METRICS, "app/a.py": use})
    timed = "from app.metrics import LATENCY\n\n\n@LATENCY.time()\ndef f():\n    return 1\n"
    assert recorded("latency", {"app/metrics.py": METRICS, "app/a.py": timed})


@pytest.mark.parametrize("signal", ["requests", "latency", "errors"])
def test_instrumentation_measures_every_request(signal: str) -> None:
    code = """from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor as Instrument

Instrument.instrument_app(app)
"""
    assert recorded(signal, {"app/a.py": code})


@pytest.mark.parametrize(
    "code",
    [
        (
            "from app.main import app\nfrom prometheus_client import make_asgi_app\n\n"
            "app.mount('/metrics', make_asgi_app())\n"
        ),
        "from prometheus_client import start_http_server\n\nstart_http_server(9000)\n",
        (
            "from prometheus_fastapi_instrumentator import Instrumentator\n\n"
            "instrumentator = Instrumentator()\ninstrumentator.instrument(app).expose(app)\n"
        ),
        "from app.main import app\n\n\n@app.get('/a/metrics')\ndef metrics():\n    return 1\n",
    ],
)
def test_metrics_are_served_in_many_ways(code: str) -> None:
    assert recorded("endpoint", {"app/a.py": code})
    assert not recorded("endpoint", {"app/a.py": "METRICS = '/metrics'\n"})


def test_business_is_counted_in_services() -> None:
    code = """from prometheus_client import Counter

ORDERS = Counter("orders", "Orders")


def close():
    ORDERS.inc()
"""
    assert recorded("business", {"app/services/orders.py": code})
    assert not recorded("business", {"app/orders.py": code})


def test_what_a_middleware_records_is_of_requests() -> None:
    code = """from prometheus_client import Counter, Histogram

FAILED = Counter("orders_failed", "Failed")
TIME = Histogram("work_seconds", "Time")


def measure():
    FAILED.inc()
    TIME.observe(1)
"""
    around = """from app.main import app
from app.metrics import measure


@app.middleware("http")
async def measured(request, call_next):
    measure()
    return await call_next(request)
"""
    for signal in ("requests", "latency", "errors"):
        assert not recorded(signal, {"app/metrics.py": code})
        assert recorded(signal, {"app/metrics.py": code, "app/a.py": around})


def test_process_metrics_come_with_the_default_registry() -> None:
    assert recorded("process", {"app/metrics.py": METRICS})
    assert not recorded("process", {})
    own = "from prometheus_client import CollectorRegistry\n\nREGISTRY = CollectorRegistry()\n"
    assert not recorded("process", {"app/metrics.py": METRICS, "app/a.py": own})
    multi = "from prometheus_client.multiprocess import MultiProcessCollector as M\n\nM(None)\n"
    assert not recorded("process", {"app/metrics.py": METRICS, "app/a.py": multi})


def test_pools_and_slow_queries_are_asked_of_databases() -> None:
    engine = "from sqlalchemy import create_engine, event\n\nengine = create_engine('x')\n"
    pool = """from prometheus_client import Gauge

POOL = Gauge("db_pool_size", "Pool")
POOL.set(engine.pool.checkedout())
"""
    listener = """

@event.listens_for(engine, "before_cursor_execute")
def start(conn, *args):
    conn.info["start"] = 1
"""
    assert not recorded("db-pool", {"app/db.py": engine})
    assert recorded("db-pool", {"app/db.py": engine + pool})
    assert not recorded("slow-queries", {"app/db.py": engine})
    assert recorded("slow-queries", {"app/db.py": engine + listener})
    files = {
        "app/main.py": APP,
        "app/db.py": engine,
        "compose.yaml": "services: {db: {command: postgres -c log_min_duration_statement=200}}\n",
    }
    assert not ask_read("metrics-recorded", files, signals=["slow-queries"]).observations
    for signal in ("db-pool", "slow-queries"):
        outcome = ask("metrics-recorded", {"app/main.py": APP}, signals=[signal])
        assert outcome.state == "not-applicable"


def test_labels_are_those_of_metrics_of_requests() -> None:
    code = (
        METRICS
        + """BARE = Counter("api_requests", "Requests")
HALF = Counter("http_calls", "Requests", ["method", "endpoint"])
JOBS = Counter("jobs", "Jobs")
"""
    )
    outcome = ask(
        "metrics-recorded", {"app/main.py": APP, "app/metrics.py": code}, signals=["labels"]
    )
    assert (outcome.sites, lines(outcome)) == (5, [6, 7])


def test_without_routes_nothing_is_asked() -> None:
    assert ask("metrics-recorded", {"app/metrics.py": METRICS}).state == "not-applicable"
