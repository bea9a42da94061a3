"""One command starts everything; stopping it in the middle of a scan loses nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.product import Product, alive, descendants

OWN = "straightedge"  # the repository that a first start registers: this checkout


@pytest.fixture
def product(tmp_path: Path) -> Product:
    """An installation that was never started: SQLite, messages as files."""
    return Product.make(tmp_path)


def in_mid_scan(product: Product, start: subprocess.Popen[bytes]) -> set[tuple[int, str]]:
    """Wait until a scan runs; returns all processes that run then."""
    product.until_scan(OWN, "running")
    return descendants(start.pid)


def forget_facts(product: Product) -> None:
    """Let the next scan take as long as the first."""
    shutil.rmtree(product.home / "cache", ignore_errors=True)


def test_stopping_in_the_middle_of_a_scan_loses_nothing_and_leaves_no_process(
    product: Product,
) -> None:
    for sign in (signal.SIGINT, signal.SIGTERM):
        with product.started() as start:
            below = in_mid_scan(product, start)
            os.kill(start.pid, sign)
            assert start.wait(30) == 0
        assert alive(below) == []
        assert product.scans(OWN)[0][:2] == ("queued", 0)
        forget_facts(product)

    with product.started():
        assert product.until_scan(OWN, "complete", "partial", "failed")[0] == "complete"


def test_after_a_killed_start_the_next_one_waits_for_its_processes_and_ends_its_scan(
    product: Product,
) -> None:
    with product.started() as first:
        of_first = in_mid_scan(product, first)
        os.kill(first.pid, signal.SIGKILL)
        first.wait(30)
        with product.started() as second:
            assert alive(of_first) == []
            of_second = in_mid_scan(product, second)
            os.killpg(second.pid, signal.SIGKILL)
            second.wait(30)
            with product.started():
                assert product.until_scan(OWN, "complete", "partial", "failed")[0] == "complete"
                assert alive(of_second) == []
