"""The pictures of the pages: each is drawn by one file of this folder from a seeded run (`python -m website.figures`)."""
