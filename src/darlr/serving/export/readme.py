"""The README.md next to an exported policy: what the file is, and how to call it."""

from collections.abc import Mapping
from typing import Any

from darlr.serving.export.onnx_file import OPSET

_TEXT = '''# A recommendation policy

`policy.onnx` recommends items of the data set `{dataset}`. numpy and onnxruntime are all that it needs.

```python
import json

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("policy.onnx")
about = json.loads(session.get_modelmeta().custom_metadata_map["darlr"])
users = {{user: row for row, user in enumerate(about["users"])}}
columns = {{item: column for column, item in enumerate(about["items"])}}


def recommend(user=None, items=(), rewards=(), count=10, without=(){argument}):
    """The best items, and their probabilities, after what the user was recommended lately and gave for it, oldest first."""
    recent = [(columns[item], reward) for item, reward in zip(items, rewards) if item in columns]
    blocked = np.zeros((1, len(columns)), bool)
    blocked[0, [columns[item] for item in (*items, *without) if item in columns]] = True
    feed = {{
        "user": np.array([users.get(user, -1)]),
        "items": np.array([[column for column, _ in recent]], np.int64),
        "rewards": np.array([[reward for _, reward in recent]], np.float32),
        "length": np.array([len(recent)]),
        "blocked": blocked,
    }}
{feed}    scores, probabilities = session.run(["scores", "probabilities"], feed)
    best = np.argsort(-scores[0], kind="stable")[:count]
    return [(about["items"][column], float(probabilities[0, column])) for column in best if not blocked[0, column]]


print(recommend({user!r}, items={items!r}, rewards={rewards!r}, count=5))
print(recommend(count=5))
```
{describe}{by_category}
## Inputs

B requests at once, {n_items:,} items, L positions of history.

| input | type | holds |
| --- | --- | --- |
| `user` | (B,) int64 | place in `users` below; -1: somebody unknown, served as the average user |
| `items` | (B, L) int64 | what was recommended, as places in `items` below, oldest first; anything behind a row's length |
| `rewards` | (B, L) float32 | what the user gave each, {low:g} to {high:g} |
| `length` | (B,) int64 | how many of a row's items are there, 0 to L |
| `blocked` | (B, {n_items}) bool | what may not be recommended; for candidates, block all others |
{features_row}
A history may be of any length, and L may be 0. The policy looks at the last {lookback} answers, as it does in darlr: older ones
change nothing.{past}

## Outputs

(B, {n_items}) float32 each.

| output | holds |
| --- | --- |
| `scores` | the greatest is the best; minus infinity where blocked |
| `probabilities` | with which the policy recommends each item |
{expected_row}
## Metadata

The entry `darlr` is JSON: `users` and `items` are the raw ids of the rows and columns, `categories` the numbers of each
item's categories, `category_names` their names by number{untagged}, `features` what the
columns of `features` stand for, `reward_range` the bounds of a reward. The other entries say where the policy comes from.

| | |
| --- | --- |
| run | `{run}`, method `{method}`, seed {seed}, epoch {epoch} |
| sha256 of its policy | `{policy_sha256}` |
| written by | darlr {darlr}, torch {torch} |
| format | ONNX opset {opset}; tried with onnxruntime {onnxruntime}, which gave the run's own scores |
'''

_FEED = """    nothing = np.full((1, len(about["features"])), np.nan, np.float32)
    feed["features"] = nothing if features is None else features
"""
_DESCRIBE = """
Of a user whom the log lacks, features may be told. What is not told counts as average.

```python
def describe(told):
    columns = [(told.get(column["feature"]), column) for column in about["features"]]
    row = [
        np.nan if value is None
        else value == column["value"] if "value" in column
        else (value - column["centre"]) / column["spread"]
        for value, column in columns
    ]
    return np.array([row], np.float32)


print(recommend(features=describe({told!r}), count=5))
```
"""
_CATEGORIES = """
Categories have the names of the log. This list leaves one out:

```python
def of_category(name):
    number = about["category_names"].index(name)
    return [item for item, own in zip(about["items"], about["categories"]) if number in own]


print(recommend(count=5, without=of_category({name!r})))
```
"""
_UNTAGGED = " (the number after the last is that of items without any)"
_FEATURES_ROW = (
    "| `features` | (B, {n}) float32 | of somebody unknown, as `features` below says: 1 for the value that the user has, 0 for "
    "the feature's other values, a number less its centre over its spread; NaN where nothing is known. Users of the log need "
    "none |\n"
)
_EXPECTED_ROW = "| `expected_rewards` | what the user is expected to give, {low:g} to {high:g}, blocked or not |\n"


_PAST = (
    " What the log says of a user is not in the file, and `darlr recommend`\nshows it to this policy as history where a "
    "request has none: give it as `items` and `rewards`."
)


def readme(metadata: Mapping[str, Any], onnxruntime: str) -> str:
    """Write the text for a file with this `metadata` (`metadata_of`), tested with that version of onnxruntime."""
    low, high = metadata["reward_range"]
    items, described, names = metadata["items"], metadata["features"], metadata["category_names"]
    example = [(column["feature"], column.get("value", column.get("centre"))) for column in described[::-1]]
    return _TEXT.format(
        **{**metadata, "items": items[:2]},
        user=metadata["users"][0],
        rewards=[high, low][: len(items[:2])],
        n_items=len(items),
        past="" if metadata["knows_log"] else _PAST,
        low=low,
        high=high,
        opset=OPSET,
        onnxruntime=onnxruntime,
        argument=", features=None" if described else "",
        feed=_FEED if described else "",
        describe=_DESCRIBE.format(told=dict(example[:2])) if described else "",
        by_category=_CATEGORIES.format(name=names[0]) if names else "",
        untagged=_UNTAGGED if any(len(names) in own for own in metadata["categories"]) else "",
        features_row=_FEATURES_ROW.format(n=len(described)) if described else "",
        expected_row=_EXPECTED_ROW.format(low=low, high=high) if "expected_rewards" in metadata["outputs"] else "",
    )
