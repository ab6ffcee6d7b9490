"""Terminal output: progress on standard error, results on standard output."""

SECONDS_BETWEEN_LINES = 10.0  # seconds between lines of progress, if no terminal shows a bar
