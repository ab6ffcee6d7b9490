"""Options of reading data sets, and the size of the built-in one."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from darlr.config.constraints import LARGEST, Section, Setting


@dataclass(frozen=True)
class DataConfig(Section):
    """Options of reading a data set; one that the data set does not have is refused.

    The defaults keep everything about the test world out of the log, and otherwise follow the reference code (docs/data.md).
    """

    KEY: ClassVar[str] = "data"

    reward: Annotated[
        Literal["raw", "normalised"],
        Setting("KuaiRec's log: watch ratios, or each item's z-scores (the reference code's choice)"),
    ] = "raw"
    normalisation: Annotated[
        Literal["train", "all"],
        Setting("rows that give items' means and spreads; all: includes the test's rows, which is a leak"),
    ] = "train"
    repeats: Annotated[Literal["keep", "last", "mean", "sum"], Setting("how a pair that is logged several times is read")] = (
        "keep"
    )
    missing_truth: Annotated[
        Literal["zero", "masked"],
        Setting("cells that the truth lacks; zero: their reward is 0; masked: no policy may recommend them"),
    ] = "zero"
    logs: Annotated[Literal["first", "both"], Setting("KuaiRand's training logs: the first fortnight, or all of the month")] = (
        "first"
    )
    features: Annotated[Literal["reference", "all"], Setting("features that world models read besides ids and categories")] = (
        "reference"
    )
    truth: Annotated[
        Literal["published", "completed"], Setting("Coat's truth: RL4Rec's matrix, or the one that `darlr complete` made")
    ] = "published"
    signals: Annotated[
        tuple[str, ...],
        Setting(
            "KuaiRand: signals with weights, as is_click=1 or is_hate=-5, whose sum is the reward, scaled to 0..1; "
            "none: is_click",
            distinct=True,
        ),
    ] = ()
    log_share: Annotated[
        float,
        Setting("share of MovieLens' ratings in the log, drawn at random; the others complete the truth", above=0, below=1),
    ] = 0.1
    randomised: Annotated[
        Literal["none", "tenth"],
        Setting("Coat: whether a fixed tenth of the ratings of randomly shown items shows how users select items to rate"),
    ] = "none"


@dataclass(frozen=True)
class SyntheticConfig(Section):
    """Size, seed and selection of the built-in synthetic world (used by the data set `synthetic` alone)."""

    KEY: ClassVar[str] = "synthetic"

    users: Annotated[int, Setting("number of users", at_least=2, at_most=1_000_000)] = 1000
    items: Annotated[int, Setting("number of items", at_least=2, at_most=1_000_000)] = 500
    seed: Annotated[int, Setting("seed of the world, which is not the run's seed", at_least=-LARGEST, at_most=LARGEST)] = 0
    selection: Annotated[
        Literal["shown", "free", "forced", "popularity"],
        Setting(
            "how the log's items are selected. shown: popular items, and some to the user's taste, as a service shows them. "
            "free: mostly items that the user rates highly. forced: any, at random. "
            "popularity: popular items, whatever the taste"
        ),
    ] = "shown"
    selection_strength: Annotated[
        float,
        Setting(
            "how strongly users or items are selected, 0: at random (not for the selection 'forced')", at_least=0, at_most=100
        ),
    ] = 1.0
    randomised: Annotated[
        int, Setting("number of additional ratings of randomly shown items", at_least=0, at_most=100_000_000)
    ] = 0
    leave: Annotated[
        Literal["category", "hazard"],
        Setting(
            "how users leave. category: over shared categories, by the leave rule. hazard: at random, by the known hazard of "
            "the keys below; the log then has sessions, and the leave rule is 'learned'"
        ),
    ] = "category"
    hazard_intercept: Annotated[
        float, Setting("the hazard's logit at the first step, for a reward of 0", at_least=-50, at_most=50)
    ] = 0.0
    hazard_step: Annotated[
        float, Setting("what the logarithm of the step's number adds to the logit", at_least=-50, at_most=50)
    ] = 0.25
    hazard_reward: Annotated[
        float, Setting("what the item's reward adds, a share of the largest reward", at_least=-50, at_most=50)
    ] = -3.0
    hazard_recent: Annotated[
        float, Setting("what the mean reward of the item and the last 4 adds", at_least=-50, at_most=50)
    ] = -6.0
    hazard_shared: Annotated[
        float, Setting("what each of the last 4 items adds that shares the item's category", at_least=-50, at_most=50)
    ] = 0.7
    hazard_spread: Annotated[
        float, Setting("standard deviation of the users' own parts of the logit", at_least=0, at_most=10)
    ] = 0.5
    return_hours: Annotated[
        float, Setting("median hours until a user returns who gives rewards of 0", above=0, at_most=1e6)
    ] = 120.0
    return_satisfaction: Annotated[
        float, Setting("what the visit's mean reward adds to the logarithm of these hours", at_least=-50, at_most=50)
    ] = -3.0
    return_spread: Annotated[float, Setting("standard deviation of the logarithm of these hours", at_least=0, at_most=10)] = 0.6

    @property
    def visits(self) -> dict[str, float]:
        """The settings that are read only if users leave by a hazard."""
        return {name: value for name, value in vars(self).items() if name.startswith(("hazard_", "return_"))}
