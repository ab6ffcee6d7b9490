"""Policies that act on a belief about the user (docs/methods/bayes-adaptive.md)."""
