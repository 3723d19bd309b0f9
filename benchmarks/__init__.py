"""Timings of multilevel models beside other programs: ``python -m benchmarks``."""
