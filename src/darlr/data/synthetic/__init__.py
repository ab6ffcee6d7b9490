"""The laws of generated worlds, and the writer of worlds with millions of users."""
