"""Plausibility checks: an impossible reading of a file is refused, an unlikely one is noted (docs/data.md)."""
