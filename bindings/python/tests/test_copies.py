"""Copies between layouts: rows of any length in any order, transposed planes, gaps and reversed axes, and views."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import alula

DTYPES = ["bool", "int8", "uint16", "float16", "float32", "float64", "complex128"]

#: Shapes of several axes, with rows from 1 to 200 elements, of which pieces of any width leave a rest.
SHAPES = [
    (2, 3), (7, 1), (3, 4, 5), (4, 8, 16), (5, 2, 3, 4), (9, 3, 33), (2, 17, 3, 8), (17, 19), (64, 40), (16, 16, 16),
    (3, 5, 200), (2, 2, 2, 2, 2, 2), (0, 3, 4), (1, 1), (30, 70, 40), (530, 610),
]  # fmt: skip


def values(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    random = np.random.default_rng(0)
    x = random.integers(0, 2 if dtype == "bool" else 100, shape)
    return (x + 1j * x[..., ::-1] if dtype == "complex128" else x).astype(dtype)


def same(result: alula.Tensor, expected: np.ndarray) -> None:
    np.testing.assert_array_equal(np.asarray(result), expected)
    assert result.is_contiguous()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_axes_in_any_order(shape: tuple[int, ...], dtype: str) -> None:
    x = values(shape, dtype)
    tensor = alula.tensor(x)
    orders = list(itertools.permutations(range(len(shape))))
    for order in orders[:: max(1, len(orders) // 24)]:
        same(tensor.permute(*order).contiguous(), x.transpose(order))


@pytest.mark.parametrize("dtype", ["int8", "float32", "float64"])
@pytest.mark.parametrize("shape", [s for s in SHAPES if len(s) > 1], ids=str)
def test_slices(shape: tuple[int, ...], dtype: str) -> None:
    x = values(shape, dtype)
    tensor = alula.tensor(x)
    for index in (
        np.s_[::2], np.s_[..., 1:], np.s_[..., ::2], np.s_[1:, ..., :-1], np.s_[::-1], np.s_[..., ::-1],
        np.s_[::-2, ..., :2],
    ):  # fmt: skip
        same(alula.tensor(x)[index].contiguous(), x[index])
        # Into a view, around which nothing may change.
        target, expected = alula.tensor(x), x.copy()
        source = values(x[index].shape, dtype)[..., ::-1].copy()
        target[index] = alula.tensor(source)
        expected[index] = source
        np.testing.assert_array_equal(np.asarray(target), expected)
        # From one view into another.
        target, expected = alula.tensor(x), x.copy()
        target[index] = tensor[index].flip(0) if x[index].shape[0] else tensor[index]
        expected[index] = x[index][::-1]
        np.testing.assert_array_equal(np.asarray(target), expected)


def test_within_one_storage() -> None:
    x = values((40, 30, 8), "float32")
    for target, source in (
        (np.s_[1:], np.s_[:-1]), (np.s_[:-1], np.s_[1:]), (np.s_[:, 1:], np.s_[:, :-1]),
        (np.s_[..., 1:], np.s_[..., :-1]),
        (np.s_[...], np.s_[::-1]), (np.s_[...], np.s_[:, ::-1]),
    ):  # fmt: skip
        tensor, expected = alula.tensor(x), x.copy()
        tensor[target] = tensor[source]
        expected[target] = x[source]
        np.testing.assert_array_equal(np.asarray(tensor), expected)
    square = values((20, 20), "float32")
    tensor = alula.tensor(square)
    tensor[...] = tensor.T
    np.testing.assert_array_equal(np.asarray(tensor), square.T)
