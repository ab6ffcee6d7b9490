"""`darlr tune`: a method's settings, searched without the truth."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from darlr.cli.options import WHOLE, DataDir, DatasetName, Device, MethodName, Overrides, Workers, option, processes_of
from darlr.cli.settings import settings_of
from darlr.cli.terminal.pipes import outliving_readers
from darlr.config.constraints import require_between
from darlr.config.experiment import ExperimentConfig, TrainingConfig
from darlr.errors import RunError
from darlr.text import visible

if TYPE_CHECKING:
    from darlr.tuning.trials import Trial

MOST_TRIALS = 100_000
MOST_SEEDS = 1_000
"""The largest number of seeds of a trial."""


def tune(
    dataset: DatasetName = None,
    method: MethodName = None,
    trials: Annotated[int, WHOLE, option("how many settings to try, those tried before included")] = 20,
    epochs: Annotated[int | None, WHOLE, option("epochs of learning of a trial", default=f"{TrainingConfig.epochs}")] = None,
    seed: Annotated[
        int | None, WHOLE, option("first seed of every trial, and of the search", default=f"{ExperimentConfig.seed}")
    ] = None,
    seeds: Annotated[int, WHOLE, option("how many seeds a trial is trained with")] = 1,
    space: Annotated[
        str | None,
        option("what to search, in YAML (docs/tuning.md), or a built-in space's name, as world-model", "FILE", "the method's"),
    ] = None,
    judge: Annotated[
        str | None,
        option(
            "who decides: referee, simulator, ndcg_10, dr, snips or another of docs/tuning.md, or the best one in a "
            "validation.json of darlr validate",
            "JUDGE",
            "referee",
        ),
    ] = None,
    pruning: Annotated[bool, option("stop trials early that do worse than the median of those before")] = True,
    config: Annotated[Path | None, option("settings of every trial in YAML; options go before them", "FILE", "none")] = None,
    overrides: Overrides = (),
    workers: Workers = None,
    out: Annotated[Path, option("where results go", "FOLDER")] = Path("tuning"),
    data_dir: DataDir = None,
    device: Device = "auto",
) -> None:
    """Search a method's settings, by a judge of its policies (a second world model) and never by the truth; it resumes."""
    from darlr.cli.terminal.study import StudyMonitor, trials_table  # noqa: PLC0415
    from darlr.cli.terminal.tables import print_table  # noqa: PLC0415
    from darlr.data.registry import load  # noqa: PLC0415
    from darlr.methods.experiment import experiment_config  # noqa: PLC0415
    from darlr.run.devices import compute_on  # noqa: PLC0415
    from darlr.run.specification import with_canonical_dataset  # noqa: PLC0415
    from darlr.sweep.pool import LocalPool  # noqa: PLC0415
    from darlr.tuning.design import Design  # noqa: PLC0415
    from darlr.tuning.measure import judge_named  # noqa: PLC0415
    from darlr.tuning.search import require_optuna  # noqa: PLC0415
    from darlr.tuning.tuner import tune as run  # noqa: PLC0415

    processes = processes_of(workers)
    require_between("--trials", trials, 1, MOST_TRIALS)
    require_between("--seeds", seeds, 1, MOST_SEEDS)
    require_optuna()
    decides = judge_named(judge)
    compute_on(device, threads=1)
    values = settings_of(config, overrides, {"dataset": dataset, "method": method, "seed": seed}, epochs)
    values = with_canonical_dataset(values, data_dir)
    settings = experiment_config(values)
    with (
        outliving_readers(),
        StudyMonitor(trials, seeds) as monitor,
        LocalPool(processes, data_dir, out, device) as pool,
    ):
        loaded = load(settings, data_dir, monitor.notice)
        design = Design.of(values, space, range(settings.seed, settings.seed + seeds), pruning, loaded, decides)
        tried = run(design, loaded, trials, pool, out, monitor)
    print_table(trials_table(design, tried))
    tell(design.folder(out), tried)


def tell(folder: Path, trials: Sequence["Trial"]) -> None:
    """Print where the results are; raises `RunError` if a trial has not ended, or none has finished."""
    from darlr.tuning.trials import BEST, RESULTS, SWEEP, best_of  # noqa: PLC0415

    best = best_of(trials)
    if best is not None:
        print(visible(f"best settings: {folder / BEST} (darlr train --config), {folder / SWEEP} (darlr sweep)"))
    print(visible(f"all trials: {folder / RESULTS}"))
    begun = [trial for trial in trials if trial.state == "begun"]
    if begun:
        raise RunError(f"{len(begun)} of {len(trials)} trials have not ended: trial {begun[0].number}: {begun[0].error}")
    if best is None:
        errors = [trial for trial in trials if trial.error is not None]
        raise RunError(f"no trial has finished (trial {errors[0].number}: {errors[0].error})")
