"""A run for tests of run folders."""

from typing import Any

CONFIG: dict[str, Any] = {"dataset": "coat", "seed": 3, "a2c": {"discount": 0.9, "learning_rate": 1e-05}, "sizes": [64, 64]}
ENVIRONMENT: dict[str, Any] = {"darlr": "0.1.0", "data": {"train.ascii": "aa", "test.ascii": "bb"}}
