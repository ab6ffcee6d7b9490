"""The report as one HTML page that loads nothing, follows the reader's theme and can be read without its script."""
