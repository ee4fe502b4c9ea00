"""Attention over several blocks of keys and panels of queries, forward and backward, beside the dense formula."""

from __future__ import annotations

import numpy as np
import pytest
import reference

import alula

random = np.random.default_rng(0)


def arrays(heads: tuple[int, ...], length: int, sources: int, size: int, values: int) -> list[np.ndarray]:
    shapes = [(*heads, length, size), (*heads, sources, size), (*heads, sources, values)]
    return [random.standard_normal(shape) for shape in shapes]


def run(inputs, gradient, mask=None, causal=False, dtype="float64", create_graph=False):
    """The result and the gradients of the inputs; with `create_graph` these come from the dense formula."""
    tensors = [alula.asarray(x.astype(dtype)) for x in inputs]
    for tensor in tensors:
        tensor.requires_grad = True
    mask = None if mask is None else alula.asarray(mask if mask.dtype == bool else mask.astype(dtype))
    out = alula.scaled_dot_product_attention(*tensors, mask, causal)
    weights = alula.asarray(gradient.astype(dtype))
    found = alula.autograd.grad(out, tensors, weights, create_graph=create_graph)
    return [out.detach().numpy(), *(x.detach().numpy() for x in found)]


CASES = {
    "several blocks": ((2,), 50, 900, 8, 16, {}),
    "causal": ((2, 3), 420, 420, 16, 32, {"causal": True}),
    "one head in pieces": ((1,), 600, 130, 5, 7, {}),
    "fewer keys than queries, causal": ((), 37, 20, 4, 24, {"causal": True}),
    "more keys than queries, causal": ((), 20, 37, 33, 3, {"causal": True}),
    "a mask of bool": ((3,), 70, 400, 8, 8, {"mask": random.random((70, 400)) < 0.5}),
    "nothing to see": ((2,), 40, 40, 8, 8, {"mask": np.arange(40)[:, None] % 3 < random.integers(1, 4, (1, 40))}),
    "a mask of floats": ((2, 2), 33, 390, 8, 16, {"mask": random.standard_normal((2, 1, 33, 390))}),
    "a mask per head, causal": ((2,), 65, 65, 8, 16, {"mask": random.standard_normal((2, 1, 65)), "causal": True}),
}


@pytest.mark.parametrize("case", CASES)
def test_blocks_are_the_dense_formula(case):
    *shape, options = CASES[case]
    inputs = arrays(*shape)
    gradient = random.standard_normal((*shape[0], shape[1], shape[4]))
    blocked = run(inputs, gradient, **options)
    expected = reference.attention(*inputs, options.get("mask"), options.get("causal", False), 0)
    np.testing.assert_allclose(blocked[0], expected, atol=1e-12)
    for a, b in zip(blocked, run(inputs, gradient, **options, create_graph=True), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    single = run(inputs, gradient, **options, dtype="float32")
    for a, b in zip(single, blocked, strict=True):
        np.testing.assert_allclose(a, b, atol=3e-5, rtol=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_threads_do_not_change_the_bits(case):
    *shape, options = CASES[case]
    inputs = arrays(*shape)
    gradient = random.standard_normal((*shape[0], shape[1], shape[4]))
    before = alula.get_num_threads()
    try:
        results = []
        for threads in (1, 2, 3, 8):
            alula.set_num_threads(threads)
            results.append(run(inputs, gradient, **options, dtype="float32"))
    finally:
        alula.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_large_scores_do_not_overflow():
    q, k, v = arrays((2,), 30, 500, 4, 4)
    inputs = [q * 100, k * 100, v]
    out = run(inputs, np.ones((2, 30, 4)), dtype="float32")
    np.testing.assert_allclose(out[0], reference.attention(*inputs, None, False, 0), rtol=1e-3, atol=1e-3)
    assert all(np.isfinite(x).all() for x in out)


def test_heads_split_off_a_projection():
    """Views of one tensor, as models make them."""
    x = random.standard_normal((3, 40, 3 * 64))
    tensor = alula.asarray(x)
    tensor.requires_grad = True
    parts = [part.reshape(3, 40, 4, 16).transpose(1, 2) for part in tensor.split(64, 2)]
    out = alula.scaled_dot_product_attention(*parts, None, True)
    arrays_ = [part.reshape(3, 40, 4, 16).swapaxes(1, 2) for part in np.split(x, 3, 2)]
    np.testing.assert_allclose(out.detach().numpy(), reference.attention(*arrays_, None, True, 0), atol=1e-12)
    gradient = random.standard_normal(out.shape)
    out.backward(alula.asarray(gradient))
    found = run(arrays_, gradient, causal=True)[1:]
    joined = np.concatenate([g.swapaxes(1, 2).reshape(3, 40, 64) for g in found], 2)
    np.testing.assert_allclose(tensor.grad.numpy(), joined, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_computes_in_single(dtype):
    inputs = [alula.asarray(x.astype("float32")).astype(dtype) for x in arrays((2,), 20, 30, 8, 8)]
    out = alula.scaled_dot_product_attention(*inputs)
    wide = alula.scaled_dot_product_attention(*(x.astype("float32") for x in inputs))
    assert str(out.dtype).endswith(dtype)
    np.testing.assert_array_equal(out.astype("float32").numpy(), wide.astype(dtype).astype("float32").numpy())


def test_the_gradient_of_a_mask():
    q, k, v = (alula.asarray(x) for x in arrays((2,), 3, 4, 5, 6))
    mask = alula.zeros((3, 4), dtype="float64", requires_grad=True)
    alula.scaled_dot_product_attention(q, k, v, mask).sum().backward()
    step = 1e-6
    for i, j in np.ndindex(3, 4):
        sums = []
        for sign in (1, -1):
            moved = np.zeros((3, 4))
            moved[i, j] = sign * step
            sums.append(alula.scaled_dot_product_attention(q, k, v, alula.asarray(moved)).sum().item())
        assert abs((sums[0] - sums[1]) / (2 * step) - mask.grad[i, j].item()) < 1e-7


def test_dropout_of_weights():
    q, k, v = (alula.asarray(x) for x in arrays((2,), 30, 40, 8, 8))
    attention = alula.nn.functional.scaled_dot_product_attention
    np.testing.assert_array_equal(attention(q, k, v, dropout_p=1.0).numpy(), np.zeros((2, 30, 8)))
    means = sum(attention(q, k, v, dropout_p=0.25).numpy() for _ in range(400)) / 400
    assert abs(means - attention(q, k, v).numpy()).max() < 0.15
