"""The command line, one file a command: it parses, calls and prints, and imports what it needs when it needs it."""
