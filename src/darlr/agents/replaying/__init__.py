"""Agents that act in the simulator and learn from a replay of their steps: the replay, exploration and one training loop."""
