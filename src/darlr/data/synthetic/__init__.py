"""The laws behind generated worlds, and what writes worlds of millions of users."""
