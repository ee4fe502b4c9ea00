"""Making tensors, with shapes as PyTorch or as NumPy spells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _operations as ops
from ._arguments import asarray
from ._methods_shape import shape_of

if TYPE_CHECKING:
    from ._tensor import Tensor


def finish(result: Tensor, requires_grad: bool) -> Tensor:
    if requires_grad:
        result.requires_grad = True
    return result


def tensor(data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor with a copy of `data`: a number, nested lists, an array, another tensor's elements.

    >>> import alula
    >>> alula.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    return finish(asarray(data, dtype, copy=True, device=device).detach(), requires_grad)


def zeros(*shape: Any, dtype: Any = None, device: Any = "cpu", requires_grad: bool = False, **size: Any) -> Tensor:
    """A tensor of zeros: `zeros(2, 3)` or `zeros((2, 3))`."""
    return finish(ops.zeros(_shape(shape, size), dtype, device), requires_grad)


def ones(*shape: Any, dtype: Any = None, device: Any = "cpu", requires_grad: bool = False, **size: Any) -> Tensor:
    """A tensor of ones: `ones(2, 3)` or `ones((2, 3))`."""
    return finish(ops.ones(_shape(shape, size), dtype, device), requires_grad)


def empty(*shape: Any, dtype: Any = None, device: Any = "cpu", requires_grad: bool = False, **size: Any) -> Tensor:
    """A tensor whose elements are whatever its memory holds."""
    return finish(ops.empty(_shape(shape, size), dtype, device), requires_grad)


def _shape(arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """The shape, which may also be given by the keyword `shape` or `size`."""
    for name in ("shape", "size"):
        if name in named:
            arguments = (*arguments, named.pop(name))
    if named:
        raise TypeError(f"unknown argument: {', '.join(named)}")
    return shape_of(arguments)


def full(shape: Any, fill_value: Any, dtype: Any = None, device: Any = "cpu", requires_grad: bool = False) -> Tensor:
    """A tensor filled with one value."""
    return finish(ops.full(shape, fill_value, dtype, device), requires_grad)


def arange(
    start: Any, /, stop: Any = None, step: Any = 1, dtype: Any = None, device: Any = "cpu", requires_grad: bool = False
) -> Tensor:
    """Evenly spaced values: from 0 to `start` when that stands alone, else from `start` to `stop`, excluded.

    >>> import alula
    >>> alula.arange(4), alula.arange(1, 2, 0.25)
    (tensor([0, 1, 2, 3]), tensor([1.  , 1.25, 1.5 , 1.75]))
    """
    if stop is None:
        start, stop = 0, start
    return finish(ops.arange(start, stop, step, dtype, device), requires_grad)


def linspace(
    start: Any,
    stop: Any,
    num: int,
    /,
    dtype: Any = None,
    device: Any = "cpu",
    endpoint: bool = True,
    requires_grad: bool = False,
) -> Tensor:
    """Evenly spaced values from start to stop, a given number of them."""
    return finish(ops.linspace(start, stop, num, dtype, device, endpoint), requires_grad)
