"""The world model of the users, learned from the log: it gives an estimated reward and its variance for (user, item)."""
