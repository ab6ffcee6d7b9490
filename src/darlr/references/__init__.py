"""What the authors' own code does, slips included, for comparison with published numbers alone."""
