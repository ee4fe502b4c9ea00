"""Folds of short rows and of rows on rows, scans and joins, at the ends of vectors and for every dtype."""

from __future__ import annotations

import numpy as np
import pytest

import alula

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"]
LENGTHS = [1, 2, 3, 5, 8, 10, 15, 16, 17, 31, 33, 63, 64, 65, 100, 130, 500]


def numbers(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    random = np.random.default_rng(sum(shape))
    if dtype == "bool":
        return random.random(shape) < 0.05
    if dtype.startswith("float"):
        return random.standard_normal(shape).astype(dtype)
    limits = np.iinfo(dtype)
    return random.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
def test_folds(dtype: str, axis: int) -> None:
    names = ["any", "all"] if dtype == "bool" else ["sum", "prod", "max", "min", "any", "all", "argmax"]
    for length in LENGTHS:
        shape = [3, 5, 3]
        shape[axis] = length
        array = numbers(tuple(shape), dtype)
        x = alula.asarray(array)
        for name in names:
            expected = getattr(np, name)(array.astype("float64") if dtype == "float32" else array, axis=axis)
            result = np.asarray(getattr(alula, name)(x, axis=axis))
            if dtype.startswith("float"):
                np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6, err_msg=f"{name} {length}")
            else:
                np.testing.assert_array_equal(result, expected, err_msg=f"{name} {length}")
        if dtype.startswith("float"):
            mean, variance = np.asarray(x.mean(axis)), np.asarray(x.var(axis, correction=0))
            np.testing.assert_allclose(mean, array.astype("float64").mean(axis), rtol=1e-6, atol=1e-7)
            np.testing.assert_allclose(variance, array.astype("float64").var(axis), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extrema_keep_nan(dtype: str) -> None:
    for length in LENGTHS:
        for place in {0, length // 2, length - 1}:
            array = numbers((4, length), dtype)
            array[2, place] = np.nan
            for name in ("max", "min"):
                for turned in (array, np.ascontiguousarray(array.T)):
                    axis = 1 if turned is array else 0
                    result = np.asarray(getattr(alula, name)(alula.asarray(turned), axis=axis))
                    np.testing.assert_array_equal(result, getattr(np, name)(turned, axis=axis))


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "float64", "complex64"])
def test_scans(dtype: str) -> None:
    for shape in [(1,), (7,), (1, 9), (3, 40), (4, 17), (9, 1), (23, 30), (2, 3, 5), (5, 2, 300)]:
        array = numbers(shape, "float64" if dtype == "complex64" else dtype)
        array = array.astype(dtype) if dtype == "complex64" else array
        for axis in range(len(shape)):
            wide = array.astype("complex128" if dtype == "complex64" else "float64") if dtype[0] in "fc" else array
            result = np.asarray(alula.cumulative_sum(alula.asarray(array), axis=axis))
            np.testing.assert_allclose(result, np.cumsum(wide, axis), rtol=2e-6, atol=2e-6)
            # The gradient is the scan from the other end.
            if dtype.startswith("float"):
                x = alula.tensor(array, requires_grad=True)
                seed = numbers(shape, dtype)
                (gradient,) = alula.grad(alula.cumulative_sum(x, axis=axis), [x], [alula.asarray(seed)])
                expected = np.flip(np.cumsum(np.flip(seed.astype("float64"), axis), axis), axis)
                np.testing.assert_allclose(np.asarray(gradient), expected, rtol=2e-6, atol=2e-6)


def test_scan_has_the_same_bits_on_any_threads() -> None:
    before = alula.get_num_threads()
    x = alula.asarray(numbers((37, 3000), "float32"))
    results = []
    for count in (1, 2, 3, 8):
        alula.set_num_threads(count)
        results.append(np.asarray(alula.cumulative_sum(x, axis=1)))
    alula.set_num_threads(before)
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


@pytest.mark.parametrize("count", [1, 2, 60])
def test_joins(count: int) -> None:
    for shape in [(3,), (4, 5), (40, 600)]:
        arrays = [numbers(shape, "float32") + i for i in range(count)]
        tensors = [alula.asarray(a) for a in arrays]
        for axis in range(len(shape)):
            np.testing.assert_array_equal(np.asarray(alula.concat(tensors, axis=axis)), np.concatenate(arrays, axis))
        for axis in range(-1, len(shape)):
            np.testing.assert_array_equal(np.asarray(alula.stack(tensors, axis=axis)), np.stack(arrays, axis))


def test_stack_of_views_and_of_what_requires_a_gradient() -> None:
    array = numbers((6, 8), "float32")
    x = alula.tensor(array, requires_grad=True)
    parts = [x[0], x[2], alula.asarray(array)[3], alula.asarray(array).T[:, 1], x[0]]
    stacked = alula.stack(parts, axis=1)
    np.testing.assert_array_equal(
        stacked.detach().numpy(), np.stack([array[0], array[2], array[3], array[1], array[0]], 1)
    )
    (gradient,) = alula.grad(stacked.sum(), [x])
    assert np.asarray(gradient).sum(1).tolist() == [16, 0, 8, 0, 0, 0]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32", "float64"])
def test_folds_of_rows_shorter_than_a_vector(dtype: str) -> None:
    for rows in (1, 3, 15, 64, 257, 7000):
        for columns in (*range(1, 17), 20, 31, 40, 63):
            array = numbers((rows, columns), dtype)
            x = alula.asarray(array)
            for name in ("sum", "max"):
                result = np.asarray(getattr(alula, name)(x, axis=0))
                if dtype.startswith("float"):
                    wanted = getattr(np, name)(array.astype("float64"), axis=0)
                    np.testing.assert_allclose(result, wanted, rtol=1e-6, atol=1e-5, err_msg=f"{name} {rows} {columns}")
                else:
                    np.testing.assert_array_equal(result, getattr(np, name)(array, axis=0))
            if dtype.startswith("float") and rows > 1:
                wanted = array.astype("float64").var(axis=0)
                np.testing.assert_allclose(np.asarray(alula.var(x, axis=0, correction=0)), wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", ["int32", "float32", "float64"])
@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 2), (1, 3), (2, 3), (0, 2, 3), (0, 1), (1, 2)])
def test_folds_of_several_axes(axes: tuple[int, ...], dtype: str) -> None:
    for shape in [(6, 5, 7, 7), (3, 300, 4, 5), (40, 8, 32, 3), (2, 1, 9, 70), (5, 6, 1, 1)]:
        array = numbers(shape, dtype)
        for x, of in [(alula.asarray(array), array), (alula.asarray(array).transpose(1, 2), array.swapaxes(1, 2))]:
            result = np.asarray(alula.sum(x, axis=axes))
            if dtype == "int32":
                np.testing.assert_array_equal(result, of.sum(axis=axes, dtype="int64"))
                continue
            wide = of.astype("float64")
            np.testing.assert_allclose(result, wide.sum(axis=axes), rtol=1e-6, atol=1e-5)
            np.testing.assert_array_equal(np.asarray(alula.max(x, axis=axes)), of.max(axis=axes))
            np.testing.assert_allclose(
                np.asarray(alula.var(x, axis=axes, correction=0)), wide.var(axis=axes), rtol=1e-5, atol=1e-7
            )


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "float32", "float64"])
@pytest.mark.parametrize("length", [63, 64, 4095, 4096, 4097, 8192, 20_000, 200_000])
def test_positions_of_extrema_in_long_rows(length: int, dtype: str) -> None:
    array = numbers((3, length), dtype)
    cases = [array, np.zeros_like(array), array[:, ::-1].copy()]
    if dtype.startswith("float"):
        late, infinite = array.copy(), np.full_like(array, -np.inf)
        late[0, length - 1] = late[1, length // 2] = np.nan
        late[2, [length // 3, length - 2]] = np.nan
        infinite[1, length - 1] = np.nan
        cases += [late, infinite]
    for case in cases:
        for x, of in [(alula.asarray(case), case), (alula.asarray(case.T.copy()).T, case)]:
            np.testing.assert_array_equal(np.asarray(alula.argmax(x, axis=1)), of.argmax(axis=1))
            np.testing.assert_array_equal(np.asarray(alula.argmin(x, axis=1)), of.argmin(axis=1))
        assert int(alula.argmax(alula.asarray(case))) == case.argmax()
