"""Logged feedback, its catalogue and the test world's truth: frozen, validated, read from files or generated."""
