"""Tables as plain data, and their renderings."""
