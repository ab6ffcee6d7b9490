"""What the site has beside its written pages: generated while it is built (`make docs`)."""
