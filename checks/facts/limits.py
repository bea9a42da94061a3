"""Limits of the map phase: what is larger, slower or more becomes a note, never a silence."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

LINT_BYTES: Final = 1 * MIB
"""Largest Python file that ruff is given; 20 MB took it 21 s and 2.4 GB."""

SYNTAX_BYTES: Final = 512 * KIB
"""Largest Python file that is parsed; 1 MiB of dense source takes up to 950 MB."""

DOCUMENT_BYTES: Final = 256 * KIB
"""Largest configuration file or document that is read."""

LOCK_BYTES: Final = 8 * MIB
"""Largest lock file; it is scanned line by line, never parsed as a whole."""

SCAN_FILES: Final = 60_000
"""Different blobs that one scan maps."""

SCAN_BYTES: Final = 512 * MIB
"""Bytes of different blobs that one scan maps."""

FILE_SECONDS: Final = 10
"""CPU seconds one file may take."""

LINT_BATCH_SECONDS: Final = 60
"""CPU seconds ruff may take over one batch of several files."""

SILENCE_SECONDS: Final = 90.0
"""Wall-clock seconds without a sign of life after which an analysis child is ended."""

BATCH_FILES: Final = 500
"""Files given to an analysis child at once; also the rows of one transaction of the store."""

BATCH_BYTES: Final = 4 * MIB
"""Bytes given to an analysis child at once, unless a single file is larger."""

OUTPUT_BYTES: Final = 64 * MIB
"""Bytes an analysis child may answer for one batch, and the largest file it may write."""

CHILD_MEMORY: Final = 1536 * MIB
"""Address space of an analysis child."""

CHILD_FILES: Final = 256
"""Open files of an analysis child."""

CHILD_CPU_SECONDS: Final = 1800
"""CPU seconds of one analysis child over its life, whatever it is given."""

TREE_DEPTH: Final = 100
"""Nesting of a YAML, TOML or JSON document."""

YAML_ALIASES: Final = 1000
"""Aliases of one YAML document."""

YAML_EVENTS: Final = 60_000
"""Parsing events of one YAML file; pure Python reads about 20,000 a second."""

TOML_KEY_PARTS: Final = 32
"""Parts of one dotted TOML key; tomllib is quadratic in them."""
