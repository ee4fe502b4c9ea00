"""Element-wise operations on operands that are broadcast to each other or lie with gaps, with rows of every length."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import alula

LENGTHS = [1, 2, 3, 5, 10, 16, 17, 33, 64, 100, 256, 257]
DTYPES = ["int8", "int16", "int32", "int64", "float32", "float64"]


def numbers(shape: tuple[int, ...], dtype: str = "float32", seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed + sum(shape))
    array = random.standard_normal(shape) * 20
    return array.astype(dtype)


def partners(outer: int, groups: int, length: int) -> Iterator[tuple[int, ...]]:
    """Shapes that are broadcast to (outer, groups, length)."""
    yield (length,)
    yield (groups, 1)
    yield (groups, length)
    yield (outer, 1, 1)
    yield (outer, 1, length)
    yield (outer, groups, 1)
    yield (1, 1, 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_operand_of_fewer_elements(dtype: str) -> None:
    for length in LENGTHS:
        for outer, groups in [(1, 3), (4, 1), (3, 7), (50, 2), (2, 90)]:
            a = numbers((outer, groups, length), dtype)
            for shape in partners(outer, groups, length):
                b = numbers(shape, dtype, seed=1)
                np.testing.assert_array_equal(
                    (alula.tensor(a) - alula.tensor(b)).numpy(), a - b, err_msg=f"{a.shape} - {b.shape}"
                )
                np.testing.assert_array_equal(
                    (alula.tensor(b) - alula.tensor(a)).numpy(), b - a, err_msg=f"{b.shape} - {a.shape}"
                )


@pytest.mark.parametrize("length", LENGTHS)
def test_both_operands_repeat(length: int) -> None:
    for a_shape, b_shape in [
        ((30, 1, length), (1, 20, length)), ((30, 1, length), (20, 1)), ((30, 1, 1), (20, length)),
        ((5, 1, 6, 1), (1, 4, 1, length)), ((5, 4, 1, 1), (6, length)), ((2, 3, 1, 2, length), (3, 2, 1, 1)),
    ]:  # fmt: skip
        a, b = numbers(a_shape), numbers(b_shape)
        np.testing.assert_array_equal((alula.tensor(a) * alula.tensor(b)).numpy(), a * b)


VIEWS = {
    "rows apart": lambda x: x[:, :, 1:-1],
    "every second row": lambda x: x[:, ::2],
    "every second element": lambda x: x[:, :, ::2],
    "transposed": lambda x: x.transpose(0, 2, 1),
    "outer axes exchanged": lambda x: x.transpose(1, 0, 2),
    "one element repeated": lambda x: np.broadcast_to(x[:, :1, :1], x.shape),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("length", [3, 10, 18, 66, 130])
def test_views(view: str, length: int) -> None:
    base = numbers((9, 8, length))
    x = VIEWS[view](base)
    other = numbers(x.shape, seed=2)
    lent = alula.tensor(base)
    moved = {
        "rows apart": lambda: lent[:, :, 1:-1],
        "every second row": lambda: lent[:, ::2],
        "every second element": lambda: lent[:, :, ::2],
        "transposed": lambda: lent.transpose(1, 2),
        "outer axes exchanged": lambda: lent.transpose(0, 1),
        "one element repeated": lambda: lent[:, :1, :1].expand(*x.shape),
    }[view]()
    y = alula.tensor(other)
    np.testing.assert_array_equal((moved - y).numpy(), x - other)
    np.testing.assert_array_equal((y - moved).numpy(), other - x)
    np.testing.assert_array_equal((-moved).numpy(), -x)
    np.testing.assert_array_equal((moved > y).numpy(), x > other)
    np.testing.assert_array_equal(alula.where(moved > 0, moved, y).numpy(), np.where(x > 0, x, other))
    np.testing.assert_array_equal(moved.to("float64").numpy(), x.astype("float64"))


@pytest.mark.parametrize("length", LENGTHS)
def test_into_a_view(length: int) -> None:
    """What lies around the view stays as it is."""
    for part in [np.s_[:, :, 1:-1], np.s_[:, ::2], np.s_[1:, :, ::2], np.s_[:, 1:3, :]]:
        base = numbers((6, 5, length + 2))
        x = alula.tensor(base)
        b = numbers(base[part].shape[1:], seed=3)
        base[part] += b
        x[part].add_(alula.tensor(b))
        np.testing.assert_array_equal(x.numpy(), base)
        column = numbers((base[part].shape[1], 1), seed=4)
        base[part] *= column
        x[part].mul_(alula.tensor(column))
        np.testing.assert_array_equal(x.numpy(), base)
        mask = base[part] > 0
        base[part][mask] = 7
        x[part].masked_fill_(alula.tensor(mask), 7)
        np.testing.assert_array_equal(x.numpy(), base)


def test_an_operand_within_the_target() -> None:
    base = numbers((40, 10))
    x = alula.tensor(base)
    expected = base + base[0]
    np.testing.assert_array_equal(x.add_(x[0]).numpy(), expected)
    square = numbers((12, 12))
    y = alula.tensor(square)
    np.testing.assert_array_equal(y.sub_(y.transpose(0, 1)).numpy(), square - square.T)


def test_large_operands_have_the_same_elements_on_any_threads() -> None:
    a, b, c = numbers((3000, 37)), numbers((37,)), numbers((3000, 1))
    before = alula.get_num_threads()
    try:
        for threads in (1, 2, 3, 8):
            alula.set_num_threads(threads)
            x = (alula.tensor(a) * alula.tensor(b) - alula.tensor(c)).numpy()
            np.testing.assert_array_equal(x, a * b - c)
    finally:
        alula.set_num_threads(before)
