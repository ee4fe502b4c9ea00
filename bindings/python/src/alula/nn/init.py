"""Initial values of parameters: each function fills a tensor in place and returns it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

from .. import _operations as ops
from .._tensor import Tensor

if TYPE_CHECKING:
    from .._generator import Generator

_T = TypeVar("_T", bound=Tensor)


def _fill(tensor: _T, values: Tensor | float) -> _T:
    tensor.detach().copy_(values)
    return tensor


def uniform_(tensor: _T, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> _T:
    """Evenly spread over [a, b)."""
    return _fill(tensor, ops.random_uniform(tensor.shape, low=a, high=b, dtype=tensor.dtype, generator=generator))


def normal_(tensor: _T, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> _T:
    """Normally distributed."""
    return _fill(tensor, ops.random_normal(tensor.shape, mean=mean, std=std, dtype=tensor.dtype, generator=generator))


def trunc_normal_(
    tensor: _T, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Generator | None = None
) -> _T:
    """Normally distributed within [a, b]: values outside are drawn again."""
    values = ops.random_normal(tensor.shape, mean=mean, std=std, dtype=tensor.dtype, generator=generator)
    while True:
        outside = ops.logical_or(ops.less(values, a), ops.greater(values, b))
        if not bool(ops.any(outside)):
            return _fill(tensor, values)
        again = ops.random_normal(tensor.shape, mean=mean, std=std, dtype=tensor.dtype, generator=generator)
        values = ops.where(outside, again, values)


def constant_(tensor: _T, val: float) -> _T:
    """One value everywhere."""
    return _fill(tensor, val)


def zeros_(tensor: _T) -> _T:
    """Zeros."""
    return _fill(tensor, 0)


def ones_(tensor: _T) -> _T:
    """Ones."""
    return _fill(tensor, 1)


def eye_(tensor: _T) -> _T:
    """Ones on the main diagonal, zeros elsewhere."""
    _fill(tensor, 0)
    tensor.detach().diagonal().copy_(1)
    return tensor


def calculate_fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs each output of a weight (out, in, ...) sees, and how many outputs each input reaches."""
    if tensor.ndim < 2:
        raise ValueError(f"fans: a weight of at least two axes was expected, not shape {tensor.shape}")
    receptive = math.prod(tensor.shape[2:])
    return tensor.shape[1] * receptive, tensor.shape[0] * receptive


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which a nonlinearity shrinks the deviation, inverted."""
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    gains = {"tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}
    linear = ("linear", "sigmoid", "conv1d", "conv2d", "conv3d")
    if nonlinearity not in gains and nonlinearity not in linear:
        raise ValueError(f"calculate_gain: {nonlinearity!r} is none of leaky_relu, {', '.join([*gains, *linear])}")
    return gains.get(nonlinearity, 1.0)


def xavier_uniform_(tensor: _T, gain: float = 1.0, generator: Generator | None = None) -> _T:
    """Glorot and Bengio (2010): uniform within ±gain √(6 / (in + out))."""
    bound = gain * math.sqrt(6 / sum(calculate_fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: _T, gain: float = 1.0, generator: Generator | None = None) -> _T:
    """Glorot and Bengio (2010): normal with deviation gain √(2 / (in + out))."""
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(calculate_fans(tensor))), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"kaiming: mode {mode!r} is neither 'fan_in' nor 'fan_out'")
    fan = calculate_fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(
    tensor: _T,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> _T:
    """He et al. (2015): uniform within ±gain √(3 / fan)."""
    if 0 in tensor.shape:
        return tensor
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: _T,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> _T:
    """He et al. (2015): normal with deviation gain / √fan."""
    if 0 in tensor.shape:
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)
