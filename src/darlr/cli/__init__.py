"""The command line: it parses, calls and prints, and imports what it needs when it needs it."""

SECONDS_BETWEEN_LINES = 10.0  # of progress, where no terminal shows a bar
