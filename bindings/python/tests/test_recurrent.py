"""Recurrent modules against the reference in float64, and against PyTorch where that is installed."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import reference

import alula
from alula import nn

KINDS = ["RNN", "LSTM", "GRU"]


def layers(kind: str, x: np.ndarray, module: nn.Module, first: tuple[np.ndarray, ...] | None) -> tuple[np.ndarray, ...]:
    """What stacked layers compute, by the reference for one layer and direction."""
    function = getattr(reference, kind.lower())
    states = 2 if kind == "LSTM" else 1
    extra = (module.nonlinearity,) if kind == "RNN" else ()
    last: list[list[np.ndarray]] = [[] for _ in range(states)]
    for layer in range(module.num_layers):
        outputs = []
        for direction in ("", "_reverse") if module.bidirectional else ("",):
            suffix = f"_l{layer}{direction}"
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            values = [getattr(module, name + suffix) for name in names]
            w_ih, w_hh, b_ih, b_hh = (None if value is None else value.detach().numpy() for value in values)
            start = [None] * states if first is None else [state[len(last[0])] for state in first]
            out, *final = function(x, w_ih, w_hh, *start, b_ih, b_hh, *extra, direction != "")
            outputs.append(out)
            for tensors, tensor in zip(last, final, strict=True):
                tensors.append(tensor)
        x = np.concatenate(outputs, -1)
    return (x, *(np.stack(tensors) for tensors in last))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_layers_match_the_reference(kind, num_layers, bidirectional, batch_first, bias):
    module = getattr(nn, kind)(
        3, 5, num_layers, bias=bias, batch_first=batch_first, bidirectional=bidirectional, dtype="float64"
    )
    random = np.random.default_rng(1)
    x = random.standard_normal((4, 2, 3))
    count = num_layers * (2 if bidirectional else 1)
    first = tuple(random.standard_normal((count, 2, 5)) for _ in range(2 if kind == "LSTM" else 1))
    for start in (None, first):
        expected = layers(kind, x, module, start)
        given = None if start is None else tuple(alula.asarray(state) for state in start)
        given = given[0] if given and kind != "LSTM" else given
        out, last = module(alula.asarray(x.swapaxes(0, 1).copy() if batch_first else x), given)
        found = (out.permute(1, 0, 2) if batch_first else out, *(last if kind == "LSTM" else (last,)))
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a.detach().numpy(), b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_no_batch(kind):
    module = getattr(nn, kind)(3, 5, dtype="float64")
    x = alula.asarray(np.random.default_rng(2).standard_normal((4, 3)))
    out, last = module(x)
    batched, batched_last = module(x.unsqueeze(1))
    np.testing.assert_array_equal(out.detach().numpy(), batched[:, 0].detach().numpy())
    last, batched_last = (last[0], batched_last[0]) if kind == "LSTM" else (last, batched_last)
    np.testing.assert_array_equal(last.detach().numpy(), batched_last[:, 0].detach().numpy())


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_is_a_layer_of_one_step(kind):
    cell = getattr(nn, kind + "Cell")(3, 5, dtype="float64")
    layer = getattr(nn, kind)(3, 5, dtype="float64")
    layer.load_state_dict({name + "_l0": value for name, value in cell.state_dict().items()})
    x = alula.asarray(np.random.default_rng(3).standard_normal((6, 2, 3)))
    state = None
    for row in x:
        state = cell(row, state)
    _, last = layer(x)
    for a, b in zip(state, last, strict=True) if kind == "LSTM" else [(state, last)]:
        np.testing.assert_allclose(a.detach().numpy(), b[0].detach().numpy(), rtol=1e-13, atol=1e-13)
    single = cell(x[0, 0])
    single = single[0] if kind == "LSTM" else single
    assert single.shape == (5,)


def test_dropout_lies_between_layers():
    module = nn.LSTM(3, 4, 2, dropout=1.0)
    x = alula.ones((2, 1, 3))
    dropped = module(x)[0]
    module.eval()
    assert not np.allclose(dropped.detach().numpy(), module(x)[0].detach().numpy())


def test_errors_say_what_is_expected():
    module = nn.GRU(3, 5)
    with pytest.raises(ValueError, match=r"\(T, N, 3\)"):
        module(alula.ones((2, 2, 4)))
    with pytest.raises(ValueError, match=r"\(1, 2, 5\)"):
        module(alula.ones((2, 2, 3)), alula.ones((1, 3, 5)))
    with pytest.raises(ValueError, match="nonlinearity"):
        nn.RNN(3, 5, nonlinearity="sine")
    with pytest.raises(ValueError, match="weights of shapes"):
        alula.lstm(alula.ones((2, 2, 3)), alula.ones((20, 3)), alula.ones((16, 4)))


# Imported when its tests run: loading it costs seconds.
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("kind", KINDS)
def test_like_pytorch(kind):
    import torch

    options = {"num_layers": 2, "bidirectional": True, "batch_first": True}
    theirs = getattr(torch.nn, kind)(3, 5, **options).double()
    ours = getattr(nn, kind)(3, 5, dtype="float64", **options)
    assert repr(ours) == repr(theirs)
    names = [name for name, _ in theirs.named_parameters()]
    assert [name for name, _ in ours.named_parameters()] == names
    ours.load_state_dict({name: alula.asarray(value.detach().numpy()) for name, value in theirs.named_parameters()})
    x = np.random.default_rng(4).standard_normal((2, 7, 3))
    a, b = alula.asarray(x), torch.from_numpy(x)
    (out, last), (other, other_last) = ours(a), theirs(b)
    np.testing.assert_allclose(out.detach().numpy(), other.detach().numpy(), atol=1e-12)
    last, other_last = (last[1], other_last[1]) if kind == "LSTM" else (last, other_last)
    ((out * out).sum() + last.sum()).backward()
    ((other * other).sum() + other_last.sum()).backward()
    for name, value in theirs.named_parameters():
        gradient = dict(ours.named_parameters())[name].grad
        np.testing.assert_allclose(gradient.numpy(), value.grad.numpy(), atol=1e-11, err_msg=name)
    assert repr(getattr(nn, kind + "Cell")(3, 5)) == repr(getattr(torch.nn, kind + "Cell")(3, 5))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(5, 40, 3, 17), (3, 9, 20, 300)])
def test_threads_do_not_change_the_bits(kind, shape):
    steps, batch, inputs, units = shape
    module = getattr(nn, kind)(inputs, units)
    x = alula.asarray(np.random.default_rng(5).standard_normal((steps, batch, inputs)).astype("float32"))
    before = alula.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3, 8):
            alula.set_num_threads(threads)
            module.zero_grad()
            out, _ = module(x)
            (out * out).sum().backward()
            results.append([out.detach().numpy(), *(p.grad.numpy() for p in module.parameters())])
    finally:
        alula.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_all_states(kind):
    """Gradients that arrive at the hidden states, the last state, or both, through blocks of the weight's depth."""
    module = getattr(nn, kind)(3, 300, dtype="float64")
    x = alula.asarray(np.random.default_rng(6).standard_normal((4, 7, 3)))
    x.requires_grad = True
    for use in ("out", "last", "both"):
        results = []
        for create_graph in (False, True):
            out, last = module(x)
            last = last[1] if kind == "LSTM" else last
            loss = (out * out).sum() * (use != "last") + (last * last).sum() * (use != "out")
            results.append(alula.autograd.grad(loss, [x, *module.parameters()], create_graph=create_graph))
        for a, b in zip(*results, strict=True):
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-10)
