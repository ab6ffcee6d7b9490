"""Names of opponents that reports tell apart from others."""

UNIFORM = "uniform_random"
"""Chooses without any idea."""

ORACLE = "truth_oracle"
"""Knows the truth."""

POPULAR = "popular"
"""What everybody likes."""
