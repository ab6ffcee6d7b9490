"""Evaluation of a policy in the test world. Besides the GT baseline's recipe, only this room opens the truth."""
