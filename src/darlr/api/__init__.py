"""The Python API: what `import darlr` offers, over the layers below."""
