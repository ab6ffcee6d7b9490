"""What the terminal shows: progress on standard error, results on standard output."""

SECONDS_BETWEEN_LINES = 10.0  # of progress, where no terminal shows a bar
