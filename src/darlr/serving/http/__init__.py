"""The HTTP service of a run (`darlr serve`); needs the extra `serve`."""
