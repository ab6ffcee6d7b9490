"""The generated parts of the site, made while it is built (`make docs`)."""
