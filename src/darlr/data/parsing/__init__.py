"""Parsing: from the lines of a file to checked columns."""
