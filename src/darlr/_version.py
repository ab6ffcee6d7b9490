"""The version of the package, which lower layers may name without importing the package's face."""

__version__ = "0.2.0"
