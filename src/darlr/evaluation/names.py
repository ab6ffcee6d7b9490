"""Names of opponents that reports treat specially."""

UNIFORM = "uniform_random"
"""Chooses uniformly at random."""

ORACLE = "truth_oracle"
"""Knows the truth."""

POPULAR = "popular"
"""Lists the items that most users like."""

BELIEVED = "list_with_belief"
"""The factor model's list, which also learns from the user during an episode."""

ADAPTING = (BELIEVED, "lin_ucb", "linear_thompson", "sasrec", "gru4rec")
"""The prefix of names of lists that learn from the user's feedback."""

SKIPPING = "_skipping"
"""The end of the name of a list's second form, which skips items that share a category with the last ones."""
