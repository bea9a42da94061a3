#!/usr/bin/env python
"""Runs the management commands of the dashboard."""

import os
import sys

from django.core.management import execute_from_command_line

from dashboard import config


def main() -> None:
    """Hand the command line to Django; a setting that cannot be used ends it in one sentence."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    try:
        settings = config.load()
        settings.make_home()
        settings.secret()
        settings.fernet_keys()
        settings.database()
    except config.ConfigError as error:
        sys.exit(str(error))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
