"""Numbers of all users and items of a world, asked for by cells, rows and best items; a table is one way to have them."""
