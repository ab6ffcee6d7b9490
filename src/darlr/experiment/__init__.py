"""Putting the layers together: a run's parts, its epochs, its folder and what it is compared with."""
