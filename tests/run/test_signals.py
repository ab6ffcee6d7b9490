"""Each signal of a log is judged by itself."""

import json
from pathlib import Path

import numpy as np
import pytest

from darlr.artifacts.schema import require
from darlr.config.loading import merge
from darlr.data.readers.folder import read_folder
from darlr.evaluation.finished import SUMMARY_SHAPE
from darlr.run.training import train_on
from tests.runs import SMALL, Listener
from tests.worlds import CPU


def test_held_out_rows_judge_each_signal(tmp_path: Path) -> None:
    """Users click odd items and hate every seventh; nobody follows."""
    random, rows = np.random.default_rng(0), ["user_id,item_id,click,hate,follow"]
    rows += [
        f"{user},{item},{item % 2},{int(item % 7 == 0)},0"
        for user in range(40)
        for item in random.permutation(40)[:20].tolist()
    ]
    (tmp_path / "log.csv").write_text("\n".join(rows) + "\n")
    reward = "{feedback: ratings, minimum: -2, maximum: 1.5, signals: [click=1, hate=-2, follow=0.5], positive_threshold: 1}"
    (tmp_path / "dataset.yaml").write_text(f"files: {{interactions: log.csv}}\nreward: {reward}\nleave: {{by: never}}\n")
    values = merge(SMALL, {"method": "bayes-adaptive", "training": {"epochs": 1}, "evaluation": {"held_out": 0.3}})
    summary = train_on(read_folder(tmp_path), values, tmp_path / "runs", CPU, Listener()).summary
    require(json.loads(json.dumps(summary)), SUMMARY_SHAPE, "summary")
    assert set(summary["signals"]) == {"click", "hate"}
    assert set(summary["signals"]["click"]) == {"policy", *summary["opponents"]}
    clicks, hates = (summary["signals"][signal]["policy"]["ndcg_10"] for signal in ("click", "hate"))
    assert clicks > hates + 0.1
    assert clicks == pytest.approx(summary["every_user"]["held_out"]["ndcg_10"], abs=0.2)
