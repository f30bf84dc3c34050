"""Benchmarks: each workload as a ratio to a floor measured in the same run. Never part of tests."""
