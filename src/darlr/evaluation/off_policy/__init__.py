"""Off-policy evaluation: the value of a policy from a log that another policy made, and diagnostics of its reliability."""
