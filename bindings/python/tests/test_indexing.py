"""Reading and writing with indices against NumPy, over thousands of generated combinations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import reference

import alula


def random_item(rng: np.random.Generator, extent: int, lengths: tuple[int, ...]) -> Any:
    """An item for one axis: an integer, a slice, or an array of positions."""
    kind = rng.integers(0, 8)
    if kind == 0 and extent:
        return int(rng.integers(-extent, extent))
    if kind in (1, 2) and extent:
        positions = rng.integers(-extent, extent, lengths)
        form = rng.integers(0, 4)
        if form == 0:
            return positions.tolist()
        if form == 1:
            return alula.asarray(positions)
        return positions.astype(rng.choice(["int8", "int32", "int64"]))
    if kind == 3:
        return rng.integers(0, 2, extent).astype(bool)

    def bound() -> int | None:
        return None if rng.random() < 0.3 else int(rng.integers(-extent - 2, extent + 3))

    step = int(rng.choice([-3, -2, -1, 1, 1, 2, 3]))
    return slice(bound(), bound(), None if rng.random() < 0.4 else step)


def random_index(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    lengths = [(), (3,), (2, 3), (1,)][rng.integers(0, 4)]
    items: list[Any] = [random_item(rng, extent, lengths) for extent in shape[: rng.integers(0, len(shape) + 1)]]
    if rng.random() < 0.2 and len(shape) >= 2:
        items = [rng.integers(0, 2, shape[:2]).astype(bool), *items[2:]]
    if rng.random() < 0.3:
        items.insert(int(rng.integers(0, len(items) + 1)), None)
    if rng.random() < 0.3:
        place = int(rng.integers(0, len(items) + 1))
        items.insert(place, Ellipsis)
        # Items behind an ellipsis meet the last axes.
        behind = len([item for item in items[place + 1 :] if item is not None])
        fixed = []
        for item in items[place + 1 :]:
            if item is None:
                fixed.append(item)
            else:
                fixed.append(random_item(rng, shape[len(shape) - behind], lengths))
                behind -= 1
        items[place + 1 :] = fixed
    return items[0] if len(items) == 1 and rng.random() < 0.5 else tuple(items)


def for_numpy(index: Any) -> Any:
    if isinstance(index, alula.Tensor):
        return index.numpy()
    return tuple(for_numpy(item) for item in index) if isinstance(index, tuple) else index


SHAPES = [(), (5,), (4, 3), (2, 3, 4), (3, 1, 2, 4), (0, 3), (2, 0)]


@pytest.mark.parametrize("seed", range(40))
def test_reading(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(60):
        shape = SHAPES[rng.integers(0, len(SHAPES))]
        array = np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape)
        index = random_index(rng, shape)
        try:
            want = array[for_numpy(index)]
        except (IndexError, ValueError) as error:
            with pytest.raises((IndexError, ValueError)):
                alula.asarray(array)[index]
                raise AssertionError(f"{shape} {index!r}: NumPy says {error}") from None
            continue
        got = alula.asarray(array)[index]
        assert got.shape == want.shape, f"{shape} {index!r}"
        assert np.array_equal(got.numpy(), want), f"{shape} {index!r}"


@pytest.mark.parametrize("seed", range(40))
def test_writing(seed: int) -> None:
    rng = np.random.default_rng(1000 + seed)
    for _ in range(60):
        shape = SHAPES[rng.integers(0, len(SHAPES))]
        array = np.arange(int(np.prod(shape)), dtype=np.float64).reshape(shape)
        index = random_index(rng, shape)
        tensor = alula.tensor(array)
        try:
            place = array[for_numpy(index)].shape
        except (IndexError, ValueError):
            continue
        value: Any = rng.standard_normal(place) if rng.random() < 0.6 else 7.5
        if rng.random() < 0.2 and place:
            value = rng.standard_normal(place[-1:])
        array[for_numpy(index)] = value
        tensor[index] = alula.asarray(value) if rng.random() < 0.5 else value
        assert np.array_equal(tensor.numpy(), array), f"{shape} {index!r}"


@pytest.mark.parametrize("seed", range(20))
def test_gradients(seed: int) -> None:
    """The gradient of reading adds what arrives to the places that were read."""
    rng = np.random.default_rng(2000 + seed)
    for _ in range(10):
        shape = SHAPES[rng.integers(1, len(SHAPES))]
        index = random_index(rng, shape)
        x = alula.tensor(rng.standard_normal(shape), requires_grad=True)
        try:
            places = np.arange(x.numel()).reshape(shape)[for_numpy(index)]
        except (IndexError, ValueError):
            continue
        weight = rng.standard_normal(places.shape)
        want = np.zeros(x.numel())
        np.add.at(want, places.ravel(), weight.ravel())
        (gradient,) = alula.grad(x[index], x, grad_outputs=alula.asarray(weight))
        assert gradient is not None
        assert np.allclose(gradient.numpy(), want.reshape(shape), 1e-14, 1e-14), f"{shape} {index!r}"


def test_views_share_memory() -> None:
    x = alula.arange(12.0).reshape(3, 4)
    x[1][2] = 50
    x[::-1, None, 1][0] = 60
    assert x[1, 2].item() == 50 and x[2, 1].item() == 60
    copy = x[[0, 1]]
    copy[0, 0] = 99
    assert x[0, 0].item() == 0


def test_pytorch_idioms() -> None:
    log_probabilities = alula.log(alula.full((4, 3), 1 / 3))
    labels = alula.tensor([0, 2, 1, 1])
    assert -log_probabilities[range(4), labels].mean() == -log_probabilities[0, 0]
    logits = alula.tensor([[1.0, 5.0, 3.0]])
    top, _ = alula.topk(logits, 2)
    logits[logits < top[:, [-1]]] = -alula.inf
    assert logits.tolist() == [[-alula.inf, 5.0, 3.0]]
    y = alula.zeros(2, 3)
    with alula.no_grad():
        y[0][2] = 5
    assert y[0, 2] == 5
    assert ["a", "b", "c"][alula.tensor(1)] == "b"
    assert np.arange(3)[alula.tensor([2, 0])].tolist() == [2, 0]


def test_writes_are_recorded() -> None:
    x = alula.tensor([1.0, 2.0, 3.0], requires_grad=True)
    v = alula.tensor(10.0, requires_grad=True)
    y = x * 2
    y[1] = v * 3
    y.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [2, 0, 2]
    assert v.grad is not None and v.grad.item() == 3
    with pytest.raises(RuntimeError, match="leaf"):
        x[0] = 1


@pytest.mark.parametrize(
    ("index", "error"),
    [
        (5, IndexError),
        (-6, IndexError),
        ((0, 0), IndexError),
        ([7], IndexError),
        ((..., ...), (IndexError, ValueError)),
        ([True, False], (IndexError, ValueError)),
        (1.5, IndexError),
        ("a", IndexError),
        ([0.5], IndexError),
        (slice(None, None, 0), ValueError),
        (2**70, IndexError),
        (slice("a", None), TypeError),
    ],
)
def test_errors(index: Any, error: Any) -> None:
    x = alula.arange(5.0)
    with pytest.raises(error):
        x[index]
    with pytest.raises(error):
        x[index] = 1
    assert x.tolist() == [0, 1, 2, 3, 4]


def test_huge_slice_bounds() -> None:
    assert alula.arange(3)[-(2**80) : 2**80].tolist() == [0, 1, 2]
    assert alula.arange(3)[:: 2**63 - 1].tolist() == [0]


def test_iteration() -> None:
    x = alula.arange(6).reshape(3, 2)
    assert [row.tolist() for row in x] == [[0, 1], [2, 3], [4, 5]]
    _, b, _ = x
    assert b.tolist() == [2, 3] and len(x) == 3
    assert 3 in x and 9 not in x
    with pytest.raises(TypeError, match="0-d"):
        iter(alula.tensor(1))
    with pytest.raises(TypeError, match="0-d"):
        len(alula.tensor(1))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint16", "int64"])
def test_topk_chooses_what_sorting_would(dtype: str) -> None:
    """Few are kept in order while the others pass by, many are counted; equal ones stay in their order."""
    rng = np.random.default_rng(7)
    rows = rng.integers(0, 100, (5, 300)).astype(dtype)
    rows[1].sort()
    rows[2] = rows[1, ::-1]
    rows[3] = 5
    if dtype.startswith("float"):
        rows[4, ::7] = np.nan
        rows[4, 1::7] = -np.inf
        rows[4, 2::7] = np.inf
        rows[4, 3::7] = -0.0
        rows[4, 4::7] = 0.0
    for k in (0, 1, 31, 32, 33, 75, 76, 300):
        for largest in (False, True):
            values, indices = alula.topk(alula.asarray(rows), k, largest=largest)
            expected = reference.topk(rows, k, 1, largest)
            np.testing.assert_array_equal(values, expected[0])
            np.testing.assert_array_equal(indices, expected[1])
