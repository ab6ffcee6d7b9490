"""Work on a Ray cluster (the extra `ray`): joining it, and the requirements on its nodes."""
