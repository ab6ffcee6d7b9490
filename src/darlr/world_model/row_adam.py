"""Adam whose step changes only the rows of a table that the batch has read (the rule of `torch.optim.SparseAdam`).

Adam changes every row in every step: moments decay, and weight decay pulls at weights that the batch does not concern. That
costs as much as the table is large. Here a row without a gradient keeps its weights and its moments. All rows share the
count of steps. A step in which every row has a gradient is Adam's.
"""

from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor

BETAS = (0.9, 0.999)
EPSILON = 1e-8


def rows_of(table: Tensor, codes: Tensor) -> Tensor:
    """Return (M, ..., D) the rows `codes`, (M, ...) int64, of each member's `table`, (M, V, D). The table's gradient is a
    sparse tensor of the rows that were read.
    """
    return cast(Tensor, _RowLookup.apply(table, codes))  # type: ignore[no-untyped-call]


class _RowLookup(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, codes: Tensor) -> Tensor:
        ctx.save_for_backward(codes)
        ctx.shape = table.shape
        members, rows, size = table.shape
        offsets = torch.arange(members, device=codes.device).view(-1, *[1] * (codes.ndim - 1)) * rows
        return torch.nn.functional.embedding(codes + offsets, table.view(members * rows, size))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        [codes], [gradient] = ctx.saved_tensors, gradients
        members, _, size = ctx.shape
        owners = torch.arange(members, device=codes.device).repeat_interleave(codes.numel() // members)
        indices = torch.stack([owners, codes.flatten()])
        return torch.sparse_coo_tensor(indices, gradient.reshape(-1, size), ctx.shape, check_invariants=False), None


class RowAdam(torch.optim.Optimizer):
    """Adam; of a parameter (M, V, D) with a sparse gradient, only the rows whose gradient is not 0 are changed.

    Its state has the names and shapes of `torch.optim.Adam`'s.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float, weight_decay: float) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Make a step by the gradients of all parameters."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._change(parameter, group["lr"], group["weight_decay"])

    def _change(self, parameter: Tensor, rate: float, decay: float) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.tensor(0.0)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        state["step"] += 1
        whole: tuple[Tensor, Tensor, Tensor] = (parameter, state["exp_avg"], state["exp_avg_sq"])
        gradient, count = parameter.grad, int(state["step"])
        assert gradient is not None
        if not gradient.is_sparse:
            _step(*whole, gradient, count, rate, decay)
            return
        gradient = gradient.coalesce()
        read = gradient.values().any(dim=1)
        members, rows = gradient.indices()[:, read]
        places = members * parameter.shape[1] + rows
        tables = [tensor.view(-1, parameter.shape[2]) for tensor in whole]
        weights, first, second = parts = [table[places] for table in tables]
        _step(weights, first, second, gradient.values()[read], count, rate, decay)
        for table, part in zip(tables, parts, strict=True):
            table[places] = part


def _step(weights: Tensor, first: Tensor, second: Tensor, gradient: Tensor, count: int, rate: float, decay: float) -> None:
    """Change weights and moments, all of the same shape, in place: step `count` of Adam (Kingma and Ba, 2015)."""
    gradient = gradient.add(weights, alpha=decay)
    first.lerp_(gradient, 1 - BETAS[0])
    second.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
    spread = (second / (1 - BETAS[1] ** count)).sqrt_().add_(EPSILON)
    weights.addcdiv_(first, spread, value=-rate / (1 - BETAS[0] ** count))
