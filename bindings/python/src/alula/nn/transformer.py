"""Attention with several heads, and the encoder layers made of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from .. import _operations as ops
from .._tensor import Tensor
from . import functional, init
from .activation import Dropout
from .containers import ModuleList
from .linear import Linear
from .module import Module
from .normalization import LayerNorm
from .parameter import Parameter


class MultiheadAttention(Module):
    """Attention in `num_heads` subspaces of `embed_dim / num_heads` dimensions (Vaswani et al., 2017).

    A mask of bool is true where attention is *not* allowed, as in PyTorch; one of floats is added to the scores.

    >>> import alula
    >>> x = alula.zeros(7, 2, 8)
    >>> out, weights = alula.nn.MultiheadAttention(8, 4)(x, x, x)
    >>> out.shape, weights.shape
    ((7, 2, 8), (2, 7, 7))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if num_heads <= 0 or embed_dim <= 0 or embed_dim % num_heads:
            raise ValueError(f"embed_dim {embed_dim} does not divide into {num_heads} heads")
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.head_dim = embed_dim // num_heads
        self.dropout = dropout
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.batch_first = batch_first
        alike = self.kdim == embed_dim and self.vdim == embed_dim
        shapes = {
            "q_proj_weight": None if alike else (embed_dim, embed_dim),
            "k_proj_weight": None if alike else (embed_dim, self.kdim),
            "v_proj_weight": None if alike else (embed_dim, self.vdim),
            "in_proj_weight": (3 * embed_dim, embed_dim) if alike else None,
            "in_proj_bias": (3 * embed_dim,) if bias else None,
        }
        for name, shape in shapes.items():
            self.register_parameter(name, None if shape is None else Parameter(ops.empty(shape, dtype)))
        self.out_proj = Linear(embed_dim, embed_dim, bias, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            if (weight := getattr(self, name)) is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)

    def _project(self, query: Tensor, key: Tensor, value: Tensor) -> list[Tensor]:
        """Queries, keys and values (N, heads, length, head_dim)."""
        size = self.embed_dim
        if query is key and key is value and self.in_proj_weight is not None:
            # One product for all three.
            parts = functional.linear(query, self.in_proj_weight, self.in_proj_bias).split(size, -1)
        else:
            if self.in_proj_weight is None:
                weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
            else:
                weights = self.in_proj_weight.split(size)
            biases = (None,) * 3 if self.in_proj_bias is None else self.in_proj_bias.split(size)
            parts = tuple(functional.linear(*each) for each in zip((query, key, value), weights, biases, strict=True))
        return [part.reshape(*part.shape[:2], self.num_heads, self.head_dim).permute(0, 2, 1, 3) for part in parts]

    def _mask(self, attn_mask: Tensor | None, key_padding_mask: Tensor | None, batch: int) -> Tensor | None:
        """Both masks as one for scores (N, heads, L, S), true where attention is allowed, or of floats to be added."""
        masks = []
        if attn_mask is not None:
            if attn_mask.ndim == 3:
                attn_mask = attn_mask.reshape(batch, self.num_heads, *attn_mask.shape[1:])
            masks.append(attn_mask)
        if key_padding_mask is not None:
            masks.append(key_padding_mask.reshape(batch, 1, 1, -1))
        if not masks:
            return None
        if all(mask.dtype == "bool" for mask in masks):
            forbidden = masks[0] if len(masks) == 1 else ops.logical_or(*masks)
            return ops.logical_not(forbidden)
        dtype = self.out_proj.weight.dtype
        none = ops.zeros((), dtype=dtype)
        floats = [ops.where(mask, float("-inf"), none) if mask.dtype == "bool" else mask for mask in masks]
        return floats[0] if len(floats) == 1 else ops.add(*floats)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        batched = query.ndim == 3
        if not batched:
            arranged = {id(x): ops.expand_dims(x, 0) for x in (query, key, value)}
            key_padding_mask = None if key_padding_mask is None else ops.expand_dims(key_padding_mask, 0)
        elif self.batch_first:
            arranged = {id(x): x for x in (query, key, value)}
        else:
            arranged = {id(x): ops.permute_dims(x, (1, 0, 2)) for x in (query, key, value)}
        q, k, v = self._project(*(arranged[id(x)] for x in (query, key, value)))
        batch, length = q.shape[0], q.shape[2]
        # As in PyTorch, the hint that a mask is causal needs the mask as well; alone it stands for one here.
        causal = is_causal and attn_mask is None
        mask = self._mask(attn_mask, key_padding_mask, batch)
        dropout = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            identity = ops.eye(k.shape[2], dtype=v.dtype)
            weights = functional.scaled_dot_product_attention(q, k, identity, mask, is_causal=causal)
            weights = functional.dropout(weights, dropout) if dropout else weights
            out = ops.matmul(weights, v)
            weights = weights.mean(1) if average_attn_weights else weights
            weights = weights if batched else weights[0]
        else:
            out = functional.scaled_dot_product_attention(q, k, v, mask, dropout, causal)
        out = self.out_proj(out.permute(0, 2, 1, 3).reshape(batch, length, self.embed_dim))
        if not batched:
            out = out[0]
        elif not self.batch_first:
            out = ops.permute_dims(out, (1, 0, 2))
        return out, weights


class TransformerEncoderLayer(Module):
    """Attention of a sequence to itself and a network of two layers, each with a residual connection and a layer norm:
    after it, or before with `norm_first`."""

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype)
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        if isinstance(activation, str):
            if activation not in ("relu", "gelu"):
                raise ValueError(f"activation {activation!r} is neither 'relu' nor 'gelu'")
            activation = functional.relu if activation == "relu" else functional.gelu
        self.activation = activation

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        def attend(x: Tensor) -> Tensor:
            out, _ = self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)
            dropped: Tensor = self.dropout1(out)
            return dropped

        def feed(x: Tensor) -> Tensor:
            out: Tensor = self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))
            return out

        if self.norm_first:
            x = src + attend(self.norm1(src))
            return x + feed(self.norm2(x))
        x = self.norm1(src + attend(src))
        result: Tensor = self.norm2(x + feed(x))
        return result


class TransformerEncoder(Module):
    """Copies of an encoder layer, one upon the other."""

    def __init__(self, encoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, is_causal)
        return src if self.norm is None else self.norm(src)
