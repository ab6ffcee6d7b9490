"""Settings of the world model."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from darlr.config.constraints import SINGLE, Section, Setting

LossKind = Literal["auto", "logged", "negatives"]


@dataclass(frozen=True)
class WorldModelConfig(Section):
    """The world model, and how it is fitted."""

    KEY: ClassVar[str] = "world_model"

    kind: Annotated[str, Setting("name of the kind of world model")] = "deepfm"
    members: Annotated[int, Setting("M, number of networks in the ensemble", at_least=1, at_most=1_000)] = 5
    embedding_size: Annotated[
        int,
        Setting("size of an embedding; published: 8 (KuaiRand 4); 16 ranks held-out rows better", at_least=1, at_most=10_000),
    ] = 16
    hidden_sizes: Annotated[
        tuple[int, ...], Setting("sizes of the hidden layers; published: 128, 128", at_least=1, filled=True, at_most=100_000)
    ] = (64, 64)
    loss: Annotated[
        LossKind,
        Setting("logged: logged rows alone; negatives: random pairs, too; auto: negatives if all rows are positive"),
    ] = "auto"
    error: Annotated[Literal["gaussian", "squared"], Setting("squared: no variance is learned (IPS, UCB, epsilon-greedy)")] = (
        "gaussian"
    )
    weighting: Annotated[
        Literal["equal", "inverse_count"],
        Setting("weights of logged rows; inverse_count: 1 / (rows about the item), as in IPS"),
    ] = "equal"
    negatives_per_row: Annotated[
        int,
        Setting("number of random pairs for each logged row; published: 3 on KuaiRec, 5 elsewhere", at_least=1, at_most=1_000),
    ] = 5
    batch_size: Annotated[
        int,
        Setting(
            "rows in a batch; 0: about 1/512 of the log's, 256 to 8,192; published: 4096, Coat 1024, Yahoo 128",
            at_least=0,
            at_most=10_000_000,
        ),
    ] = 0
    learning_rate: Annotated[
        float, Setting("largest step size of Adam; published: 0.001, constant", above=0, at_most=SINGLE)
    ] = 5e-3
    schedule: Annotated[
        Literal["one_cycle", "constant"],
        Setting("schedule of the step size; one_cycle: it rises in the first tenth of `max_epochs`, then falls to 0"),
    ] = "one_cycle"
    weight_decay: Annotated[
        float,
        Setting(
            "factor of the weights that are added to their gradients; published: 0.2 on a loss summed over the batch",
            at_least=0,
            at_most=1_000,
        ),
    ] = 1e-2
    table_updates: Annotated[
        Literal["all", "batch"],
        Setting(
            "rows of the table of embeddings that a step of Adam changes; batch: those of the batch alone, much faster where "
            "users and items are very many, but another way of learning"
        ),
    ] = "all"
    max_epochs: Annotated[
        int,
        Setting(
            "largest number of epochs; 0: from 20 on small logs to 1 on large ones; published: 5, without early stopping",
            at_least=0,
            at_most=1_000_000,
        ),
    ] = 0
    patience: Annotated[
        int, Setting("number of epochs without a better held-out loss after which the fit stops", at_least=1, at_most=1_000_000)
    ] = 5
    held_out: Annotated[
        float, Setting("share of the log's rows that each member holds out for early stopping", above=0, below=1)
    ] = 0.1
    members_apart: Annotated[
        bool,
        Setting(
            "whether members are trained one by one: slower on one machine, but a Ray cluster can share the work; "
            "the numbers differ in their last digits"
        ),
    ] = False
