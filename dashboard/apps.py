"""The Django application."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """All rows, pages and jobs of the product."""

    name = "dashboard"
    verbose_name = "Straightedge"
