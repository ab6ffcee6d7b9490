"""The learned model of the users: an ensemble of DeepFM networks, each giving a mean and a variance for (user, item)."""
