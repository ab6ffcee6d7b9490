"""Serving: a trained policy that answers requests."""
