"""Verbs: what the dashboard does. The only callers of :mod:`checks`."""
