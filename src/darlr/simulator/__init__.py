"""The simulator: many users' episodes at once, with leave rules, windows and rewards."""
