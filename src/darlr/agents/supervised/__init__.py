"""Supervised recommenders: what a team would fit to its log before it thought of a simulator, each in its own file.

They learn which items users like (`preferences.py`), or, the linear bandits, what users would give (`ridge.py`). None plans.
"""
