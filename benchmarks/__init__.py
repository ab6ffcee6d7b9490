"""Benchmarks of speed and memory; the tests run none of them."""
