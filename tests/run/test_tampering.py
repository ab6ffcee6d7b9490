"""Finished runs whose files were changed: every reader refuses them in one line that names the change."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from darlr.api.run import Run
from darlr.artifacts import RunFolder
from darlr.artifacts.beginning import SETTINGS
from darlr.artifacts.sealing import CHECKSUM
from darlr.errors import InputError
from darlr.evaluation.finished import SUMMARY_SHAPE
from darlr.evaluation.user_returns import USER_RETURNS, read_user_returns, write_user_returns
from darlr.report.analysis.against_lists import against_lists_table
from darlr.report.analysis.difference import compare
from darlr.report.analysis.runs import collect
from darlr.run.evaluating import evaluate_run
from darlr.serving.messages import Request
from darlr.serving.recommender import Recommender
from tests.runs import Listener, TrainedOnce, train_small
from tests.tampering import as_before, edit_json, edit_tensors, with_value
from tests.worlds import CPU

Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def finished(trained_once: TrainedOnce, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained_once(tmp_path_factory.mktemp("finished")).path


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy with the world models that it shares."""
    shutil.copytree(finished.parents[2], tmp_path, dirs_exist_ok=True)
    return tmp_path / finished.relative_to(finished.parents[2])


def report(run: Path) -> object:
    return collect([run])


def evaluate(run: Path) -> object:
    return evaluate_run(run, "nx_0", "greedy", 3, None, 0, None, CPU)


def recommend(run: Path) -> object:
    return Recommender.load(run).recommend([Request()], 3)


def compared(run: Path) -> object:
    return compare(run, Path(shutil.copytree(run, run.parents[2] / "copy" / "dorl" / run.name)))


def opened(run: Path) -> object:
    return Run.open(run).summary


USES: dict[str, Callable[[Path], object]] = {
    "report": report,
    "compare": compared,
    "evaluate": evaluate,
    "recommend": recommend,
    "open": opened,
    "train": lambda run: train_small(run.parents[2]),
}
SHOWING = ["report", "compare", "open"]


def lines_of(run: Path) -> list[str]:
    return (run / "metrics.jsonl").read_text().splitlines(keepends=True)


def rewrite(run: Path, lines: list[str]) -> None:
    (run / "metrics.jsonl").write_text("".join(lines))


def edit_record(run: Path, number: int, name: str, value: Any) -> None:
    lines = lines_of(run)
    lines[number - 1] = json.dumps({**json.loads(lines[number - 1]), name: value}) + "\n"
    rewrite(run, lines)


def refusal(use: Callable[[Path], object], run: Path) -> str:
    with pytest.raises(InputError) as refused:
        use(run)
    text = str(refused.value)
    assert "\n" not in text
    assert len(text) < 1200
    return text


@pytest.mark.parametrize("use", USES)
def test_an_honest_run_is_used_with_and_without_checksums(run: Path, use: str) -> None:
    USES[use](run)
    shutil.rmtree(run.parents[2] / "copy", ignore_errors=True)
    as_before(run)
    USES[use](run)


RECORDS: dict[str, tuple[Change, str]] = {
    "first edited": (lambda run: edit_record(run, 1, "simulator/sampled/r_tra", 99.0), "metrics.jsonl:1: "),
    "last edited": (lambda run: edit_record(run, 3, "nx_0/sampled/r_tra", 99.0), "metrics.jsonl:3: "),
    "seconds edited": (lambda run: edit_record(run, 2, "seconds/testing", 9.0), "metrics.jsonl:2: "),
    "figure added": (lambda run: edit_record(run, 2, "nx_0/sampled/new", 1.0), "metrics.jsonl:2: "),
    "chain edited": (lambda run: edit_record(run, 2, "chain", "0" * 64), "metrics.jsonl:2: "),
    "first missing": (lambda run: rewrite(run, lines_of(run)[1:]), "metrics.jsonl:1: has epoch 2; expected epoch 1"),
    "middle missing": (lambda run: rewrite(run, [*lines_of(run)[:1], lines_of(run)[2]]), "metrics.jsonl:2: has epoch 3"),
    "last missing": (lambda run: rewrite(run, lines_of(run)[:2]), "2"),
    "reordered": (lambda run: rewrite(run, lines_of(run)[::-1]), "metrics.jsonl:1: has epoch 3"),
    "swapped": (lambda run: rewrite(run, [lines_of(run)[place] for place in (0, 2, 1)]), "metrics.jsonl:2: has epoch 3"),
    "doubled": (lambda run: rewrite(run, [lines_of(run)[place] for place in (0, 1, 1, 2)]), "metrics.jsonl:3: has epoch 2"),
    "renumbered": (lambda run: edit_record(run, 3, "epoch", 4), "metrics.jsonl:3: has epoch 4"),
    "all gone": (lambda run: (run / "metrics.jsonl").unlink(), "0"),
    "text for a number": (lambda run: edit_record(run, 1, "steps", "many"), "metrics.jsonl:1: 'steps' is 'many'"),
}


@pytest.mark.parametrize("change", RECORDS)
@pytest.mark.parametrize("use", SHOWING)
def test_changed_records_are_named(run: Path, use: str, change: str) -> None:
    do, named = RECORDS[change]
    do(run)
    assert named in refusal(USES[use], run)


@pytest.mark.parametrize("change", RECORDS)
def test_a_run_whose_records_were_changed_is_not_trained_on(run: Path, change: str) -> None:
    do, named = RECORDS[change]
    do(run)
    (run / "summary.json").unlink()
    assert named in refusal(USES["train"], run)
    assert not (run / "summary.json").exists()


def test_records_of_another_run_are_refused(run: Path, trained_once: TrainedOnce, tmp_path: Path) -> None:
    other = trained_once(tmp_path / "other", {"seed": 1}).path
    shutil.copy(other / "metrics.jsonl", run)
    assert "metrics.jsonl:1: the record of epoch 1 was edited, or belongs to another run" in refusal(report, run)
    shutil.copy(other / "summary.json", run)
    assert "metrics.jsonl:1: " in refusal(report, run)


def deleting(run: Path) -> Listener:
    class Deleting(Listener):
        def trained(self, record: Any, epochs: int) -> None:
            if record["epoch"] == 2:
                next(run.rglob("metrics.jsonl")).unlink()

    return Deleting()


def test_records_that_vanish_during_a_run_stop_it(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"metrics\.jsonl: was changed or deleted while the run was working on it; stopped"):
        train_small(tmp_path, listener=deleting(tmp_path))
    assert not list(tmp_path.rglob("summary.json"))


SUMMARIES: dict[str, tuple[str, Any]] = {
    "a result": ("nx_0.sampled.r_tra.last20.mean", 99.0),
    "the epochs": ("epochs", 4),
    "an opponent": ("opponents.uniform_random.nx_0.r_tra", 0.0),
    "every user": ("every_user.nx_0.r_tra", 99.0),
    "a new key": ("remark", "fine"),
}


@pytest.mark.parametrize("change", SUMMARIES)
@pytest.mark.parametrize("use", SHOWING)
def test_an_edited_summary_is_named(run: Path, use: str, change: str) -> None:
    edit_json(run / "summary.json", lambda values: with_value(values, *SUMMARIES[change]))
    assert "summary.json: does not match its checksum: it was edited" in refusal(USES[use], run)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("epochs: 3", "epochs: 30"),
        ("seed: 0", "seed: 1"),
        ("method: dorl", "method: mbpo"),
        ("link: identity", "link: log"),
    ],
)
@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("use", [name for name in USES if name != "train"])
def test_an_edited_config_is_named(run: Path, use: str, old: str, new: str, sealed: bool) -> None:
    if not sealed:
        as_before(run)
    file = run / "config.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    assert re.search(r"config\.yaml: (was edited|does not match the folder's name)", refusal(USES[use], run))


def test_a_config_that_was_only_laid_out_anew_is_the_same(run: Path) -> None:
    file = run / "config.yaml"
    file.write_text("# my best run\n" + file.read_text())
    report(run)


@pytest.mark.parametrize("key", ["darlr", "data", "device", SETTINGS, CHECKSUM])
@pytest.mark.parametrize("use", USES)
def test_an_edited_environment_is_named(run: Path, use: str, key: str) -> None:
    value = {"synthetic": "0"} if key == "data" else "1.0"
    edit_json(run / "environment.json", lambda values: with_value(values, key, value))
    assert "environment.json: does not match its checksum" in refusal(USES[use], run)


def test_a_run_does_not_pass_for_an_older_one(run: Path) -> None:
    edit_json(run / "environment.json", lambda values: [values.pop(key) for key in (CHECKSUM, SETTINGS)])
    assert "metrics.jsonl:1: has a 'chain', but environment.json has no checksum" in refusal(report, run)


OLDER: dict[str, tuple[Change, str]] = {
    "record": (lambda run: edit_record(run, 3, "nx_0/sampled/r_tra", 99.0), "summary.json: 'nx_0.sampled.r_tra.paper.mean' is"),
    "summary": (
        lambda run: edit_json(run / "summary.json", lambda values: with_value(values, "nx_0.greedy.length.chosen.mean", 9.0)),
        "summary.json: 'nx_0.greedy.length.chosen.mean' is 9.0, and the records in metrics.jsonl give",
    ),
    "missing": (lambda run: rewrite(run, lines_of(run)[:2]), "summary.json: is of 3 epochs, metrics.jsonl has records of 2"),
    "steps": (
        lambda run: edit_record(run, 3, "steps", None),
        "metrics.jsonl: '[2].steps' is None; expected a whole number of at least 0",
    ),
    "gap": (lambda run: rewrite(run, lines_of(run)[1:]), "metrics.jsonl:1: has epoch 2"),
}


@pytest.mark.parametrize("change", OLDER)
def test_of_older_runs_records_and_summary_have_to_agree(run: Path, change: str) -> None:
    as_before(run)
    do, named = OLDER[change]
    do(run)
    assert named in refusal(report, run)


SHAPES: list[tuple[str, Any, str]] = [
    ("epochs", "3", "'epochs' is '3'; expected a whole number of at least 1"),
    ("epochs", True, "'epochs'"),
    ("steps", None, "'steps' is None"),
    ("seconds", [1.0], "'seconds' is [1.0]; expected an object"),
    ("seconds.testing", "long", "'seconds.testing' is 'long'; expected a finite number"),
    ("nx_0", 5, "'nx_0' is 5; expected an object"),
    ("nx_0.sampled.r_tra", {"mean": 1}, "'nx_0.sampled.r_tra.paper' is missing"),
    ("nx_0.sampled.r_tra.last20", {"mean": 1}, "'nx_0.sampled.r_tra.last20.std' is missing"),
    ("nx_0.sampled.r_tra.median", True, "'nx_0.sampled.r_tra.median' is True; expected an object"),
    ("off_policy", {"estimates": {}}, "'off_policy.logged' is missing"),
    ("opponents", [], "'opponents' is []; expected an object"),
    ("opponents.uniform_random", 3.0, "'opponents.uniform_random' is 3.0; expected an object"),
    ("opponents.uniform_random.nx_0.r_tra", "5", "'opponents.uniform_random.nx_0.r_tra' is '5'; expected a finite number"),
    ("every_user", "all", "'every_user' is 'all'"),
    ("categories", {"a": {"dominant": 1}}, "'categories.a.liked' is missing"),
    ("peak_memory_mib", 10**400, "'peak_memory_mib' is "),
    ("chosen_epoch", 1.5, "'chosen_epoch' is 1.5"),
]


@pytest.mark.parametrize(("path", "value", "named"), SHAPES)
def test_a_summary_of_another_shape_is_named_by_its_key(run: Path, path: str, value: Any, named: str) -> None:
    with RunFolder.open(run) as folder:
        summary = folder.read_summary()
        with_value(summary, path, value)
        folder.write_summary(summary)
    for use in SHOWING:
        assert f"summary.json: {named}" in refusal(USES[use], run)


POLICIES: list[tuple[Callable[[dict[str, Any], dict[str, Any]], object], str]] = [
    (lambda tensors, state: state.pop("reward_range"), "'reward_range' is missing"),
    (lambda tensors, state: state.update(reward_range=[1.0]), "'reward_range' is [1.0]; expected a list of 2"),
    (lambda tensors, state: state.update(reward_range=[5.0, 1.0]), "'reward_range' is [5.0, 1.0]"),
    (lambda tensors, state: state.update(epoch="2"), "'epoch' is '2'"),
    (lambda tensors, state: state.update(user_ids=7), "'user_ids' is 7; expected a list"),
    (lambda tensors, state: state.pop("config"), "'config' is missing"),
    (lambda tensors, state: tensors.pop("users"), "tensor 'users' is missing"),
    (lambda tensors, state: tensors.update(users=tensors["users"].float()), "tensor 'users' is torch.float32"),
    (lambda tensors, state: tensors.update(items=tensors["items"] + 1000), "tensor 'items' has values from 1000"),
    (lambda tensors, state: tensors.update(items=tensors["items"] * 0), "tensor 'items' has an index twice"),
    (lambda tensors, state: tensors.update(membership=tensors["membership"][:3]), "tensor 'membership' is torch.bool [3, "),
    (lambda tensors, state: tensors.update(extra=torch.zeros(1)), "tensor 'extra' is not expected"),
    (lambda tensors, state: tensors["policy.actor.bias"].fill_(torch.nan), "tensor 'policy.actor.bias' has a value that is no"),
    (lambda tensors, state: tensors.update({"policy.actor.bias": torch.zeros(3)}), "tensor 'actor.bias' is torch.float32 [3]"),
    (lambda tensors, state: tensors.pop("policy.actor.bias"), "tensor 'actor.bias' is missing"),
    (
        lambda tensors, state: tensors.update({"policy.actor.bias": tensors["policy.actor.bias"].double()}),
        "tensor 'actor.bias' is torch.float64",
    ),
]


@pytest.mark.parametrize("case", range(len(POLICIES)))
def test_a_policy_of_another_shape_is_named(run: Path, case: int) -> None:
    change, named = POLICIES[case]
    edit_tensors(run / "policy.safetensors", change)
    text = refusal(recommend, run)
    assert "policy.safetensors: " in text
    assert named in text


WORLD_MODELS: list[tuple[Callable[[dict[str, Any], dict[str, Any]], object], str]] = [
    (lambda tensors, state: state.update(members=10**12), "tensor 'table' is torch.float32 [2, "),
    (lambda tensors, state: state.update(embedding_size=2**62), "tensor 'table' is"),
    (lambda tensors, state: state.update(hidden_sizes=[10**12]), "tensor 'head' is"),
    (lambda tensors, state: state.update(hidden_sizes="8"), "'hidden_sizes' is '8'; expected a list"),
    (lambda tensors, state: state.update(rows=3), "tensor 'table' is"),
    (lambda tensors, state: state.update(members="2"), "'members' is '2'"),
    (lambda tensors, state: state.pop("scale"), "'scale' is missing"),
    (
        lambda tensors, state: state.update(scale={"centre": 1.0, "spread": 0.0}),
        "'scale.spread' is 0.0; expected a number above 0",
    ),
    (lambda tensors, state: state.update(kind="none"), "unknown world model 'none'"),
    (lambda tensors, state: state.update(kind="factors"), "'log_noise' is missing"),
    (lambda tensors, state: state.pop("fit"), "'fit' is missing"),
    (lambda tensors, state: tensors["table"].fill_(torch.inf), "tensor 'table' has a value that is no finite number"),
    (lambda tensors, state: tensors.pop("head"), "tensor 'head' is missing"),
    (lambda tensors, state: tensors["inputs.user_codes"].fill_(10**9), "tensor 'inputs.user_codes' has values from 1000000000"),
    (
        lambda tensors, state: tensors.update({"inputs.item_codes": tensors["inputs.item_codes"].int()}),
        "'item_codes' is torch.int32",
    ),
]


@pytest.mark.parametrize("case", range(len(WORLD_MODELS)))
def test_a_world_model_of_another_shape_is_named(run: Path, case: int) -> None:
    change, named = WORLD_MODELS[case]
    edit_tensors(run / "world_model.safetensors", change)
    text = refusal(recommend, run)
    assert "world_model.safetensors: " in text
    assert named in text


FACTORS: list[tuple[Callable[[dict[str, Any], dict[str, Any]], object], str]] = [
    (lambda tensors, state: tensors.pop("shares"), "tensor 'shares' is missing"),
    (lambda tensors, state: tensors.update({"users.means": tensors["users.means"][:, :1]}), "[40, 1, 1]"),
    (lambda tensors, state: state.update(log_noise=-1.0), "'log_noise' is -1.0; expected a number above 0"),
    (lambda tensors, state: state["response_scale"].update(link="cube"), "'response_scale.link' is 'cube'; expected one of"),
    (lambda tensors, state: state["fit"].pop("activity_exponent"), "'activity_exponent' is missing"),
    (lambda tensors, state: tensors["items.of_code"].fill_(99), "tensor 'items.of_code' has values from 99"),
]


@pytest.mark.parametrize("case", range(len(FACTORS)))
def test_a_factor_model_of_another_shape_is_named(run: Path, tmp_path: Path, case: int) -> None:
    change, named = FACTORS[case]
    (run / "summary.json").unlink()
    own = (run / "world_model.safetensors").read_bytes()
    [model] = [file for file in tmp_path.rglob("world-models/*.safetensors") if file.read_bytes() != own]
    edit_tensors(model, change)
    text = refusal(USES["train"], run)
    assert model.name in text
    assert named in text


CHECKPOINTS: list[tuple[Callable[[dict[str, Any], dict[str, Any]], object], str]] = [
    (lambda tensors, state: state.pop("steps"), "'steps' is missing"),
    (lambda tensors, state: state.update(best="high"), "'best' is 'high'; expected a finite number"),
    (lambda tensors, state: state.update(epoch=-1), "'epoch' is -1"),
    (lambda tensors, state: tensors.pop("policy.critic.bias"), "tensor 'critic.bias' is missing"),
    (lambda tensors, state: tensors["policy.critic.bias"].fill_(torch.nan), "no finite number"),
    (lambda tensors, state: tensors.update({"optimiser.0.exp_avg": torch.zeros(2)}), "tensor 'exp_avg' is torch.float32 [2]"),
    (lambda tensors, state: tensors.pop("optimiser.0.step"), "tensor 'step' is missing"),
    (lambda tensors, state: tensors.update({"optimiser.999.step": torch.zeros(())}), "does not hold what this version"),
    (lambda tensors, state: tensors.update({"optimiser.x.step": torch.zeros(())}), "does not hold what this version"),
]


@pytest.mark.parametrize("case", range(len(CHECKPOINTS)))
def test_a_checkpoint_of_another_shape_is_named(run: Path, case: int) -> None:
    change, named = CHECKPOINTS[case]
    (run / "summary.json").unlink()
    edit_tensors(run / "checkpoint.safetensors", change)
    text = refusal(USES["train"], run)
    assert "checkpoint.safetensors: " in text
    assert named in text


def test_every_key_of_a_summary_has_a_shape(run: Path) -> None:
    """A new key of summary.json needs an entry in `SUMMARY_SHAPE`."""
    assert RunFolder.open(run).read_summary().keys() <= SUMMARY_SHAPE.required.keys() | SUMMARY_SHAPE.others.keys()


def test_returns_by_user_have_to_give_the_summarys_mean(run: Path) -> None:
    users, returns = read_user_returns(run / USER_RETURNS)
    write_user_returns(run / USER_RETURNS, users, {**returns, "policy": returns["policy"] + 1.0})
    [group] = next(iter(collect([run]).groups.values()))
    with pytest.raises(InputError, match=r"user_returns\.parquet: the mean of 'policy' is"):
        against_lists_table("synthetic", [group])
