"""Supervised recommenders that a team would fit to its log without a simulator, each in its own file.

They learn which items users like (`preferences.py`); the linear bandits learn users' rewards (`ridge.py`). None of them plans.
"""
