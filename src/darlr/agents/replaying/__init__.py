"""Agents that play in the simulator and learn from a replay of what they played: the replay, exploring, one training loop."""
