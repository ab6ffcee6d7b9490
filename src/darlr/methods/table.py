"""Every method, as a recipe over the layers below, in one table.

MBPO, MOPO, DORL and GT are one training loop with another reward, so a recipe is a name, the reward's source and settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from darlr.config.loading import merge
from darlr.errors import unknown


@dataclass(frozen=True)
class Recipe:
    """A method.

    Attributes:
        name: what `method` is set to.
        summary: one line.
        source: the paper it comes from.
        reward: whose rewards the policy learns from: the world model's, or the truth (GT alone).
        learner: A2C on a static reward, DARLR's two agents, one of those that learn from the log alone, or nobody.
        fixed: settings that make it this method; changing one is refused.
        published: settings of the published runs, by data set (protocol section 8); defaults that may be changed.
    """

    name: str
    summary: str
    source: str
    reward: Literal["model", "truth"] = "model"
    learner: Literal["a2c", "darlr", "sqn", "bcq", "cql", "crr", "static"] = "a2c"
    fixed: Mapping[str, Any] = field(default_factory=dict)
    published: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def simulated(self) -> bool:
        """Whether the policy learns from episodes in the simulator."""
        return self.learner in ("a2c", "darlr")

    @property
    def baseline(self) -> bool:
        """Whether DARLR is compared with it: neither DARLR itself, nor a variant of it, nor told the truth."""
        return self.learner != "darlr" and self.reward != "truth"

    @property
    def offline(self) -> bool:
        """Whether it learns from the log alone; the simulator then only chooses the epoch."""
        return not self.simulated and not self.static

    @property
    def static(self) -> bool:
        """Whether the policy follows the world model and learns nothing beside."""
        return self.learner == "static"


def _penalties(uncertainty: float, entropy: float) -> Mapping[str, Any]:
    return {"reward": {"uncertainty_weight": uncertainty, "entropy_weight": entropy}}


NO_SHAPING = {"neighbours.users": 0}
NO_PENALTIES = {"reward.uncertainty_weight": 0.0, "reward.entropy_weight": 0.0, **NO_SHAPING}

_ROLER: Mapping[str, Mapping[str, Any]] = {
    "": {
        **_penalties(0.05, 5.0),
        "neighbours": {"users": 30, "weighting": "mean", "uncertainty": "variance"},
        "tracker": {"kind": "transformer"},
    },
    "kuairand": {**_penalties(0.01, 0.05), "neighbours": {"users": 150}},
    "coat": {**_penalties(0.005, 1.0), "neighbours": {"users": 15}, "tracker": {"kind": "transformer"}},
    "yahoo": {**_penalties(0.005, 1.0), "neighbours": {"users": 20}, "tracker": {"kind": "transformer", "window": 5}},
}

# The paper names no best values: these lie inside its grids (section 4.1.4).
_DARLR: Mapping[str, Mapping[str, Any]] = {
    "": {**_penalties(0.1, 0.1), "tracker": {"kind": "transformer", "layers": 1}, "neighbours": {"users": 15}},
}


_ONE_NETWORK: Mapping[str, Any] = {"world_model": {"members": 1}, "training": {"epochs": 1}}


def _offline(settings: Mapping[str, Any], yahoo: Mapping[str, Any] | None = None) -> Mapping[str, Mapping[str, Any]]:
    """Published settings of an agent that learns from the log alone; on Yahoo the users of the test world are replayed."""
    return {"": settings, "yahoo": merge(settings, {"offline": {"users": "world"}, **(yahoo or {})})}


# The actor starts from the world model's estimates and is shown which items share a category with the last ones.
_DARLR_PLUS: Mapping[str, Mapping[str, Any]] = {
    "": {**_DARLR[""], "policy": {"prior_weight": 100.0, "category_window": 4}},
}


def _ablation(name: str, summary: str, fixed: Mapping[str, Any]) -> Recipe:
    return Recipe(name, f"DARLR {summary} (Table 4)", DARLR_PAPER, learner="darlr", fixed=fixed, published=_DARLR)


DARLR_PAPER = "Zhang et al., SIGIR 2025"

METHODS: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            Recipe(
                "mbpo",
                "A2C on the world model's estimates",
                "Janner et al., NeurIPS 2019",
                fixed=NO_PENALTIES,
            ),
            Recipe(
                "mopo",
                "MBPO with a penalty on the world model's uncertainty",
                "Yu et al., NeurIPS 2020",
                fixed={"reward.entropy_weight": 0.0, **NO_SHAPING},
                published={
                    "": _penalties(0.05, 0.0),
                    "kuairand": _penalties(0.01, 0.0),
                    "coat": _penalties(0.2, 0.0),
                },
            ),
            Recipe(
                "dorl",
                "MOPO with a bonus for varied continuations",
                "Gao et al., SIGIR 2023",
                fixed=NO_SHAPING,
                published={
                    "": _penalties(0.05, 5.0),
                    "kuairand": _penalties(0.01, 0.05),
                    "coat": _penalties(0.005, 1.0),
                    "yahoo": _penalties(0.01, 1.0),
                },
            ),
            Recipe("roler", "DORL on estimates averaged over the nearest users", "Zhang et al., CIKM 2024", published=_ROLER),
            Recipe(
                "darlr",
                "a selector picks reference users, whose estimates rewrite the reward while it is learned",
                DARLR_PAPER,
                learner="darlr",
                fixed={"refinement.keep_levels": False},
                published=_DARLR,
            ),
            Recipe(
                "darlr-plus",
                "DARLR whose references keep to the user's level and whose actor starts from the estimates",
                "ours",
                learner="darlr",
                fixed={"refinement.keep_levels": True},
                published=_DARLR_PLUS,
            ),
            _ablation("darlr-static-reward", "on a reward that stays as it is", {"refinement.reward": "static"}),
            _ablation("darlr-static-penalty", "with a penalty that stays as it is", {"refinement.penalty": "static"}),
            _ablation(
                "darlr-r",
                "whose selector is paid r' alone",
                {"selector.similarity_weight": 0.0, "selector.diversity_weight": 0.0},
            ),
            _ablation("darlr-r-similarity", "whose selector is paid r' + r_s", {"selector.diversity_weight": 0.0}),
            _ablation("darlr-r-diversity", "whose selector is paid r' + r_d", {"selector.similarity_weight": 0.0}),
            Recipe(
                "sqn",
                "Q-learning on the log beside a head that predicts the logged item",
                "Xin et al., SIGIR 2020",
                learner="sqn",
                fixed=NO_PENALTIES,
                published=_offline({"policy": {"hidden_sizes": []}}),
            ),
            Recipe(
                "bcq",
                "Q-learning on the log, choosing among the items that the log finds likely",
                "Fujimoto et al., 2019",
                learner="bcq",
                fixed=NO_PENALTIES,
                published=_offline({}),
            ),
            Recipe(
                "cql",
                "Q-learning on the log, on quantiles, that keeps unlogged items' values low",
                "Kumar et al., NeurIPS 2020",
                learner="cql",
                fixed=NO_PENALTIES,
                published=_offline({}, yahoo={"cql": {"quantiles": 10, "min_q_weight": 1.0}}),
            ),
            Recipe(
                "cql-plain",
                "CQL on mean returns instead of quantiles",
                "Kumar et al., NeurIPS 2020",
                learner="cql",
                fixed={"cql.quantiles": 1, **NO_PENALTIES},
                published=_offline({}, yahoo={"cql": {"min_q_weight": 1.0}}),
            ),
            Recipe(
                "crr",
                "imitation of the log, weighted by a critic's advantages",
                "Wang et al., NeurIPS 2020",
                learner="crr",
                fixed={"offline.n_step": 1, **NO_PENALTIES},
                published=_offline({}),
            ),
            Recipe(
                "ips",
                "MBPO on a world model that weighs logged rows by inverse propensity",
                "Swaminathan and Joachims, 2015",
                fixed={"world_model.weighting": "inverse_count", "world_model.error": "squared", **NO_PENALTIES},
                published={"": {"world_model": {"members": 1}}},
            ),
            Recipe(
                "ucb",
                "the world model's best item, with a bonus for items of which the log tells little",
                "Auer et al., 2002",
                learner="static",
                fixed={"world_model.error": "squared", "static.epsilon": 0.0, **NO_PENALTIES},
                published={"": {**_ONE_NETWORK, "static": {"bonus": 1.0}}},
            ),
            Recipe(
                "epsilon-greedy",
                "the world model's best item, and a random one now and then",
                "Sutton and Barto, 2018",
                learner="static",
                fixed={"world_model.error": "squared", "static.bonus": 0.0, **NO_PENALTIES},
                published={"": {**_ONE_NETWORK, "static": {"epsilon": 0.3}}},
            ),
            Recipe(
                "gt",
                "A2C on the true rewards: what the training loop can reach at best",
                "DARLR, Tables 2 and 3",
                reward="truth",
                fixed=NO_PENALTIES,
            ),
        )
    }
)


def recipe_of(method: str) -> Recipe:
    """The recipe named `method`; raises `InputError` with the nearest name if there is none."""
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    return METHODS[method]
