"""Many users' episodes at once: who leaves when, what the agent sees, and what is paid."""
