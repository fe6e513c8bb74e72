"""Benchmarks: measured times beside the shortest that arithmetic and memory allow."""
