"""Agents that learn from the log alone, without a simulator: one training loop, and a file with one loss for each."""
