"""Numbers for all users and items of a world, requested by cells, rows or best items; a table is one way to answer."""
