"""The behaviour of the authors' own code, slips included, for comparison with published numbers alone."""
