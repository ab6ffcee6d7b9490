"""The simulator's rewards: estimates, their penalties, and the shift that keeps rewards from being negative."""
