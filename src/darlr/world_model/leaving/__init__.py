"""When users leave, and when they return: models that are fitted to the sessions of a log."""
