"""The extractor version follows the source of the extractors."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import checks.facts.version
from checks.facts.version import extractor_version, tool_versions


def _version_of(root: Path) -> str:
    code = "from checks.facts.version import extractor_version; print(extractor_version())"
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=True)
    return run.stdout.decode().strip()


def test_the_version_changes_with_any_source_file_of_the_facts(tmp_path: Path) -> None:
    here = Path(checks.facts.version.__file__).parent
    facts = tmp_path / "checks" / "facts"
    facts.mkdir(parents=True)
    (tmp_path / "checks" / "__init__.py").touch()
    for source in here.glob("*.py"):
        shutil.copy(source, facts)
    same = _version_of(tmp_path)
    assert same == extractor_version()
    (facts / "text.py").write_text((facts / "text.py").read_text() + "\n# changed\n")
    assert _version_of(tmp_path) != same


def test_tools_are_named_with_the_version_that_is_installed() -> None:
    versions = tool_versions()
    assert versions["ruff"].startswith("0.17.")
    assert "unknown" not in versions.values()
