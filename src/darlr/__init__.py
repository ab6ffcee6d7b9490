"""darlr: learn what to recommend from logged feedback, with a learned model of the users."""

__version__ = "0.1.0"
