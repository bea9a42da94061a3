"""What is written for operators says what the code does."""

from __future__ import annotations

import re
import shlex

import yaml

from dashboard import celery
from dashboard.config import Config
from tests.house.source_tree import ROOT

COMPOSE_ALONE = {"POSTGRES_PASSWORD", "PUBLISH"}
SETTINGS = {name.upper() for name in Config.model_fields}


def example() -> dict[str, str]:
    """Return the variables of .env.example with the defaults it shows."""
    lines = (ROOT / ".env.example").read_text()
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", lines, re.M))


def test_the_example_environment_holds_every_setting_and_no_other() -> None:
    assert set(example()) == SETTINGS | COMPOSE_ALONE


def test_the_operators_page_explains_every_setting_and_no_other() -> None:
    page = (ROOT / "docs" / "running.md").read_text()
    explained = re.findall(r"^\| `([A-Z_]+)` \|", page, re.M)
    assert sorted(explained) == sorted(SETTINGS | COMPOSE_ALONE)


def test_the_example_environment_shows_the_real_defaults() -> None:
    shown = {name: value for name, value in example().items() if value}
    for name, value in shown.items():
        if name in COMPOSE_ALONE:
            continue
        default = Config.model_fields[name.lower()].default
        text = ",".join(default) if isinstance(default, tuple) else str(default)
        assert value == (text.lower() if isinstance(default, bool) else text), name


def test_compose_runs_a_worker_for_every_queue_web_and_one_scheduler() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    commands = [service.get("command", []) for service in services.values()]
    queues = [
        queue
        for command in commands
        if "worker" in command
        for queue in command[command.index("--queues") + 1].split(",")
    ]
    assert sorted(queues) == sorted(celery.QUEUES)
    assert sum("beat" in command for command in commands) == 1
    assert sum("gunicorn" in command for command in commands) == 1


def test_compose_gives_every_process_of_ours_the_real_servers_and_no_rights() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    ours = {name: part for name, part in services.items() if part["image"] == "straightedge"}
    assert len(ours) == len(services) - 2
    for name, part in ours.items():
        assert part["environment"]["DATABASE_URL"].startswith("postgresql://"), name
        assert part["environment"]["REDIS_URL"].startswith("redis://"), name
        assert part["read_only"], name
        assert part["cap_drop"] == ["ALL"], name


def test_the_broker_of_compose_keeps_messages_and_evicts_none() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    command = shlex.join(services["redis"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_the_readme_names_commands_that_exist() -> None:
    verbs = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    for page in ("README.md", "CONTRIBUTING.md", "docs/running.md"):
        named = set(re.findall(r"(?:`|^|\s)make (\w+)", (ROOT / page).read_text(), re.M))
        assert not {verb for verb in named if verb not in verbs}, page
