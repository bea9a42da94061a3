"""Benchmarks: ratios measured in one run, since seconds differ between machines."""
