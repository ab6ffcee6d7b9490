"""Logged feedback, the catalogue of items and the test world's truth: frozen, validated, read from files or generated."""
