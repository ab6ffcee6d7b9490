"""The command line: it parses, calls and prints, and imports what it needs when it needs it."""
