"""Limits on gradients: what PyTorch keeps in `torch.nn.utils`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .. import _operations as ops
from .._tensor import Tensor
from ..autograd import no_grad


def _gradients(parameters: Any) -> list[Tensor]:
    items: Iterable[Tensor] = [parameters] if isinstance(parameters, Tensor) else parameters
    return [gradient for parameter in items if (gradient := parameter.grad) is not None]


@no_grad()
def clip_grad_norm_(parameters: Any, max_norm: float, norm_type: float = 2.0) -> Tensor:
    """Scales all gradients together so that their norm is at most `max_norm`; returns the norm before."""
    gradients = _gradients(parameters)
    if not gradients:
        return ops.zeros(())
    norms = ops.stack([ops.vector_norm(gradient, ord=norm_type) for gradient in gradients])
    total = ops.vector_norm(norms, ord=norm_type)
    scale = ops.minimum(ops.divide(max_norm, ops.add(total, 1e-6)), 1.0)
    for gradient in gradients:
        gradient.detach().mul_(scale)
    return total


@no_grad()
def clip_grad_value_(parameters: Any, clip_value: float) -> None:
    """Brings every element of every gradient between -clip_value and clip_value."""
    for gradient in _gradients(parameters):
        gradient.detach().copy_(ops.clip(gradient, -clip_value, clip_value))
