"""The vocabulary of the game: users, items, windows, categories."""
