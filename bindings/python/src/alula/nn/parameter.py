"""Tensors that modules learn."""

from __future__ import annotations

from typing import Any

from .._arguments import asarray
from .._tensor import Tensor


class Parameter(Tensor):
    """A tensor that is a parameter of the module it is assigned to.

    >>> import alula
    >>> alula.nn.Parameter(alula.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    def __init__(self, data: Any = (), requires_grad: bool = True) -> None:
        self._adopt(asarray(data).detach())
        self.requires_grad = requires_grad

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()
