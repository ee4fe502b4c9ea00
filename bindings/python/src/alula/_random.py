"""Random tensors, by PyTorch's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _operations as ops
from ._arguments import TensorLike
from ._base import TensorBase
from ._creation import finish
from ._methods_shape import shape_of

if TYPE_CHECKING:
    from ._generator import Generator
    from ._tensor import Tensor


def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = "cpu",
    requires_grad: bool = False,
) -> Tensor:
    """Numbers spread evenly over [0, 1).

    >>> import alula
    >>> alula.rand(2, 3).shape
    (2, 3)
    """
    return finish(ops.random_uniform(shape_of(size), dtype=dtype, device=device, generator=generator), requires_grad)


def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = "cpu",
    requires_grad: bool = False,
) -> Tensor:
    """Numbers of the standard normal distribution."""
    return finish(ops.random_normal(shape_of(size), dtype=dtype, device=device, generator=generator), requires_grad)


def randint(
    *bounds: Any,
    low: int | None = None,
    high: int | None = None,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = "cpu",
) -> Tensor:
    """Integers from low (0 by default) to high, excluded: `randint(high, size)` or `randint(low, high, size)`."""
    values = list(bounds)
    if size is None:
        if not values or hasattr(values[-1], "__index__"):
            raise TypeError("randint: the size is missing: randint(high, size) or randint(low, high, size)")
        size = values.pop()
    if len(values) == 2:
        low, high = values
    elif len(values) == 1:
        high = values[0]
    if high is None:
        raise TypeError("randint: high is missing: randint(high, size) or randint(low, high, size)")
    return ops.random_integers(low or 0, high, size, dtype=dtype, device=device, generator=generator)


def randperm(n: int, generator: Generator | None = None, dtype: Any = None, device: Any = "cpu") -> Tensor:
    """The integers from 0 to n, excluded, in random order."""
    result = ops.random_permutation(n, device=device, generator=generator)
    return result if dtype is None else result.to(dtype=dtype)


def normal(
    mean: TensorLike = 0.0, std: TensorLike = 1.0, size: Any = None, generator: Generator | None = None
) -> Tensor:
    """Normally distributed numbers with a mean and a standard deviation, which may be tensors."""
    if isinstance(mean, TensorBase) or isinstance(std, TensorBase):
        if size is None:
            spread = ops.add(ops.multiply(std, 0), mean)  # the shape of both
            size = spread.shape
        return ops.add(ops.multiply(ops.random_normal(size, generator=generator), std), mean)
    return ops.random_normal(size or (), mean=mean, std=std, generator=generator)  # type: ignore[arg-type]


def rand_like(x: TensorBase, dtype: Any = None, generator: Generator | None = None) -> Tensor:
    """Numbers spread evenly over [0, 1), shaped like `x`."""
    return ops.random_uniform(x.shape, dtype=dtype or x.dtype, generator=generator)


def randn_like(x: TensorBase, dtype: Any = None, generator: Generator | None = None) -> Tensor:
    """Numbers of the standard normal distribution, shaped like `x`."""
    return ops.random_normal(x.shape, dtype=dtype or x.dtype, generator=generator)


def multinomial(
    weights: TensorLike, num_samples: int, replacement: bool = False, generator: Generator | None = None
) -> Tensor:
    """Indices drawn with probabilities proportional to the weights of each row."""
    return ops.multinomial(weights, num_samples, replacement=replacement, generator=generator)
