"""darlr: learn what to recommend from logged feedback, with a learned model of the users."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from darlr.serving.recommender import Recommendation, Recommender, Request

from darlr._version import __version__

__all__ = ["Recommendation", "Recommender", "Request", "__version__"]


def __getattr__(name: str) -> Any:
    # Imported on demand: `darlr --help` must not wait for torch.
    if name in ("Recommendation", "Recommender", "Request"):
        from darlr.serving import recommender  # noqa: PLC0415

        return getattr(recommender, name)
    raise AttributeError(f"module 'darlr' has no attribute '{name}'")
