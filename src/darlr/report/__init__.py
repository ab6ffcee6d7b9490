"""From saved records to statistics, tables and pictures; this room never loads a model."""
