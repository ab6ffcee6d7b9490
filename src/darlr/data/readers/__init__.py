"""Readers, one for each data set."""
