"""The command behind `make results`: methods tuned, trained and written into a table, once."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from experiments import fair
from experiments.fair_plan import Plan

from darlr._version import __version__
from darlr.artifacts import RunFolder
from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import stable_hash, to_mapping
from darlr.config.yaml_text import read_yaml, yaml_text
from darlr.evaluation.summary import summarise
from darlr.methods.registry import METHODS
from darlr.sweep.grid import Grid
from darlr.sweep.plan import Cell
from darlr.sweep.plan import plan as planned
from tests.conftest import REPOSITORY
from tests.report.analysis.test_results import made_up

PLAN: dict[str, Any] = {
    "seeds": [0, 1],
    "methods": ["epsilon-greedy", "mbpo"],
    "untuned": ["gt"],
    "trials": 2,
    "worlds": {
        "synthetic": {
            "tuning_epochs": 1,
            "epochs": 2,
            "settings": {
                "synthetic": {"users": 40, "items": 30},
                "world_model": {"members": 2, "max_epochs": 2},
                "tracker": {"kind": "mean"},
                "training": {"steps_per_epoch": 500, "environments": 20},
                "evaluation": {"episodes": 10},
            },
        }
    },
}

SYNTHETIC: dict[str, Any] = PLAN["worlds"]["synthetic"]
TWO_WORLDS: dict[str, Any] = {
    "users leave": SYNTHETIC | {"dataset": "synthetic"},
    "users stay": SYNTHETIC | {"dataset": "synthetic", "settings": SYNTHETIC["settings"] | {"leave": {"by": "never"}}},
}


def make(plan: Path, out: Path, table: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "experiments.fair", str(plan), "--out", str(out), "--table", str(table)]
    return subprocess.run(command, cwd=REPOSITORY, check=False, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file"),
        ("", "expected a mapping of keys to values"),
        ("trials: 2\n", "'seeds' is missing; expected seeds, methods, untuned, trials, worlds"),
        (yaml.safe_dump(PLAN | {"trails": 2}), "unknown key 'trails'; did you mean 'trials'?"),
        (yaml.safe_dump(PLAN | {"untuned": None}), "'untuned' is None; expected a list"),
        (yaml.safe_dump(PLAN | {"trials": True}), "'trials' is True; expected a whole number of at least 0"),
        (yaml.safe_dump(PLAN | {"own": ["gt"]}), "'own' is ['gt']; expected a mapping"),
        (yaml.safe_dump(PLAN | {"worlds": ["coat"]}), "'worlds' is ['coat']; expected a mapping from worlds to schedules"),
        (yaml.safe_dump(PLAN | {"worlds": {"coat": None}}), "world 'coat': is None; expected a mapping with tuning_epochs"),
        (yaml.safe_dump(PLAN | {"worlds": {"coat": {"epochs": 2}}}), "world 'coat': 'tuning_epochs' is missing"),
        (yaml.safe_dump(PLAN | {"worlds": {"a/b": SYNTHETIC}}), "world 'a/b': cannot be part of a file's name"),
        (
            yaml.safe_dump(PLAN | {"worlds": {"coat": SYNTHETIC | {"epochs": 0}}}),
            "world 'coat': 'epochs' is 0; expected a whole",
        ),
        (
            yaml.safe_dump(PLAN | {"worlds": {"a": SYNTHETIC | {"dataset": 3}}}),
            "world 'a': 'dataset' is 3; expected a name or a",
        ),
        (yaml.safe_dump(PLAN | {"worlds": {"movielens-1m": SYNTHETIC}}), "no world has its files; movielens-1m: left out"),
    ],
)
def test_a_plan_that_cannot_be_used_is_refused_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str | None, message: str
) -> None:
    plan = tmp_path / "plan.yaml"
    if text is not None:
        plan.write_text(text)
    monkeypatch.setattr(
        sys, "argv", ["fair", str(plan), "--out", str(tmp_path / "fair"), "--table", str(tmp_path / "table.md")]
    )
    with pytest.raises(SystemExit) as ended:
        fair.main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith(f"fair: {plan}: {message}")
    assert told.count("\n") == 1
    assert not (tmp_path / "fair").exists()


class Commands:
    """Stands in for the commands of darlr, and leaves files as they would."""

    def __init__(self, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.out, self.asked, self.failing = out, list[tuple[str, ...]](), set[str]()
        monkeypatch.setattr(fair, "_darlr", self)

    def __call__(self, command: str, *arguments: object) -> int:
        given = tuple(map(str, arguments))
        self.asked.append((command, *given))
        if command == "tune":
            self._tune(*(given[given.index(option) + 1] for option in ("--dataset", "--method", "--config", "--epochs")))
        else:
            for cell in planned(Grid.read(Path(given[0])).points(), None, self.out / "runs"):
                if cell.config.method not in self.failing:
                    self._train(cell.run, cell.config)
        return 3 if self.failing else 0

    def _tune(self, dataset: str, method: str, config: str, epochs: str) -> None:
        shared = read_yaml(Path(config))
        shared["training"] = shared.get("training", {}) | {"epochs": int(epochs)}
        study = self.out / "tuning" / dataset / method / f"study-{stable_hash(shared)}"
        study.mkdir(parents=True, exist_ok=True)
        trial = {"value": 1.0, "settings": {"a2c.discount": 0.5}, "state": "finished", "seconds": 60.0}
        budget = {"trials": 2, "epochs_a_run": 1, "seconds": 60.0}
        written = {"trials": [trial], "best": 1, "budget": budget, "measure": {"what": "return"}, "settings": shared}
        (study / "study.json").write_text(json.dumps(written))

    def _train(self, path: Path, config: ExperimentConfig) -> None:
        if path.exists():
            return
        with RunFolder.create(path, to_mapping(config), {"darlr": __version__, "data": {}}) as folder:
            records = made_up([70.0] * config.training.epochs, {"seconds/learning": 3600.0})
            for record in records:
                folder.append_metrics(record)
            judged = {
                "opponents": {"popular": {"nx_0": {"r_tra": 60.0}}},
                "every_user": {"nx_0": {"r_tra": 61.0 + config.seed}},
            }
            folder.write_summary(summarise(records) | judged)
        (path / "policy.safetensors").touch()

    def grid(self, world: str) -> Any:
        return read_yaml(self.out / "grids" / f"{world}.yaml")


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    monkeypatch.setattr(Cell, "is_finished", lambda cell: True)
    # The made-up runs have no hashes of data, which the plan of a sweep would compare.
    monkeypatch.setattr(RunFolder, "require_same", lambda folder, config, environment: None)
    return Commands(tmp_path / "fair", monkeypatch)


def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plan: Any, *more: str) -> str:
    """Make the table of the plan in this process; returns its text."""
    (tmp_path / "plan.yaml").write_text(yaml_text(plan))
    table = tmp_path / "table.md"
    command = ["fair", str(tmp_path / "plan.yaml"), "--out", str(tmp_path / "fair"), "--table", str(table), *more]
    monkeypatch.setattr(sys, "argv", command)
    fair.main()
    return table.read_text() if table.exists() else ""


def test_two_worlds_of_one_data_set_are_columns_of_one_table(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = run(tmp_path, monkeypatch, PLAN | {"worlds": TWO_WORLDS})
    assert "| method | learns from | mean rank | users leave | users stay | training, s | tuning, s |" in text
    assert "| epsilon-greedy | nothing | 1.5 | +1.50 ± 6.35, – ·– | +1.50 ± 6.35, – ·– | 7200 | 60 |" in text
    assert "### users stay, what was tuned" in text
    assert "![Mean ranks of the methods](table-ranks.svg)" in text
    assert "![Return against the time of a run](table-cost.svg)" in text
    for name in ("ranks", "cost"):
        assert "<svg" in (tmp_path / f"table-{name}.svg").read_text()
    studies = list((tmp_path / "fair" / "tuning" / "synthetic" / "mbpo").glob("study-*"))
    assert len(studies) == 2  # one for each world, in the place of their data set
    [leave] = [entry["set"] for entry in commands.grid("users leave")["for"] if entry["methods"] == "mbpo"]
    [stay] = [entry["set"] for entry in commands.grid("users stay")["for"] if entry["methods"] == "mbpo"]
    assert "leave" not in leave
    assert stay["leave"] == {"by": "never"}
    assert stay["a2c"] == {"discount": 0.5}


def test_costs_are_told_before_and_after(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, monkeypatch, PLAN, "--dry-run") == ""
    assert commands.asked == []
    assert capsys.readouterr().out.startswith("fair: left: 4 trials and 6 runs, roughly ")
    text = run(tmp_path, monkeypatch, PLAN)
    # Two trials of a minute, and six runs of two epochs of an hour.
    told = (
        "By their records, 2 trials and 6 runs took 12.03 hours of one thread for sampling, learning and testing, by the clock."
    )
    assert told in text
    assert told in capsys.readouterr().out
    assert "All processes of all calls together took 0." in text
    spent = json.loads((tmp_path / "fair" / "cost.json").read_text())["cpu_seconds"]
    run(tmp_path, monkeypatch, PLAN)
    assert json.loads((tmp_path / "fair" / "cost.json").read_text())["cpu_seconds"] > spent


@pytest.mark.parametrize("trials", [0, 1])
def test_without_trials_the_methods_own_settings_count_and_the_page_says_so(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trials: int
) -> None:
    text = run(tmp_path, monkeypatch, PLAN | {"trials": trials})
    assert [command for command, *_ in commands.asked] == ["sweep"]
    assert text.startswith("# All methods, with their own settings\n")
    assert "No method is tuned: each has its published or default settings." in text
    assert "what was tuned" not in text
    assert all("a2c" not in entry["set"] for entry in commands.grid("synthetic")["for"])


def test_a_world_whose_files_are_missing_is_left_out_and_named(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DARLR_DATA", str(tmp_path / "data"))
    text = run(tmp_path, monkeypatch, PLAN | {"worlds": PLAN["worlds"] | {"movielens-100k": SYNTHETIC}})
    assert "movielens-100k: left out, since u.data, u.user, u.item of 'movielens-100k' cannot be found" in text
    assert {given[given.index("--dataset") + 1] for command, *given in commands.asked if command == "tune"} == {"synthetic"}


def test_settings_of_the_plan_of_a_world_of_a_method_and_of_trials(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {
        "settings": {"evaluation": {"opponents": ["all"], "episodes": 7}},
        "own": {"mbpo": {"training": {"environments": 5}}},
        "tuning": {"evaluation": {"opponents": ["popular"]}},
    }
    run(tmp_path, monkeypatch, PLAN | more)
    trial = read_yaml(tmp_path / "fair" / "grids" / "synthetic-mbpo-start.yaml")
    assert trial["evaluation"] == {"episodes": 10, "opponents": ["popular"]}
    assert trial["training"] == {"steps_per_epoch": 500, "environments": 5}
    [chosen] = [entry["set"] for entry in commands.grid("synthetic")["for"] if entry["methods"] == "mbpo"]
    assert chosen["evaluation"] == {"episodes": 10, "opponents": [["all"]]}
    assert chosen["training"] == {"steps_per_epoch": 500, "environments": 5, "epochs": 2}


def test_runs_that_fail_are_left_out_named_and_told_by_the_exit_code(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.failing = {"mbpo"}
    with pytest.raises(SystemExit) as ended:
        run(tmp_path, monkeypatch, PLAN)
    assert ended.value.code == 3
    assert "fair: 2 runs failed, such as synthetic mbpo seed 0; the table is made of the others" in capsys.readouterr().err
    assert "2 runs failed and left out: synthetic mbpo seed 0, synthetic mbpo seed 1." in (tmp_path / "table.md").read_text()


def test_without_a_finished_run_there_is_no_table(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.failing = {"mbpo", "epsilon-greedy", "gt"}
    with pytest.raises(SystemExit) as ended:
        run(tmp_path, monkeypatch, PLAN)
    assert ended.value.code == 3
    assert "fair: no run has finished" in capsys.readouterr().err
    assert not (tmp_path / "table.md").exists()


def test_the_table_has_the_runs_of_the_plan_alone(commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for epochs in (2, 3):
        text = run(tmp_path, monkeypatch, PLAN | {"worlds": {"synthetic": SYNTHETIC | {"epochs": epochs}}})
        # A row each at the end of learning, against the best list, over all epochs, and of times; one of what was chosen.
        rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
        assert rows.count("mbpo") == 5
    assert len(list((tmp_path / "fair" / "runs" / "synthetic" / "mbpo").iterdir())) == 4
    assert "summed over the trials" in text


def test_the_great_plans_have_every_method_and_can_be_read() -> None:
    told = {method for method, found in METHODS.items() if found.reward == "truth"}
    ablations = {"darlr-static-reward", "darlr-static-penalty", "darlr-r", "darlr-r-similarity", "darlr-r-diversity"}
    compared = set(METHODS) - told - {"slateq"}  # SlateQ is DQN where a slate has one item
    reduced = Plan.read(REPOSITORY / "experiments" / "fair-reduced.yaml")
    assert (set(reduced.methods), set(reduced.untuned)) == (compared, told)
    great = Plan.read(REPOSITORY / "experiments" / "fair.yaml")
    assert set(great.methods) == compared - ablations
    assert great.untuned == ("gt",)
    assert Plan.read(REPOSITORY / "experiments" / "against-lists.yaml").tunes


@pytest.mark.slow
def test_tunes_trains_and_tells_every_method_once(tmp_path: Path) -> None:
    plan, out, table = tmp_path / "plan.yaml", tmp_path / "fair", tmp_path / "table.md"
    plan.write_text(yaml.safe_dump(PLAN))
    assert make(plan, out, table).returncode == 0
    rows = [line.split("|")[1].strip() for line in table.read_text().splitlines() if line.startswith("| ")]
    assert {"epsilon-greedy", "mbpo", "gt", "popular"} <= set(rows)
    assert table.read_text().startswith("# All methods, tuned alike\n")
    assert "### synthetic, what was tuned" in table.read_text()
    assert rows.count("mbpo") == 5  # last 20% of epochs, against the best list, all epochs, time, and what was chosen for it
    assert len(list(out.glob("tuning/synthetic/*/study-*/study.json"))) == 2
    runs = {file: file.stat().st_mtime_ns for file in out.glob("runs/synthetic/*/*/summary.json")}
    assert len(runs) == 3 * 2
    chosen = yaml.safe_load((out / "grids" / "synthetic.yaml").read_text())["for"]
    assert [entry["methods"] for entry in chosen] == ["epsilon-greedy", "mbpo", "gt"]
    assert all(entry["set"]["training"] == {"steps_per_epoch": 500, "environments": 20, "epochs": 2} for entry in chosen)
    assert "a2c" in chosen[1]["set"]

    table.unlink()
    again = make(plan, out, table)
    assert again.returncode == 0
    assert "fair: left: 0 trials and 0 runs, roughly 0 s of one core" in again.stdout
    assert table.exists()
    assert {file: file.stat().st_mtime_ns for file in out.glob("runs/synthetic/*/*/summary.json")} == runs

    plan.write_text(yaml.safe_dump(PLAN | {"worlds": {"synthetic": SYNTHETIC | {"epochs": 3}}}))
    assert make(plan, out, table).returncode == 0
    rows = [line.split("|")[1].strip() for line in table.read_text().splitlines() if line.startswith("| ")]
    assert rows.count("mbpo") == 5  # its runs of two epochs are there and left out
    assert len(list(out.glob("runs/synthetic/*/*/summary.json"))) == 2 * len(runs)
