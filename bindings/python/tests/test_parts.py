"""Gradients of parts of a tensor: each is added in its place to the gradient of the whole."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import alula
from alula.autograd import Function

ROWS, COLUMNS = 6, 8
INDEX = np.array([[1, 4], [4, 0]])
ALONG = np.random.default_rng(1).integers(0, COLUMNS, (ROWS, 3))

#: Ways to use a tensor, as functions of it and of the array of its positions, which must choose the same elements.
PARTS: dict[str, Callable[[Any], Any]] = {
    "row": lambda x: x[2],
    "element": lambda x: x[-1, 3],
    "rows": lambda x: x[1:4],
    "overlapping rows": lambda x: x[2:6],
    "backwards": lambda x: x[::-1],
    "every other, backwards": lambda x: x[4:0:-2, 1::3],
    "column, transposed": lambda x: x.T[5],
    "nothing": lambda x: x[3:3],
    "new axes": lambda x: x[None, :, None, 2],
    "all": lambda x: x[...],
    "part of a part": lambda x: x[1:][2:, :4],
    "positions": lambda x: x[alula.asarray(INDEX) if isinstance(x, alula.Tensor) else INDEX],
    "whole": lambda x: x * 1,
    "spread": lambda x: x + 0,
}


def point(dtype: str = "float64") -> np.ndarray:
    return np.random.default_rng(0).integers(-9, 9, (ROWS, COLUMNS)).astype(dtype)


def term(name: str, x: alula.Tensor, power: int = 1) -> alula.Tensor:
    """The elements of a part, to a power, added up with weights; whole numbers all through, so that sums are exact."""
    part = PARTS[name](x)
    if name == "spread":  # its gradient repeats one element
        return part.sum() * 3
    return (part**power * alula.asarray(weights(name)).astype(x.dtype)).sum()


def weights(name: str) -> np.ndarray:
    part = PARTS[name](np.zeros((ROWS, COLUMNS)))
    return np.random.default_rng(len(name)).integers(1, 9, part.shape)


def expected(name: str) -> np.ndarray:
    """The gradient of `term`, made without any."""
    if name == "spread":
        return np.full((ROWS, COLUMNS), 3.0)
    chosen = PARTS[name](np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS))
    counts = np.bincount(chosen.ravel(), weights(name).ravel(), minlength=ROWS * COLUMNS)
    return counts.reshape(ROWS, COLUMNS).astype("float64")


def gradient(x: alula.Tensor) -> np.ndarray:
    assert x.grad is not None
    return x.grad.numpy()


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_each(name: str, dtype: str) -> None:
    x = alula.asarray(point()).astype(dtype).detach()
    x.requires_grad = True
    term(name, x).backward()
    assert x.grad is not None and x.grad.dtype == x.dtype
    assert np.array_equal(x.grad.astype("float64").numpy(), expected(name))


def test_complex_numbers() -> None:
    z = alula.tensor(np.arange(6) + 1j, requires_grad=True)
    z[1::2].backward(alula.tensor([1j, 2.0, 3 - 1j]))
    assert gradient(z).tolist() == [0, 1j, 0, 2, 0, 3 - 1j]


@pytest.mark.parametrize("hidden", [False, True])
def test_two_in_either_order(hidden: bool) -> None:
    for one, other in itertools.permutations(PARTS, 2):
        x = alula.tensor(point(), requires_grad=True)
        y = x * 2 if hidden else x
        (term(one, y) + term(other, y)).backward()
        want = (expected(one) + expected(other)) * (2 if hidden else 1)
        assert np.array_equal(gradient(x), want), (one, other)


def test_all_in_any_order() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        names = rng.choice(list(PARTS), 12)
        x = alula.tensor(point(), requires_grad=True)
        total = sum((term(name, x * 1) if rng.integers(3) == 0 else term(name, x) for name in names), alula.zeros(()))
        total.backward(retain_graph=True)
        want = sum(expected(name) for name in names)
        assert np.array_equal(gradient(x), want)
        total.backward()
        assert np.array_equal(gradient(x), 2 * want)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_gradients_of_gradients(count: int) -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        names = [str(name) for name in rng.choice(list(PARTS), count)]
        weight = sum((expected(name) for name in names if name != "spread"), np.zeros((ROWS, COLUMNS)))
        linear = 3.0 * names.count("spread")
        x = alula.tensor(point(), requires_grad=True)
        value = sum((term(name, x, power=4) for name in names), alula.zeros(()))
        (first,) = alula.grad(value, x, create_graph=True)
        assert np.array_equal(first.detach().numpy(), 4 * weight * point() ** 3 + linear)
        if not first.requires_grad:
            continue
        (second,) = alula.grad(first[1:4].sum() + first[2].sum(), x, create_graph=True)
        twice = np.array([0, 1, 2, 1, 0, 0])[:, None]
        assert np.array_equal(second.detach().numpy(), twice * 12 * weight * point() ** 2)
        (third,) = alula.grad((second * second).sum(), x)
        assert np.array_equal(third.numpy(), 2 * (twice * 12 * weight) ** 2 * 2 * point() ** 3)


def test_gathered_elements() -> None:
    x = alula.tensor(point(), requires_grad=True)
    along = alula.asarray(ALONG)
    (alula.gather(x, along, axis=1).sum() + alula.gather(x, along, axis=-1).sum() + x[1].sum()).backward()
    want = np.zeros((ROWS, COLUMNS))
    np.add.at(want, (np.arange(ROWS)[:, None], ALONG), 2)
    want[1] += 1
    assert np.array_equal(gradient(x), want)


def test_the_gradient_of_others_stays_as_it_is() -> None:
    """A sum hands one gradient to both its operands; what is added to one must not show in the other."""
    x, z = (alula.tensor(point(), requires_grad=True) for _ in range(2))
    a, b = x * 1, z * 1
    seen: list[alula.Tensor] = []
    total = a + b
    total.register_hook(seen.append)
    seed = alula.ones((ROWS, COLUMNS), dtype="float64")
    (dx, dz) = alula.grad([total, a[2].sum(), b[:, 1].sum()], [x, z], grad_outputs=[seed, None, None])
    ones = np.ones((ROWS, COLUMNS))
    assert np.array_equal(seed.numpy(), ones) and np.array_equal(seen[0].numpy(), ones)
    ones[2] += 1
    assert np.array_equal(dx.numpy(), ones)
    ones[2] -= 1
    ones[:, 1] += 1
    assert np.array_equal(dz.numpy(), ones)


def test_hooks_see_the_whole() -> None:
    x = alula.tensor(point(), requires_grad=True)
    y = x * 1
    seen: list[np.ndarray] = []
    y.register_hook(lambda g: seen.append(g.numpy().copy()))
    y.register_hook(lambda g: g * 10)
    part = y[1:3]
    part.register_hook(lambda g: g * 2)
    (part.sum() + y[2].sum()).backward()
    want = np.zeros((ROWS, COLUMNS))
    want[1:3] += 2
    want[2] += 1
    assert len(seen) == 1 and np.array_equal(seen[0], want) and np.array_equal(gradient(x), 10 * want)


def test_custom_functions() -> None:
    kept: list[alula.Tensor] = []

    class Keep(Function):
        @staticmethod
        def forward(ctx: Any, x: alula.Tensor) -> alula.Tensor:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: alula.Tensor) -> alula.Tensor:
            kept.append(g * 5)
            return kept[-1]

    x = alula.tensor(point(), requires_grad=True)
    (Keep.apply(x).sum() + Keep.apply(x[2]).sum() + x[0].sum()).backward()
    want = np.full((ROWS, COLUMNS), 5.0)
    want[2] += 5
    want[0] += 1
    assert np.array_equal(gradient(x), want)
    assert {g.shape for g in kept} == {(COLUMNS,), (ROWS, COLUMNS)}
    assert all(np.all(g.numpy() == 5) for g in kept)


def test_steps_of_a_loop_share_one_gradient() -> None:
    """No step allocates as much as the whole: beside the sum, such a tensor would show in the peak."""
    x = alula.zeros((1000, 256), requires_grad=True)
    positions = alula.asarray(np.array([3, 5]))
    losses: dict[str, Callable[[], alula.Tensor]] = {
        "steps": lambda: sum((x[t] for t in range(1000)), alula.zeros(256)),
        "parts": lambda: sum((part.sum() for part in alula.split(x, 10)), alula.zeros(())),
        "columns": lambda: sum((x[:, i].sum() for i in range(256)), alula.zeros(())),
        "positions": lambda: sum((x[positions].sum() for _ in range(100)), alula.zeros(())),
    }
    for name, loss in losses.items():
        x.grad = None
        root = loss()
        root = root.sum()
        alula.reset_peak_memory()
        before = alula.memory_usage().live
        root.backward()
        assert alula.memory_usage().peak - before < 1.5 * x.nbytes, name


def test_steps_of_a_loop_share_one_recorded_gradient() -> None:
    x = alula.tensor(np.arange(300.0)[:, None] * np.ones(64), requires_grad=True)
    loss = sum(((x[t] ** 3).sum() for t in range(300)), alula.zeros((), dtype="float64"))
    (first,) = alula.grad(loss, x, create_graph=True)
    root = sum((first[t].sum() for t in range(300)), alula.zeros((), dtype="float64"))
    alula.reset_peak_memory()
    before = alula.memory_usage().live
    (second,) = alula.grad(root, x)
    assert np.array_equal(second.numpy(), 6 * x.detach().numpy())
    # The gradients of both sums.
    assert alula.memory_usage().peak - before < 2.5 * x.nbytes


def test_used_graphs_and_overwritten_positions() -> None:
    x = alula.tensor(point(), requires_grad=True)
    positions = alula.asarray(np.array([0, 2]))
    y = x[positions].sum()
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        y.backward()
    y = x[positions].sum()
    positions[0] = 1
    with pytest.raises(RuntimeError, match=r"index.*overwritten"):
        y.backward()


def test_threads_change_no_bits() -> None:
    data = np.random.default_rng(4).standard_normal((700, 900)).astype("float32")
    found = []
    threads = alula.get_num_threads()
    try:
        for count in (1, 2, 5):
            alula.set_num_threads(count)
            x = alula.tensor(data, requires_grad=True)
            (x[1:].tanh().sum() + x[:, 5:800].exp().sum() + (x * x).sum() + x[::-2].sin().sum()).backward()
            found.append(gradient(x).tobytes())
    finally:
        alula.set_num_threads(threads)
    assert len(set(found)) == 1
