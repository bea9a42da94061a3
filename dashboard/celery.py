"""Celery: a doorbell. What has to be done stands in the database; a lost message is rung again.

Without ``REDIS_URL`` the messages are files in the home. That broker loses the message a killed
worker held, and Redis gives it back only after its visibility timeout; the sweep makes up for both.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

from celery import Celery
from celery.platforms import SecurityWarning  # type: ignore[attr-defined]
from kombu.transport import TRANSPORT_ALIASES

from dashboard import config

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

ANALYSE = "analyse"
"""The queue of what takes long; in the others somebody waits for each task."""
QUEUES = ("control", "fetch", ANALYSE, "post")
FILE_POLL_SECONDS = 0.2
SOFT_LIMIT_SECONDS = 25 * 60
HARD_LIMIT_SECONDS = 30 * 60
SOFT_SHUTDOWN_SECONDS = 30
LOST_WAIT_SECONDS = 2
TASKS_PER_CHILD = 50
MEMORY_PER_CHILD_KIB = 1024 * 1024

# It warns root of pickled messages; only JSON is accepted here.
warnings.filterwarnings("ignore", category=SecurityWarning)

TRANSPORT_ALIASES["filesystem"] = "dashboard.filebroker:Transport"

app = Celery("dashboard", set_as_current=True)


def _broker(settings: config.Config) -> dict[str, Any]:
    """Return the address and the options of the broker."""
    if settings.redis_url:
        return {
            "broker_url": settings.redis_url,
            "broker_transport_options": {
                "visibility_timeout": HARD_LIMIT_SECONDS + 600,
                "unacked_restore_interval": 10,
                "unacked_restore_throttle": 1,
                "socket_timeout": 30,
                "socket_connect_timeout": 5,
                "socket_keepalive": True,
                "health_check_interval": 25,
            },
        }
    folder = settings.make_home() / "broker"
    for name in ("messages", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return {
        "broker_url": "filesystem://localhost",
        "broker_transport_options": {
            "data_folder_in": str(folder / "messages"),
            "data_folder_out": str(folder / "messages"),
            "control_folder": str(folder / "control"),
            "polling_interval": FILE_POLL_SECONDS,
        },
    }


def configure(settings: config.Config) -> None:
    """Set Celery up as the settings say."""
    app.conf.update(
        **_broker(settings),
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        result_backend=None,
        worker_prefetch_multiplier=1,
        task_serializer="json",
        accept_content=["json"],
        task_default_queue="control",
        task_soft_time_limit=SOFT_LIMIT_SECONDS,
        task_time_limit=HARD_LIMIT_SECONDS,
        task_publish_retry=False,
        broker_connection_max_retries=None,
        broker_connection_retry_on_startup=True,
        worker_concurrency=settings.worker_concurrency,
        worker_soft_shutdown_timeout=SOFT_SHUTDOWN_SECONDS,
        worker_lost_wait=LOST_WAIT_SECONDS,
        worker_max_tasks_per_child=TASKS_PER_CHILD,
        worker_max_memory_per_child=MEMORY_PER_CHILD_KIB,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        # The turns are kept in the database, so a scheduler needs no file and may run twice.
        beat_scheduler="celery.beat:Scheduler",
        beat_schedule={
            "sweep": {
                "task": "dashboard.sweep",
                "schedule": settings.sweep_seconds,
                "options": {"queue": "control", "expires": settings.sweep_seconds},
            },
        },
        task_routes={
            "dashboard.sweep": {"queue": "control"},
            "dashboard.poll": {"queue": "fetch"},
            "dashboard.run_scan": {"queue": ANALYSE},
            "dashboard.run_audit": {"queue": ANALYSE},
            "dashboard.judge_past": {"queue": ANALYSE},
            "dashboard.simulate": {"queue": ANALYSE},
            "dashboard.read_source": {"queue": "post"},
            "dashboard.make_patch": {"queue": "post"},
            "dashboard.read_standard": {"queue": "post"},
            "dashboard.answer_probe": {"queue": "fetch"},
        },
        timezone="UTC",
    )


configure(config.load())
app.autodiscover_tasks(["dashboard"])
