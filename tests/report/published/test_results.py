"""The paper's numbers under our names."""

import pytest

from darlr.report.published.results import published, published_policy

METHODS = ["ucb", "epsilon-greedy", "sqn", "crr", "cql", "bcq", "mbpo", "ips", "mopo", "dorl", "roler", "darlr", "gt"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (("coat", "dorl", "r_tra"), (71.3992, 2.0640)),
        (("kuairec", "darlr", "mcd"), (0.4869, 0.0438)),
        (("kuairand", "epsilon-greedy", "r_each"), (0.3510, 0.0251)),
        (("yahoo", "gt", "length"), (30.0, 0.0)),
        (("coat", "dorl", "mcd"), None),
        (("coat", "dorl", "cv"), None),
        (("kuairec-positives", "dorl", "r_tra"), None),
        (("synthetic", "dorl", "r_tra"), None),
    ],
)
def test_look_up(key: tuple[str, str, str], expected: tuple[float, float] | None) -> None:
    assert published(*key) == expected


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_the_paper_is_there(method: str) -> None:
    for dataset, metrics in {"kuairec": 4, "kuairand": 4, "coat": 3, "yahoo": 3}.items():
        found = [published(dataset, method, metric) for metric in ("r_tra", "r_each", "length", "mcd")]
        assert sum(value is not None for value in found) == metrics


def test_how_the_published_policies_picked() -> None:
    assert published_policy("sqn") == "greedy"
    assert published_policy("darlr") == "sampled"


def test_ablations_go_by_our_names() -> None:
    assert published("coat", "darlr-static-reward", "r_tra") == (74.7500, 2.0629)
    assert published("coat", "darlr-static-penalty", "r_tra") == (73.7688, 2.0995)
    assert published("kuairec", "darlr-r", "r_tra") == (13.4651, 1.8317)
    assert published("yahoo", "darlr-r-similarity", "r_tra") == (67.6826, 2.2255)
    assert published("kuairand", "darlr-r-diversity", "r_tra") == (6.7861, 1.4230)
