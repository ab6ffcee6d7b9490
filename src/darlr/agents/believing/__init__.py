"""Policies that act on what they believe of the user (docs/methods/bayes-adaptive.md)."""
