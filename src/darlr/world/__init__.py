"""The vocabulary of the recommendation game: users, items, windows, categories."""
