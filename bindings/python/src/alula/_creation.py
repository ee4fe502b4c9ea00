"""Making tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._arguments import asarray

if TYPE_CHECKING:
    from ._tensor import Tensor


def tensor(data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor with a copy of `data`: a number, nested lists, an array, another tensor's elements.

    >>> import alula
    >>> alula.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    result = asarray(data, dtype, copy=True).detach()
    if requires_grad:
        result.requires_grad = True
    return result
