"""Saved records -> statistics, tables and pictures; never loads a model."""
