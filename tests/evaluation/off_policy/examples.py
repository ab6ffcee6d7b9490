"""Six logged rows with three items, small enough to be worked by hand."""

import numpy as np

REWARDS = np.array([1.0, 0, 2, 1, 0, 3])
PROPENSITIES = np.array([0.5, 0.25, 0.1, 0.4, 0.5, 0.2])
ITEMS = np.array([2, 0, 0, 1, 1, 2])
POLICY = np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8], [0.6, 0.2, 0.2], [1 / 3, 1 / 3, 1 / 3], [0, 0, 1], [0.25, 0.5, 0.25]])
ESTIMATES = np.array([[0.5, 1, 0.8], [0.2, 0.4, 0.6], [1.5, 0.5, 0.1], [0.9, 1.1, 1], [0.1, 0.3, 0.2], [2, 1, 2.5]])
ROWS = np.arange(6)
PROBABILITIES = POLICY[ROWS, ITEMS]
WEIGHTS = PROBABILITIES / PROPENSITIES  # 1, 0.4, 6, 5/6, 0, 1.25
MODELLED = ESTIMATES[ROWS, ITEMS]
EXPECTED = (POLICY * ESTIMATES).sum(axis=1)
