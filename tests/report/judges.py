"""Judges compared with a truth, by hand."""

import math

from darlr.evaluation.agreement import Agreement, Validation

TRUTH = {"good": 9.0, "fair_one": 5.0, "bad": 1.0}


def judges() -> Validation:
    """Make three policies; the referee is right, DR is wrong and doubts itself, and IPS gives all of them one value."""
    return Validation(
        dataset="small",
        truth=TRUTH,
        step_truth={"good": 1.0, "fair_one": 3.0, "bad": 2.0},
        values={
            "dr": {"good": 0.1, "fair_one": 0.5, "bad": 0.3},
            "referee": {"good": 8.0, "fair_one": 6.0, "bad": 2.0},
            "ips/estimated": {"good": 0.0, "fair_one": 0.0, "bad": math.nan},
        },
        doubted={"dr": ("good", "bad"), "ips/estimated": ()},
        agreements={
            "dr": Agreement(-1 / 3, -1.0, 1.0, 4.0, ("fair_one",), 3),
            "referee": Agreement(1.0, 1.0, 1.0, 0.0, ("good",), 3),
            "ips/estimated": Agreement(math.nan, math.nan, math.nan, 2.0, ("good", "fair_one"), 2),
        },
        step_taus={"dr": 1.0, "referee": -1 / 3, "ips/estimated": math.nan},
        notes=("the log is small",),
    )
