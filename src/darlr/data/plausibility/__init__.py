"""Whether what was read can be what was meant: a refusal where nothing else can be meant, a note where it can (docs/data.md)."""
