"""Policies that learn nothing while they recommend."""
