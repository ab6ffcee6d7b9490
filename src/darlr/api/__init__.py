"""The Python API: everything that `import darlr` offers, built on the layers below."""
