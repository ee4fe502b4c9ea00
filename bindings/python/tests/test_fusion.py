"""Element-wise calls on large tensors may wait and share a pass over memory: nothing but the time may tell."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import alula

F = alula.nn.functional

#: Large enough to wait; the second does not fill its last vector, nor its last block.
COUNTS = [128 * 1024, 150_001]

#: Operations whose float32 results NumPy gives bit by bit.
UNARY: list[tuple[Callable[[Any], Any], Callable[[Any], Any]]] = [
    (alula.abs, np.abs),
    (alula.negative, np.negative),
    (alula.sqrt, np.sqrt),
    (F.relu, lambda x: np.maximum(x, np.float32(0))),
    (lambda x: x * 0.5, lambda x: x * np.float32(0.5)),
    (lambda x: 2 - x, lambda x: np.float32(2) - x),
]
BINARY: list[tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = [
    (alula.add, np.add),
    (alula.subtract, np.subtract),
    (alula.multiply, np.multiply),
    (alula.maximum, np.maximum),
    (lambda x, y: alula.where(x > y, x, y * 2), lambda x, y: np.where(x > y, x, y * np.float32(2))),
]


def same(tensor: alula.Tensor, array: np.ndarray) -> None:
    np.testing.assert_array_equal(tensor.tolist(), array.tolist())


class Mirror:
    """Tensors and arrays to which the same things happen, drawn at random."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.pairs: list[tuple[alula.Tensor, np.ndarray]] = []
        for count in COUNTS * 2:
            self.keep(self.random.standard_normal(count).astype("float32"))

    def keep(self, array: np.ndarray, tensor: alula.Tensor | None = None) -> None:
        self.pairs.append((alula.tensor(array) if tensor is None else tensor, array.copy()))

    def pick(self, count: int | None = None) -> tuple[alula.Tensor, np.ndarray]:
        fitting = [pair for pair in self.pairs if count is None or pair[1].size == count]
        return fitting[self.random.integers(len(fitting))]

    def step(self) -> None:
        tensor, array = self.pick()
        other, others = self.pick(array.size)
        action = self.random.integers(12)
        with np.errstate(all="ignore"):
            if action < 3:
                ours, theirs = UNARY[self.random.integers(len(UNARY))]
                self.keep(theirs(array), ours(tensor))
            elif action < 7:
                ours2, theirs2 = BINARY[self.random.integers(len(BINARY))]
                self.keep(theirs2(array, others), ours2(tensor, other))
            elif action == 7:
                tensor += other
                array += others
            elif action == 8:
                first = int(self.random.integers(array.size))
                tensor[first:] = 1.5
                array[first:] = 1.5
            elif action == 9:
                self.keep(array[::-1] + others, alula.flip(tensor, 0) + other)
            elif action == 10:
                view = np.asarray(tensor)
                view[0] = array[0] = 7
                self.keep(array - others, tensor - other)
                view[1] = array[1] = -7
            else:
                same(tensor, array)
        # The rest is forgotten, whether it was computed or not.
        if len(self.pairs) > 8:
            del self.pairs[4 + int(self.random.integers(len(self.pairs) - 4))]


@pytest.mark.parametrize("seed", range(12))
def test_random_programs(seed: int) -> None:
    mirror = Mirror(seed)
    for _ in range(150):
        mirror.step()
    for tensor, array in mirror.pairs:
        same(tensor, array)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int8", "int64", "uint16"])
def test_chains_of_every_width(dtype: str, count: int) -> None:
    values = alula.tensor(np.arange(count) % 11).to(getattr(alula, dtype))
    small = values[:1000].clone()

    def chain(x: alula.Tensor) -> alula.Tensor:
        y = (x + x) * x - x
        return alula.where(x == y, y, x * y) + (x != y)

    expected = chain(small).tolist()
    got = chain(values).tolist()
    assert got[:1000] == expected
    assert got[-11:] == [expected[i % 11] for i in range(count - 11, count)]


@pytest.mark.parametrize(
    ("shape", "others"),
    [
        ((256, 1024), [(1024,), (256, 1), (1, 1024), (1, 1), ()]),
        ((100, 1500), [(1500,), (100, 1), (100, 1500)]),
        ((33, 5000), [(5000,), (33, 1)]),
        ((4, 64, 768), [(768,), (64, 768), (4, 64, 1), (64, 1), (4, 1, 768)]),
        ((2, 3, 150_001), [(150_001,), (3, 1), (2, 1, 1)]),
        ((1, 256, 1024), [(256, 1024), (256, 1)]),
        ((1500, 100), [(100,), (1500, 1)]),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_operands_that_repeat_along_rows(shape: tuple[int, ...], others: list[tuple[int, ...]], dtype: str) -> None:
    random = np.random.default_rng(0)

    def draw(shape: tuple[int, ...]) -> Any:
        return random.integers(-9, 9, shape).astype(dtype)

    array, small = draw(shape), [draw(other) for other in others]
    x = alula.tensor(array)
    wide = alula.tensor(np.concatenate([array, array], -1))[..., : shape[-1]]
    result, expected = x + x, array + array
    for operand in small:
        tensor = alula.tensor(operand)
        result, expected = (result - tensor) * tensor + x, (expected - operand) * operand + array
        result = alula.where(result > tensor, result, wide)
        expected = np.where(expected > operand, expected, array)
    np.testing.assert_array_equal(np.asarray(result), expected)


def test_special_values_keep_their_bits() -> None:
    special = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-45, 3e38, -1], "float32")
    array = np.tile(special, 20_000)
    x = alula.tensor(array)
    with np.errstate(all="ignore"):
        want = -((array * array) - array)
    got = np.asarray(-((x * x) - x))
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(np.signbit(got[~np.isnan(want)]), np.signbit(want[~np.isnan(want)]))


def test_more_calls_than_wait_at_once() -> None:
    x = alula.ones(COUNTS[0])
    kept = []
    for i in range(100):
        x = x + 1
        if i % 7 == 0:
            kept.append((i + 2, x))
    for value, tensor in kept:
        assert tensor[0].item() == value
        assert tensor[-1].item() == value
    assert x[5].item() == 101


def test_results_outlive_their_operands() -> None:
    x = alula.tensor(np.arange(COUNTS[0], dtype="float32"))
    y = x * 2 + 1
    del x
    gc.collect()
    assert y[1000].item() == 2001


def test_results_that_nobody_wants_cost_nothing_later() -> None:
    x = alula.ones(COUNTS[0])
    alula.synchronize()
    before = alula.memory_usage().live
    y = x * 2
    del y
    assert alula.memory_usage().live == before
    assert x[3].item() == 1


@pytest.mark.parametrize("write", ["in place", "by index", "through NumPy", "through a view", "by an optimizer"])
def test_writes_come_after(write: str) -> None:
    x = alula.ones(COUNTS[0])
    view = x.reshape(2, -1)
    waiting = x * 3
    if write == "in place":
        x *= 10
    elif write == "by index":
        x[:] = 10
    elif write == "through NumPy":
        np.asarray(x)[:] = 10
    elif write == "through a view":
        view += 9
    else:
        parameter = alula.nn.Parameter(x)
        parameter.grad = alula.full_like(x, -9)
        alula.optim.SGD([parameter], lr=1.0).step()
        x = parameter.detach()
    assert waiting[7].item() == 3
    assert x[7].item() == 10


def test_memory_shared_with_numpy_is_read_at_once() -> None:
    array = np.ones(COUNTS[0], "float32")
    shared = alula.asarray(array)
    assert np.shares_memory(np.asarray(shared), array)
    result = shared * 2
    array[:] = 5
    assert result[9].item() == 2
    own = alula.ones(COUNTS[0])
    seen = np.asarray(own)
    result = own * 2
    seen[:] = 5
    assert result[9].item() == 2


def test_gradients() -> None:
    array = np.linspace(-2, 2, COUNTS[0])
    x = alula.tensor(array, requires_grad=True)
    y = alula.exp(x * x) * x - x
    (gradient,) = alula.grad(y.sum(), [x], create_graph=True)
    (second,) = alula.grad(gradient.sum(), [x])
    square = np.exp(array * array)
    np.testing.assert_allclose(np.asarray(gradient.detach()), square * (1 + 2 * array**2) - 1, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(np.asarray(second), square * (6 * array + 4 * array**3), rtol=1e-12, atol=1e-12)


def test_saved_values_that_were_overwritten_are_refused() -> None:
    x = alula.ones(COUNTS[0], requires_grad=True)
    y = x * 2
    z = y * y
    with alula.no_grad():
        y += 1
    with pytest.raises(RuntimeError, match="was overwritten"):
        z.sum().backward()


def test_threads() -> None:
    array = np.linspace(0, 1, COUNTS[1], dtype="float32")
    x = alula.tensor(array)
    want = (array + np.float32(1)) * array - np.float32(3)
    shared = (x + 1) * x - 3
    failures: list[int] = []

    def work(index: int) -> None:
        for _ in range(30):
            if not np.array_equal(np.asarray((x + 1) * x - 3), want) or not np.array_equal(np.asarray(shared), want):
                failures.append(index)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_computes_what_waited() -> None:
    x = alula.ones(COUNTS[0]) * 3 + 1
    child = os.fork()
    if child == 0:
        os._exit(0 if x[11].item() == 4 and (x * 2)[12].item() == 8 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert x[11].item() == 4
