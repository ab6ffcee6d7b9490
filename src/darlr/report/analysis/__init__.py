"""Finished runs -> what they say: read, grouped, compared."""
