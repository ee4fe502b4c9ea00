"""Attention with several heads against a plain computation, and against PyTorch where that is installed."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import reference

import alula
from alula import nn

random = np.random.default_rng(0)


def tensor(*shape: int) -> alula.Tensor:
    return alula.asarray(random.standard_normal(shape))


def plain(module, query, key, value, allowed):
    """Attention of each head apart, for arrays (N, length, size)."""
    weights = np.split(module.in_proj_weight.detach().numpy(), 3)
    biases = np.split(module.in_proj_bias.detach().numpy(), 3)
    projected = [x @ w.T + b for x, w, b in zip((query, key, value), weights, biases, strict=True)]
    heads = zip(*(np.split(x, module.num_heads, -1) for x in projected), strict=True)
    joined = np.concatenate([reference.attention(q, k, v, allowed, False, 0) for q, k, v in heads], -1)
    return joined @ module.out_proj.weight.detach().numpy().T + module.out_proj.bias.detach().numpy()


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("need_weights", [False, True])
def test_heads(batch_first, need_weights):
    module = nn.MultiheadAttention(8, 2, batch_first=batch_first, dtype="float64")
    nn.init.normal_(module.in_proj_bias)
    query, key, value = tensor(3, 4, 8), tensor(3, 5, 8), tensor(3, 5, 8)
    forbidden = random.random((4, 5)) < 0.3
    arguments = [query, key, value] if batch_first else [x.permute(1, 0, 2) for x in (query, key, value)]
    out, weights = module(*arguments, need_weights=need_weights, attn_mask=alula.asarray(forbidden))
    out = out if batch_first else out.permute(1, 0, 2)
    expected = plain(module, query.numpy(), key.numpy(), value.numpy(), ~forbidden)
    np.testing.assert_allclose(out.detach().numpy(), expected, atol=1e-12)
    assert (weights is None) == (not need_weights)
    if weights is not None:
        assert weights.shape == (3, 4, 5)


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_causal_layer_does_not_look_ahead(norm_first):
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, norm_first=norm_first, batch_first=True, dtype="float64")
    encoder = nn.TransformerEncoder(layer, 2)
    x = tensor(2, 6, 8)
    changed = x.clone()
    changed[:, 4:] = 0
    a, b = encoder(x, is_causal=True), encoder(changed, is_causal=True)
    np.testing.assert_array_equal(a[:, :4].detach().numpy(), b[:, :4].detach().numpy())
    assert len(list(encoder.parameters())) == 2 * len(list(layer.parameters()))


def test_errors():
    with pytest.raises(ValueError, match="3 heads"):
        nn.MultiheadAttention(8, 3)
    with pytest.raises(ValueError, match="activation"):
        nn.TransformerEncoderLayer(8, 2, activation="sine")


torch_only = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")


def pair(ours, theirs):
    """Both with the values of the second."""
    ours.load_state_dict({name: alula.asarray(value.numpy()) for name, value in theirs.state_dict().items()})
    return ours, theirs


def same_gradients(ours, theirs):
    for name, value in theirs.named_parameters():
        gradient = dict(ours.named_parameters())[name].grad
        np.testing.assert_allclose(gradient.numpy(), value.grad.numpy(), atol=1e-11, err_msg=name)


@torch_only
@pytest.mark.parametrize("kdim", [None, 5])
@pytest.mark.parametrize("masks", ["none", "bool", "float", "padding", "both"])
def test_attention_like_pytorch(kdim, masks):
    import torch

    options = {"kdim": kdim, "vdim": kdim}
    theirs = torch.nn.MultiheadAttention(8, 2, **options).double()
    ours, theirs = pair(nn.MultiheadAttention(8, 2, dtype="float64", **options), theirs)
    query, key = random.standard_normal((4, 3, 8)), random.standard_normal((5, 3, kdim or 8))
    forbidden = np.triu(np.ones((4, 5), bool), 2)
    padding = np.arange(5) >= np.array([[5], [4], [3]])
    given = {}
    if masks in ("bool", "both"):
        given["attn_mask"] = forbidden
    if masks == "float":
        given["attn_mask"] = random.standard_normal((6, 4, 5))
    if masks in ("padding", "both"):
        given["key_padding_mask"] = padding
    results = []
    for module, convert in ((ours, alula.asarray), (theirs, torch.from_numpy)):
        out, weights = module(
            convert(query), convert(key), convert(key), **{name: convert(mask) for name, mask in given.items()}
        )
        (out * out).sum().backward()
        results.append((out.detach().numpy(), weights.detach().numpy()))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    same_gradients(ours, theirs)


@torch_only
@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_encoder_like_pytorch(norm_first, activation):
    import torch

    options = {"dropout": 0.0, "norm_first": norm_first, "activation": activation, "batch_first": True}
    theirs = torch.nn.TransformerEncoder(
        torch.nn.TransformerEncoderLayer(8, 2, 16, **options), 2, enable_nested_tensor=False
    ).double()
    ours = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, dtype="float64", **options), 2)
    ours, theirs = pair(ours, theirs)
    x = random.standard_normal((3, 5, 8))
    forbidden = np.triu(np.ones((5, 5), bool), 1)
    a = ours(alula.asarray(x), alula.asarray(forbidden))
    b = theirs(torch.from_numpy(x), torch.from_numpy(forbidden))
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), atol=1e-12)
    a.square().sum().backward()
    b.square().sum().backward()
    same_gradients(ours, theirs)
