"""All methods, by name."""
