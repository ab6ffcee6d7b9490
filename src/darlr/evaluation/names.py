"""Names of opponents that reports tell apart from others."""

UNIFORM = "uniform_random"
"""Chooses without any idea."""

ORACLE = "truth_oracle"
"""Knows the truth."""

POPULAR = "popular"
"""What everybody likes."""

BELIEVED = "list_with_belief"
"""The factor model's list, which learns from the user's feedback."""

ADAPTING = (BELIEVED, "lin_ucb", "linear_thompson", "sasrec", "gru4rec")
"""What the names of lists begin with that learn from the user's feedback."""
