"""Policies and their learners: the learning agents, and the static policies that each of them has to beat."""
