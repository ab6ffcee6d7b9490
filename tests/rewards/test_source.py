import torch

from tests.worlds import window_of


def test_a_window_is_cut_and_picked_from() -> None:
    window = window_of([[0, 1, 2], [3, 4, 5]], [[0.0, 0.1, 0.2], [0.3, 0.4, 0.5]])
    assert window.last(2).items.tolist() == [[1, 2], [4, 5]]
    assert torch.equal(window.last(2).rewards, torch.tensor([[0.1, 0.2], [0.4, 0.5]]))
    assert window.rows(torch.tensor([1])).items.tolist() == [[3, 4, 5]]
