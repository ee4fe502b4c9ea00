"""Limits on gradients: what PyTorch keeps in `torch.nn.utils`."""

from __future__ import annotations

import math
from ctypes import byref, c_double
from typing import Any

from .. import _operations as ops
from .._arguments import handles
from .._library import failure, lib
from .._tensor import Tensor
from ..autograd import no_grad


def _tensors(parameters: Any) -> list[Tensor]:
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)


def _gradients(parameters: Any) -> list[Tensor]:
    return [gradient for parameter in _tensors(parameters) if (gradient := parameter.grad) is not None]


def clip_grad_norm_(parameters: Any, max_norm: float, norm_type: float = 2.0) -> Tensor:
    """Scales all gradients together so that their norm is at most `max_norm`; returns the norm before."""
    tensors = _tensors(parameters)
    if norm_type in (1, 2, math.inf):
        # One pass over all of them for the norm and one to scale.
        norm = c_double()
        if status := lib.alula_clip_grad_norm(byref(norm), handles(tensors), len(tensors), max_norm, norm_type):
            raise failure(status)
        return ops.full((), norm.value, dtype=tensors[0].dtype if tensors else None)
    with no_grad():
        gradients = _gradients(tensors)
        if not gradients:
            return ops.zeros(())
        # The norm of all may lie beyond half precision.
        wide = [gradient.float() if gradient.itemsize < 4 else gradient for gradient in gradients]
        norms = ops.stack([ops.vector_norm(gradient, ord=norm_type) for gradient in wide])
        total = ops.vector_norm(norms, ord=norm_type)
        scale = min(max_norm / (total.item() + 1e-6), 1.0)
        for gradient in gradients:
            gradient.detach().mul_(ops.full((), scale, dtype=gradient.dtype))
        return total


@no_grad()
def clip_grad_value_(parameters: Any, clip_value: float) -> None:
    """Brings every element of every gradient between -clip_value and clip_value."""
    for gradient in _gradients(parameters):
        gradient.detach().copy_(ops.clip(gradient, -clip_value, clip_value))
