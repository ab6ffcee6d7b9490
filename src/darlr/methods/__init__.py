"""Every method, by name."""
