"""The HTTP service of a run (`darlr serve`), which needs the extra `serve`."""
