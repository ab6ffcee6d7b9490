"""A Ray cluster that commands work on (the extra `ray`): how it is joined, and what its nodes have to be."""
