"""The published results and curves, to stand beside ours."""
