"""Names of opponents that reports treat specially."""

UNIFORM = "uniform_random"
"""Chooses uniformly at random."""

ORACLE = "truth_oracle"
"""Knows the truth."""

POPULAR = "popular"
"""Lists the items that most users like."""

ADAPTING = "list_with_belief"
"""The prefix of names of lists that learn from the user's feedback."""
