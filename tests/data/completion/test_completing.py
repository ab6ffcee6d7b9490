from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darlr.data.completion import completing as completion
from darlr.data.completion.completing import Exposed, complete, observed
from darlr.data.completion.files import Completion
from darlr.data.completion.settings import CompletionConfig
from darlr.data.parsing.matrices import read_integer_matrix
from darlr.data.readers.coat import SOURCE as COAT
from darlr.errors import InputError, RunError
from darlr.seeding import numpy_generator

QUICK = CompletionConfig(factors=(2,), factor_penalties=(1.0,), bias_penalties=(1.0,), sweeps=4, folds=5)


def silent(done: int, total: int) -> None:
    pass


def exposed(seed: int = 0, n_users: int = 40, n_items: int = 30, share: float = 0.3) -> Exposed:
    """Whole ratings 1..5 of tastes along one direction."""
    random = np.random.default_rng(seed)
    users, items = np.nonzero(random.random((n_users, n_items)) < share)
    taste = np.outer(random.normal(0, 1, n_users), random.normal(0, 1, n_items)) + random.normal(3, 0.3, (n_users, n_items))
    return Exposed(users, items, np.rint(taste[users, items]).clip(1, 5), n_users, n_items, {"drawn.txt": "abc"})


def run(ratings: Exposed, settings: CompletionConfig, out: Path) -> Completion:
    return complete(ratings, settings, numpy_generator(settings.seed, "completion"), out, silent)


def test_same_settings_make_the_same_bytes(tmp_path: Path) -> None:
    first = run(exposed(), QUICK, tmp_path / "a.npy")
    run(exposed(), QUICK, tmp_path / "b.npy")
    other = run(exposed(), replace(QUICK, seed=1), tmp_path / "c.npy")
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert other.sha256 != first.sha256


def test_rewards_are_whole_and_inside(tmp_path: Path) -> None:
    rewards = run(exposed(), QUICK, tmp_path / "t.npy").rewards
    assert rewards.shape == (40, 30)
    assert rewards.dtype == np.float32
    assert set(np.unique(rewards)) == {1.0, 2.0, 3.0, 4.0, 5.0}


def test_rewards_stay_as_predicted_but_cut_where_they_are_not_whole(tmp_path: Path) -> None:
    clicks = exposed()
    clicks = replace(clicks, rewards=(clicks.rewards > 3).astype(np.float64))
    rewards = run(clicks, replace(QUICK, minimum=0.0, maximum=1.0, whole=False), tmp_path / "t.npy").rewards
    assert (rewards.min(), rewards.max()) == (0.0, 1.0)
    assert len(np.unique(rewards)) > 500


def test_blocks_do_not_change_the_matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.array(run(exposed(), replace(QUICK, whole=False), tmp_path / "a.npy").rewards)
    monkeypatch.setattr(completion, "CELLS_AT_ONCE", 70)  # two users
    rewards = run(exposed(), replace(QUICK, whole=False), tmp_path / "b.npy").rewards
    np.testing.assert_allclose(rewards, whole, rtol=1e-6)


def test_pairs_that_repeat_count_once_with_their_mean() -> None:
    ratings = Exposed(np.array([1, 0, 1, 1]), np.array([2, 0, 2, 2]), np.array([1.0, 5.0, 2.0, 3.0]), 2, 3, {})
    pairs = observed(ratings, replace(QUICK, folds=2))
    assert (pairs.users.tolist(), pairs.items.tolist(), pairs.values.tolist()) == ([0, 1], [0, 2], [5.0, 2.0])


def test_held_out_ratings_choose_and_every_trial_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    settings = replace(QUICK, factors=(0, 2), factor_penalties=(1.0, 1000.0), folds_tested=2, sweeps=6)
    manifest = complete(
        exposed(), settings, np.random.default_rng(0), tmp_path / "t.npy", lambda done, total: told.append((done, total))
    ).manifest
    errors = {(tried["factors"], tried["factor_penalty"]): tried["held_out_rmse"] for tried in manifest["candidates"]}
    assert errors.keys() == {(0, 1.0), (0, 1000.0), (2, 1.0), (2, 1000.0)}
    assert manifest["chosen"]["factors"] == 2
    assert manifest["chosen"]["factor_penalty"] == 1.0
    assert manifest["chosen"]["held_out_rmse"] == min(errors.values())
    assert errors[2, 1000.0] == pytest.approx(errors[0, 1.0], abs=1e-3)  # such a penalty leaves biases alone
    assert told == [(done, (4 * 2 + 1) * 6) for done in range(1, (4 * 2 + 1) * 6 + 1)]


def test_held_out_error_is_that_of_ratings_not_fitted(tmp_path: Path) -> None:
    """Noise cannot be predicted: after a close fit, held-out errors are still as large as the noise."""
    random = np.random.default_rng(1)
    users, items = np.nonzero(random.random((60, 50)) < 0.5)
    noise = Exposed(users, items, random.integers(1, 6, len(users)).astype(float), 60, 50, {})
    manifest = run(noise, replace(QUICK, factors=(15,), folds_tested=2), tmp_path / "t.npy").manifest
    spread = noise.rewards.std()
    assert manifest["fitted_rmse"] < 0.7 * spread
    assert manifest["chosen"]["held_out_rmse"] > 0.95 * spread


def test_manifest_tells_what_was_made(tmp_path: Path) -> None:
    made = run(exposed(), QUICK, tmp_path / "t.npy")
    matrix = made.manifest["matrix"]
    values, counts = np.unique(made.rewards, return_counts=True)
    assert matrix["histogram"] == {"edges": [0.5, 1.5, 2.5, 3.5, 4.5, 5.5], "counts": counts.tolist()}
    assert matrix["mean"] == pytest.approx(float((values * counts).sum() / counts.sum()))
    assert matrix["shape"] == [40, 30]
    assert made.manifest["inputs"] == {"drawn.txt": "abc"}
    assert made.manifest["ratings"]["pairs"] == len(exposed().users)
    assert made.manifest["settings"]["sweeps"] == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"items": np.array([0, 1])}, "have 3 users, 2 items and 3 rewards; expected as many of each"),
        ({"users": np.array([0, 4, 1])}, r"users lie in 0\.\.4; expected 0\.\.3"),
        ({"items": np.array([0, -1, 1])}, r"items lie in -1\.\.1; expected 0\.\.4"),
        ({"rewards": np.array([1.0, np.nan, 2.0])}, "reward in row 1 is not finite"),
    ],
)
def test_ratings_that_cannot_be(change: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"users": np.array([0, 3, 1]), "items": np.array([0, 4, 1]), "rewards": np.array([1.0, 2.0, 3.0])}
    with pytest.raises(InputError, match=message):
        Exposed(**{**good, **change}, n_users=4, n_items=5, inputs={})


def test_ratings_that_cannot_be_completed(tmp_path: Path) -> None:
    few = Exposed(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2]), np.array([1.0, 2.0, 3.0, 4.0]), 2, 3, {})
    with pytest.raises(InputError, match="3 pairs of users and items were exposed; expected at least 5, one a fold"):
        run(few, QUICK, tmp_path / "t.npy")
    outside = replace(exposed(), rewards=exposed().rewards + 1)
    with pytest.raises(InputError, match=r"reward in row \d+ is 6; expected 1\.\.5"):
        run(outside, QUICK, tmp_path / "t.npy")
    assert list(tmp_path.iterdir()) == []


def test_interrupting_leaves_what_was_there(tmp_path: Path) -> None:
    before = run(exposed(), QUICK, tmp_path / "t.npy")
    content = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def interrupt(done: int, total: int) -> None:
        if done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        complete(exposed(seed=5), QUICK, np.random.default_rng(0), tmp_path / "t.npy", interrupt)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == content
    assert before.sha256 in content["t.json"].decode()


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_fitted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    sweeps: list[int] = []
    with pytest.raises(RunError, match="file: cannot be made"):
        complete(
            exposed(), QUICK, np.random.default_rng(0), tmp_path / "file" / "t.npy", lambda done, total: sweeps.append(done)
        )
    assert sweeps == []


@pytest.mark.slow
def test_coats_completion_agrees_with_the_published_matrix(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    """Chosen by held-out ratings alone, it equals the published matrix on at least 85% of the cells and is off by at most 1."""
    folder = real_data("coat")
    drawn = read_integer_matrix(folder / "test.ascii", (290, 300), 0, 5)
    users, items = np.nonzero(drawn)
    ratings = Exposed(users, items, drawn[users, items].astype(np.float64), 290, 300, {})
    rewards = run(ratings, COAT.completion, tmp_path / "t.npy").rewards
    published = read_integer_matrix(folder / "coat_pseudoGT_ratingM.ascii", (290, 300), 1, 5)
    assert (rewards == published).mean() >= 0.85
    assert np.abs(rewards - published).max() <= 1
