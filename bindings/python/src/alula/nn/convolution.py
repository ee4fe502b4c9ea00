"""Convolutional layers."""

from __future__ import annotations

import math
from typing import Any

from .. import _operations as ops
from .._tensor import Tensor
from . import functional, init
from .module import Module
from .parameter import Parameter


def per_axis(value: int | tuple[int, ...], axes: int) -> tuple[int, ...]:
    """One value per spatial axis."""
    return (value,) * axes if isinstance(value, int) else tuple(value)


class _Convolution(Module):
    """What convolutions share. Values start uniform within ±1/√(in_channels / groups · kernel elements)."""

    axes: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] | str = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(f"{groups} groups do not divide {in_channels} input and {out_channels} output channels")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = per_axis(kernel_size, self.axes)
        self.stride = per_axis(stride, self.axes)
        self.dilation = per_axis(dilation, self.axes)
        self.padding = self._padding(padding)
        self.groups = groups
        self.weight = Parameter(ops.empty((out_channels, in_channels // groups, *self.kernel_size), dtype))
        self.register_parameter("bias", Parameter(ops.empty(out_channels, dtype)) if bias else None)
        self.reset_parameters()

    def _padding(self, padding: int | tuple[int, ...] | str) -> tuple[int, ...]:
        if not isinstance(padding, str):
            return per_axis(padding, self.axes)
        if padding == "valid":
            return (0,) * self.axes
        total = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
        if padding != "same" or any(s != 1 for s in self.stride) or any(t % 2 for t in total):
            raise ValueError(
                f"padding {padding!r}: 'valid', or 'same' with stride 1 and odd kernels, or numbers were expected"
            )
        return tuple(t // 2 for t in total)

    def reset_parameters(self) -> None:
        fan = self.weight.shape[1] * math.prod(self.kernel_size)
        bound = 1 / math.sqrt(fan) if fan else 0.0
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if any(self.padding):
            text += f", padding={self.padding}"
        if any(d != 1 for d in self.dilation):
            text += f", dilation={self.dilation}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        return text if self.bias is not None else text + ", bias=False"


class Conv1d(_Convolution):
    """Cross-correlation of signals (N, C, L)."""

    axes = 1

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv1d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Conv2d(_Convolution):
    """Cross-correlation of images (N, C, H, W).

    >>> import alula
    >>> layer = alula.nn.Conv2d(1, 32, 5, padding=2)
    >>> layer
    Conv2d(1, 32, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))
    >>> layer(alula.zeros(4, 1, 28, 28)).shape
    (4, 32, 28, 28)
    """

    axes = 2

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)
