"""Sweeps, which are many runs from one file: the grid, its plan, and the processes that work on it."""
