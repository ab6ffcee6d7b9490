"""darlr: learn what to recommend from logged feedback, with a learned model of the users."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from darlr._version import __version__

if TYPE_CHECKING:
    from darlr.agents.acting import Scorer
    from darlr.agents.networks.trackers import register_tracker
    from darlr.api.agents import Agent, Turn
    from darlr.api.comparison import Comparison, compare
    from darlr.api.dataset import Dataset
    from darlr.api.environments import make_env
    from darlr.api.evaluating import evaluate
    from darlr.api.evaluation import Evaluation
    from darlr.api.monitors import Monitor
    from darlr.api.promoting import promote
    from darlr.api.run import Run
    from darlr.api.training import FittedWorldModel, fit_world_model, train
    from darlr.api.validating import Validation, validate
    from darlr.data.registry import register_dataset
    from darlr.errors import DarlrError, InputError, RunError
    from darlr.evaluation.opponents import register_opponent
    from darlr.evaluation.table import register_metric
    from darlr.methods.registry import register_method
    from darlr.rewards.kinds import register_reward
    from darlr.run.promoting import Promotion
    from darlr.serving.messages import Answer, NewItem, Recommendation, Request
    from darlr.serving.recommender import Recommender
    from darlr.world_model.kinds import register_world_model

__all__ = [
    "Agent",
    "Answer",
    "Comparison",
    "DarlrError",
    "Dataset",
    "Evaluation",
    "FittedWorldModel",
    "InputError",
    "Monitor",
    "NewItem",
    "Promotion",
    "Recommendation",
    "Recommender",
    "Request",
    "Run",
    "RunError",
    "Scorer",
    "Turn",
    "Validation",
    "__version__",
    "compare",
    "evaluate",
    "fit_world_model",
    "make_env",
    "promote",
    "register_dataset",
    "register_method",
    "register_metric",
    "register_opponent",
    "register_reward",
    "register_tracker",
    "register_world_model",
    "train",
    "validate",
]

# Name -> the module below darlr that has it. Imported when it is asked for: `darlr --help` must not wait for torch.
# A new name has to be added to `__all__` and to the imports for type checkers, too; a test compares the three.
_HOMES = {
    "Agent": "api.agents",
    "Answer": "serving.messages",
    "Comparison": "api.comparison",
    "DarlrError": "errors",
    "Dataset": "api.dataset",
    "Evaluation": "api.evaluation",
    "FittedWorldModel": "api.training",
    "InputError": "errors",
    "Monitor": "api.monitors",
    "NewItem": "serving.messages",
    "Promotion": "run.promoting",
    "Recommendation": "serving.messages",
    "Recommender": "serving.recommender",
    "Request": "serving.messages",
    "Run": "api.run",
    "RunError": "errors",
    "Scorer": "agents.acting",
    "Turn": "api.agents",
    "Validation": "api.validating",
    "compare": "api.comparison",
    "evaluate": "api.evaluating",
    "fit_world_model": "api.training",
    "make_env": "api.environments",
    "promote": "api.promoting",
    "register_dataset": "data.registry",
    "register_method": "methods.registry",
    "register_metric": "evaluation.table",
    "register_opponent": "evaluation.opponents",
    "register_reward": "rewards.kinds",
    "register_tracker": "agents.networks.trackers",
    "register_world_model": "world_model.kinds",
    "train": "api.training",
    "validate": "api.validating",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'darlr' has no attribute '{name}'")
    value = getattr(import_module(f"darlr.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
