"""Estimators that weight groups of items instead of items, for logs in which single items are rarely shown.

c(a) is the group of item a (its category, or a cluster of its vector). w_c = pi(c|x) / pi_0(c|x) are weights of groups
(n,). pi(c|x) is the sum of pi(a|x) over the items of the group.
"""

from darlr.evaluation.off_policy.terms import Floats, Terms


def mips(rewards: Floats, group_weights: Floats) -> Terms:
    """Return marginalised IPS: mean of w_c r (Saito and Joachims, ICML 2022), r and w_c (n,).

    Unbiased if the reward depends on the item through its group alone. It needs the support of groups, not of items.
    """
    return Terms.mean(group_weights * rewards)


def offcem(rewards: Floats, group_weights: Floats, modelled: Floats, expected: Floats) -> Terms:
    """Return OffCEM: mean of v + w_c (r - q) (Saito, Ren and Joachims, ICML 2023), all (n,).

    Unbiased if the model is right about differences within a group, that is, if r - q depends on the group alone.
    """
    return Terms.mean(expected + group_weights * (rewards - modelled))
