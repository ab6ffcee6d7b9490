"""From the lines of a file to checked columns."""
