"""Whether what was read can be what was meant: refused where nothing else can be meant, noted where it can (docs/data.md)."""
