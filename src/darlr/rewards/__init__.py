"""What the simulator pays: estimates, their penalties, and the shift that keeps them from being negative."""
