"""The published results and curves, for comparison with ours."""
