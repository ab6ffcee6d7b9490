"""Completion of a truth from the ratings of randomly shown items."""
