"""Timings of linear models beside other programs: ``python -m benchmarks``."""
