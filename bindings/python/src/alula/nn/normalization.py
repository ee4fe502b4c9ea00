"""Normalising layers."""

from __future__ import annotations

from typing import Any

from .. import _operations as ops
from .._tensor import Tensor
from . import functional
from .module import Module
from .parameter import Parameter


class _BatchNorm(Module):
    """Each channel to mean 0 and variance 1, then times weight plus bias. In training over the batch, whose statistics
    are remembered; in evaluation by those remembered."""

    ranks: tuple[int, ...]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.register_parameter("weight", Parameter(ops.ones(num_features, dtype)) if affine else None)
        self.register_parameter("bias", Parameter(ops.zeros(num_features, dtype)) if affine else None)
        self.register_buffer("running_mean", ops.zeros(num_features, dtype) if track_running_stats else None)
        self.register_buffer("running_var", ops.ones(num_features, dtype) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", ops.zeros((), "int64") if track_running_stats else None)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim not in self.ranks:
            raise ValueError(f"{type(self).__name__}: {self.ranks} axes were expected, not shape {x.shape}")
        momentum = self.momentum
        if self.training and self.track_running_stats:
            self.num_batches_tracked.add_(1)
            if momentum is None:  # the mean of all batches
                momentum = 1 / self.num_batches_tracked.item()
        return functional.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            momentum or 0.0,
            self.eps,
        )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L)."""

    ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of images (N, C, H, W)."""

    ranks = (4,)


class LayerNorm(Module):
    """The last axes to mean 0 and variance 1, then times weight plus bias."""

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.register_parameter("weight", Parameter(ops.ones(shape, dtype)) if elementwise_affine else None)
        self.register_parameter("bias", Parameter(ops.zeros(shape, dtype)) if elementwise_affine and bias else None)

    def forward(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
