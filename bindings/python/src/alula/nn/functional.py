"""Layers as functions, with PyTorch's names and order of arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from .. import _operations as ops
from .._arguments import TensorLike, asarray
from .._operations import elu as elu
from .._operations import leaky_relu as leaky_relu
from .._operations import sigmoid as sigmoid
from .._operations import silu as silu
from .._operations import tanh as tanh
from .._tensor import Tensor

if TYPE_CHECKING:
    from .._generator import Generator

Reduction = Literal["mean", "sum", "none"]
Size = int | Sequence[int]

# ---- Layers ---------------------------------------------------------------------------------------------


def linear(x: TensorLike, weight: TensorLike, bias: TensorLike | None = None) -> Tensor:
    """x @ weightᵀ + bias, along the last axis of x."""
    return ops.linear(x, weight, bias)


def conv1d(
    x: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None = None,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlation of signals (N, C, L) with a kernel (O, C / groups, K)."""
    return ops.conv1d(x, weight, bias, stride, padding, dilation, groups)


def conv2d(
    x: TensorLike,
    weight: TensorLike,
    bias: TensorLike | None = None,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlation of images (N, C, H, W) with a kernel (O, C / groups, kH, kW)."""
    return ops.conv2d(x, weight, bias, stride, padding, dilation, groups)


def scaled_dot_product_attention(
    query: TensorLike,
    key: TensorLike,
    value: TensorLike,
    attn_mask: TensorLike | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """softmax(query keyᵀ scale + mask) value; `scale` is 1/√(the size of a key) by default, and a mask of bool says
    where attention is allowed. Dropout sets weights to zero with probability `dropout_p`."""
    if not dropout_p:
        return ops.scaled_dot_product_attention(query, key, value, attn_mask, is_causal, scale or 0.0)
    query, key, value = (asarray(x) for x in (query, key, value))
    # One value per key, all different from each other's: the weights themselves.
    identity = ops.eye(key.shape[-2], dtype=value.dtype)
    weights = ops.scaled_dot_product_attention(query, key, identity, attn_mask, is_causal, scale or 0.0)
    return ops.matmul(dropout(weights, dropout_p), value)


def embedding(indices: TensorLike, weight: TensorLike, padding_idx: int | None = None) -> Tensor:
    """Rows of `weight` by their numbers; the row at `padding_idx` gets no gradient."""
    return ops.embedding(weight, indices, padding_idx)


def dropout(x: TensorLike, p: float = 0.5, training: bool = True, generator: Generator | None = None) -> Tensor:
    """Sets elements to zero with probability p and scales the rest by 1 / (1 - p), when training."""
    return ops.dropout(x, p, training, generator)


def one_hot(indices: TensorLike, num_classes: int = -1) -> Tensor:
    """For each index, zeros with a one at its place; as many classes as the largest index needs by default."""
    return ops.one_hot(indices, num_classes, "int64")


# ---- Activations ----------------------------------------------------------------------------------------


def relu(x: TensorLike, inplace: bool = False) -> Tensor:
    """max(x, 0)"""
    return ops.relu_(x) if inplace and isinstance(x, Tensor) else ops.relu(x)


def gelu(x: TensorLike, approximate: str = "none") -> Tensor:
    """x Φ(x) with the normal distribution's Φ; "tanh" for the approximation by tanh."""
    if approximate not in ("none", "tanh"):
        raise ValueError(f"gelu: approximate is {approximate!r}, but must be 'none' or 'tanh'")
    return ops.gelu_tanh(x) if approximate == "tanh" else ops.gelu(x)


def softplus(x: TensorLike, beta: float = 1.0) -> Tensor:
    """log(1 + exp(beta · x)) / beta"""
    return ops.softplus(x) if beta == 1 else ops.divide(ops.softplus(ops.multiply(x, beta)), beta)


def softmax(x: TensorLike, dim: int = -1) -> Tensor:
    """Exponentials along an axis, divided by their sum."""
    return ops.softmax(x, dim)


def log_softmax(x: TensorLike, dim: int = -1) -> Tensor:
    """The logarithm of softmax along an axis."""
    return ops.log_softmax(x, dim)


# ---- Pooling --------------------------------------------------------------------------------------------


def max_pool2d(
    x: TensorLike, kernel_size: Size, stride: Size | None = None, padding: Size = 0, dilation: Size = 1
) -> Tensor:
    """The largest element of each window; windows do not overlap by default."""
    return ops.max_pool2d(x, kernel_size, stride, padding, dilation).values


def avg_pool2d(
    x: TensorLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window; windows do not overlap by default."""
    return ops.avg_pool2d(
        x,
        kernel_size,
        stride=kernel_size if stride is None else stride,
        padding=padding,
        count_include_pad=count_include_pad,
    )


# ---- Normalisation --------------------------------------------------------------------------------------


def batch_norm(
    x: TensorLike,
    running_mean: TensorLike | None,
    running_var: TensorLike | None,
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel to mean 0 and variance 1: the batch's own when training, the running ones otherwise.

    In training, running statistics that are tensors take their share of the batch's, in place.
    """
    result = ops.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps)
    if training:
        for running, new in ((running_mean, result.new_mean), (running_var, result.new_var)):
            if isinstance(running, Tensor):
                running.detach().copy_(new.detach())
    return result.out


def layer_norm(
    x: TensorLike,
    normalized_shape: Size,
    weight: TensorLike | None = None,
    bias: TensorLike | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """The last axes to mean 0 and variance 1."""
    return ops.layer_norm(x, normalized_shape, weight, bias, eps)


# ---- Losses ---------------------------------------------------------------------------------------------


def cross_entropy(
    logits: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of logits (N, C, ...) with classes (N, ...) or probabilities (N, C, ...)."""
    return ops.cross_entropy(
        logits,
        target,
        weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )


def nll_loss(
    log_probabilities: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor:
    """Negative log-likelihood of log-probabilities (N, C, ...) at classes (N, ...)."""
    return ops.nll_loss(log_probabilities, target, weight, ignore_index=ignore_index, reduction=reduction)


def mse_loss(prediction: TensorLike, target: TensorLike, reduction: Reduction = "mean") -> Tensor:
    """The squared difference. Shapes must be the same: a target that broadcasts is a mistake."""
    return ops.mse_loss(prediction, target, reduction=reduction)


def l1_loss(prediction: TensorLike, target: TensorLike, reduction: Reduction = "mean") -> Tensor:
    """The absolute difference."""
    return ops.l1_loss(prediction, target, reduction=reduction)


def smooth_l1_loss(
    prediction: TensorLike, target: TensorLike, reduction: Reduction = "mean", beta: float = 1.0
) -> Tensor:
    """Half the square over beta for differences below beta, else the absolute difference less beta / 2."""
    return ops.smooth_l1_loss(prediction, target, reduction=reduction, beta=beta)


def binary_cross_entropy(
    prediction: TensorLike, target: TensorLike, weight: TensorLike | None = None, reduction: Reduction = "mean"
) -> Tensor:
    """Binary cross-entropy of probabilities."""
    return ops.binary_cross_entropy(prediction, target, weight, reduction=reduction)


def binary_cross_entropy_with_logits(
    logits: TensorLike,
    target: TensorLike,
    weight: TensorLike | None = None,
    reduction: Reduction = "mean",
    pos_weight: TensorLike | None = None,
) -> Tensor:
    """Binary cross-entropy of logits."""
    return ops.binary_cross_entropy_with_logits(logits, target, weight, pos_weight, reduction=reduction)
