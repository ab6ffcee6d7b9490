"""Estimators that weight groups of items instead of items, where single items are shown too seldom.

c(a): the group of item a (its category, or a cluster of its vector); w_c = pi(c|x) / pi_0(c|x): weights of groups (n,), where
pi(c|x) is the sum of pi(a|x) over the items of the group.
"""

from darlr.evaluation.off_policy.terms import Floats, Terms


def mips(rewards: Floats, group_weights: Floats) -> Terms:
    """Marginalised IPS: mean of w_c r (Saito and Joachims, ICML 2022).

    Unbiased where the reward depends on the item through its group alone. It needs the support of groups, not of items.
    """
    return Terms.mean(group_weights * rewards)


def offcem(rewards: Floats, group_weights: Floats, modelled: Floats, expected: Floats) -> Terms:
    """OffCEM: mean of v + w_c (r - q) (Saito, Ren and Joachims, ICML 2023).

    Unbiased where the model tells the items of a group apart rightly: where r - q depends on the group alone.
    """
    return Terms.mean(expected + group_weights * (rewards - modelled))
