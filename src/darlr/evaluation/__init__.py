"""Judging a policy in the test world: the only layer, beside the GT baseline's recipe, that opens the truth."""
