"""Speed and memory, measured; none of this runs in the tests."""
