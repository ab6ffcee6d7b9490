"""Analysis of finished runs: they are read, grouped and compared."""
