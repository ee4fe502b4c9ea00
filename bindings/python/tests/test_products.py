"""Matrix products and convolutions at the edges of their tiles: sizes around multiples of 6 and 16, any strides,
batches that fill a tile with images or do not, one channel and many; and the same bits for any number of threads."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import alula
from alula.nn.functional import linear

EDGES = [1, 5, 6, 7, 16, 17]
TOLERANCE = {"float32": 2e-5, "float64": 1e-13}


@pytest.fixture
def threads():
    before = alula.get_num_threads()
    yield alula.set_num_threads
    alula.set_num_threads(before)


def random(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def close(actual: alula.Tensor, expected: np.ndarray, scale: float = 1.0) -> None:
    dtype = str(np.asarray(actual).dtype)
    np.testing.assert_allclose(np.asarray(actual), expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)


def layouts(a: np.ndarray) -> dict[str, alula.Tensor]:
    """The same matrix as it may lie in memory."""
    spaced = np.zeros((2 * a.shape[0], 3 * a.shape[1]), a.dtype)
    spaced[::2, ::3] = a
    wide = np.full((a.shape[0], a.shape[1] + 3), np.nan, a.dtype)
    wide[:, 1:-2] = a
    return {
        "rows": alula.asarray(a),
        "columns": alula.asarray(np.ascontiguousarray(a.T)).T,
        "spaced": alula.asarray(spaced)[::2, ::3],
        "within": alula.asarray(wide)[:, 1:-2],
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_edge_of_a_matrix_product(dtype):
    for m, n, k in itertools.product(EDGES, repeat=3):
        a, b = random(m, k, dtype=dtype), random(k, n, dtype=dtype)
        close(alula.asarray(a) @ alula.asarray(b), a.astype("float64") @ b, k)


@pytest.mark.parametrize(
    ("m", "n", "k"),
    [
        (7, 17, 5),
        (17, 7, 300),
        (130, 40, 20),
        (40, 130, 520),
        (200, 210, 300),
        (140, 150, 1100),
        (40, 450, 2050),
        (600, 700, 300),
    ],
)
def test_operands_lie_anyhow(m, n, k):
    a, b = random(m, k), random(k, n)
    expected = a.astype("float64") @ b
    for (name, left), (other, right) in itertools.product(layouts(a).items(), layouts(b).items()):
        np.testing.assert_allclose(np.asarray(left @ right), expected, rtol=1e-4, atol=1e-3, err_msg=f"{name} {other}")


@pytest.mark.parametrize(
    "m, n, k", [(2, 2, 2), (31, 33, 32), (32, 32, 64), (33, 31, 63), (100, 70, 600), (60, 40, 2500), (210, 530, 600)]
)
def test_bfloat16(m, n, k):
    """Products of bfloat16 numbers are exact in float32 and summed there; then the result is rounded."""

    def halves(a: np.ndarray) -> dict[str, alula.Tensor]:
        rows, columns = a.shape
        spaced, wide = np.full((2 * rows, 3 * columns), np.nan), np.full((rows, columns + 3), np.nan)
        spaced[::2, ::3], wide[:, 1:-2] = a, a
        arrays = (a, a.T.copy(), spaced, wide, np.hstack([a.T, a.T]))
        plain, turned, spaced, wide, stacked = (alula.asarray(x).astype(alula.bfloat16) for x in arrays)
        return {
            "rows": plain,
            "columns": turned.T,
            "spaced": spaced[::2, ::3],
            "within": wide[:, 1:-2],
            "columns within": stacked[:, :rows].T,
        }

    a, b = halves(random(m, k)), halves(random(k, n))
    bias = alula.asarray(random(n)).astype(alula.bfloat16)
    x, y, z = (np.asarray(t.astype(alula.float64)) for t in (a["rows"], b["rows"], bias))
    size = np.abs(x) @ np.abs(y)
    for (name_a, left), (name_b, right) in itertools.product(a.items(), b.items()):
        for product, expected in ((left @ right, x @ y), (alula.linear(left, right.T, bias), x @ y + z)):
            error = np.abs(np.asarray(product.astype(alula.float64)) - expected)
            # Half a unit in the last place.
            assert (error <= 2**-8 * np.abs(expected) + 1e-6 * size).all(), (name_a, name_b)


@pytest.mark.parametrize("shape", [(3,), (9,), (2, 5)])
def test_bfloat16_stacks(shape):
    a, b = (alula.asarray(random(*shape, *matrix)).astype(alula.bfloat16) for matrix in ((37, 70), (70, 45)))
    x, y = (np.asarray(t.astype(alula.float64)) for t in (a, b))
    for right, z in ((b, y), (b[..., :1, :, :], y[..., :1, :, :])):
        error = np.abs(np.asarray((a @ right).astype(alula.float64)) - x @ z)
        assert (error <= 2**-8 * np.abs(x @ z) + 1e-6 * np.abs(x) @ np.abs(z)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("k", [1, 2, 3, 8, 32, 33, 64, 65])
def test_shallow_products(k, dtype):
    """Tiles follow one another down C or, up to a depth of 32 where C's rows are 2 KB apart, across it; with columns
    that fill tiles and others, and with a bias and without."""
    for m, n in [(47, 33), (48, 64), (60, 130), (100, 31), (157, 192), (300, 257), (13, 512), (50, 545), (97, 611)]:
        a, weight, bias = random(m, k, dtype=dtype), random(n, k, dtype=dtype), random(n, dtype=dtype)
        expected = a.astype("float64") @ weight.T
        for left, right in itertools.product(layouts(a).values(), layouts(weight.T.copy()).values()):
            close(left @ right, expected, k)
        close(linear(*map(alula.asarray, (a, weight, bias))), expected + bias, k)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("k", [1, 2, 7, 32, 40])
def test_stacks_of_small_products(k, dtype, threads):
    """Every number of rows that a tile has, columns that fill vectors and others, operands that lie anyhow and are
    repeated; each product like that of its matrices alone, whoever computes it."""
    for m, n in itertools.product([1, 2, 3, 4, 5, 6, 7, 8, 9, 17], [1, 2, 3, 4, 5, 8, 15, 16, 17, 33, 70]):
        for stack_a, stack_b in (((11,), (11,)), ((2, 5), (5,)), ((3, 1), (1, 4))):
            a, b = random(*stack_a, m, k, dtype=dtype), random(*stack_b, k, n, dtype=dtype)
            expected = a.astype("float64") @ b
            turned_a, turned_b = (alula.asarray(np.ascontiguousarray(np.swapaxes(x, -1, -2))).mT for x in (a, b))
            for left, right in itertools.product((alula.asarray(a), turned_a), (alula.asarray(b), turned_b)):
                threads(1)
                alone = left @ right
                close(alone, expected, k)
                threads(3)
                np.testing.assert_array_equal(np.asarray(left @ right), np.asarray(alone))


@pytest.mark.parametrize("k", [1, 3, 10, 31, 33, 100, 700])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_few_columns_of_many_rows(k, dtype):
    random = np.random.default_rng(k)
    for m, n in [(64, 1), (3000, 2), (5003, 8), (997, 10), (20_001, 16), (700, 17)]:
        a, b = random.standard_normal((m, k)).astype(dtype), random.standard_normal((k, n)).astype(dtype)
        bias = random.standard_normal(n).astype(dtype)
        exact = a.astype("float64") @ b.astype("float64")
        tolerance = {"rtol": 1e-5, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-11}
        ways = [
            (alula.tensor(a), alula.tensor(b)), (alula.tensor(a.T.copy()).T, alula.tensor(b)),
            (alula.tensor(a), alula.tensor(b.T.copy()).T), (alula.tensor(a.T.copy()).T, alula.tensor(b.T.copy()).T),
            (alula.tensor(np.repeat(a, 2, 1))[:, ::2], alula.tensor(np.repeat(b, 2, 1))[:, ::2]),
        ]  # fmt: skip
        for x, y in ways:
            np.testing.assert_allclose((x @ y).numpy(), exact, **tolerance)
        result = linear(alula.tensor(a), alula.tensor(b.T.copy()), alula.tensor(bias))
        np.testing.assert_allclose(result.numpy(), exact + bias, **tolerance)


def test_small_products_with_a_bias():
    for m, n, k in itertools.product([1, 3, 8, 11], [1, 5, 16, 21, 40], [1, 6, 50]):
        x, weight, bias = random(m, k), random(n, k), random(n)
        expected = x.astype("float64") @ weight.T + bias
        for turned in (alula.asarray(weight), alula.asarray(np.ascontiguousarray(weight.T)).T):
            close(linear(alula.asarray(x), turned, alula.asarray(bias)), expected, k)


@pytest.mark.parametrize("columns", [1, 8, 15, 16, 17, 31, 48, 80])
def test_a_last_panel_of_one_vector(columns):
    """Half a tile where columns fill no more of the last panel, with what is there added and with a bias."""
    for m, k in ((40, 70), (150, 300), (97, 1100)):
        a, weight, bias = random(m, k), random(columns, k), random(columns)
        expected = a.astype("float64") @ weight.T
        for right in layouts(weight.T.copy()).values():
            np.testing.assert_allclose(np.asarray(alula.asarray(a) @ right), expected, rtol=1e-4, atol=1e-3)
        value = linear(*map(alula.asarray, (a, weight, bias)))
        np.testing.assert_allclose(np.asarray(value), expected + bias, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("k", [31, 32, 33, 47, 64, 130, 520])
def test_few_vectors_along_the_depth(k, dtype):
    """Small batches times a weight whose rows lie along the depth, with a bias and without."""
    for m, n in [*itertools.product([1, 2, 3, 4, 5, 9, 33], [1, 2, 3, 4, 5, 18]), (70, 1), (70, 10)]:
        x, weight, bias = random(m, k, dtype=dtype), random(n, k, dtype=dtype), random(n, dtype=dtype)
        expected = x.astype("float64") @ weight.T
        for left, right in itertools.product(("rows", "within"), repeat=2):
            a, b = layouts(x)[left], layouts(weight)[right]
            close(a @ b.T, expected, k)
            close(linear(a, b, alula.asarray(bias)), expected + bias, k)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "int64"])
def test_integers(dtype):
    a, b = (np.arange(7 * 21).reshape(7, 21) % 11).astype(dtype), (np.arange(21 * 40).reshape(21, 40) % 7).astype(dtype)
    np.testing.assert_array_equal(np.asarray(alula.asarray(a) @ alula.asarray(b)), a @ b)
    np.testing.assert_array_equal(np.asarray(alula.asarray(a[:, ::2]) @ alula.asarray(b[::2])), a[:, ::2] @ b[::2])


@pytest.mark.parametrize("shape", [(1, 1024), (1024, 1), (3, 700), (700, 513), (1025, 1024)])
def test_vectors(shape):
    a, x, y = random(*shape), random(shape[1]), random(shape[0])
    close(alula.asarray(a) @ alula.asarray(x), a.astype("float64") @ x, 200)
    close(alula.asarray(y) @ alula.asarray(a), y.astype("float64") @ a, 200)


def windows(x, kernel, stride, padding, dilation):
    """Patches: (batch, channels, kernel height, kernel width, height, width)."""
    x = np.pad(x, [(0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2])
    span = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(x, span, axis=(2, 3))
    view = view[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]
    return view.transpose(0, 1, 4, 5, 2, 3)


def by_group(a, axis, groups):
    return a.reshape(*a.shape[:axis], groups, a.shape[axis] // groups, *a.shape[axis + 1 :])


#: Input, weight, stride, padding, dilation, groups.
CONVOLUTIONS = {
    "images across tiles": ((13, 3, 7, 6), (17, 3, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "positions across tiles": ((2, 3, 7, 15), (20, 3, 3, 5), (1, 1), (1, 2), (1, 1), 1),
    "one channel": ((6, 1, 9, 8), (32, 1, 5, 5), (1, 1), (2, 2), (1, 1), 1),
    "many channels": ((5, 21, 6, 5), (18, 21, 3, 2), (1, 1), (1, 0), (1, 1), 1),
    "stride": ((6, 12, 9, 11), (16, 12, 3, 3), (2, 3), (1, 1), (1, 1), 1),
    "stride, few images": ((1, 12, 9, 11), (16, 12, 3, 3), (2, 3), (1, 2), (1, 1), 1),
    "dilation": ((7, 4, 11, 12), (9, 4, 3, 3), (1, 1), (2, 3), (2, 3), 1),
    "stride and dilation": ((2, 12, 12, 13), (8, 12, 3, 3), (2, 2), (3, 2), (2, 3), 1),
    "groups": ((6, 24, 5, 6), (32, 12, 3, 3), (1, 1), (1, 1), (1, 1), 2),
    "3×3, odd sizes": ((2, 17, 9, 11), (19, 17, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "3×3, no padding": ((3, 32, 8, 10), (40, 32, 3, 3), (1, 1), (0, 0), (1, 1), 1),
    "3×3, padding beyond the kernel": ((2, 16, 7, 8), (16, 16, 3, 3), (1, 1), (4, 3), (1, 1), 1),
    "3×3, groups": ((2, 34, 8, 9), (66, 17, 3, 3), (1, 1), (1, 1), (1, 1), 2),
    "3×3, images smaller than a tile": ((31, 20, 3, 1), (24, 20, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "3×3, many targets": ((9, 600, 4, 5), (130, 600, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "3×3, deep sums": ((2, 1100, 8, 7), (33, 1100, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "kernel larger than image": ((6, 3, 2, 2), (8, 3, 5, 5), (1, 1), (4, 4), (1, 1), 1),
    "padding beyond the kernel": ((6, 12, 2, 3), (8, 12, 2, 2), (1, 1), (3, 3), (1, 1), 1),
    "long row": ((1, 8, 1, 400), (8, 8, 1, 7), (1, 1), (0, 3), (1, 1), 1),
    "one element": ((3, 19, 5, 7), (10, 19, 1, 1), (1, 1), (0, 0), (1, 1), 1),
    "one element, many images": ((9, 6, 5, 7), (10, 3, 1, 1), (1, 1), (0, 0), (1, 1), 2),
    "one element, stride": ((3, 8, 9, 7), (10, 4, 1, 1), (2, 3), (0, 0), (1, 1), 2),
    "patches": ((2, 3, 16, 20), (12, 3, 4, 4), (4, 4), (0, 0), (1, 1), 1),
    "patches and a rest": ((3, 4, 11, 13), (6, 2, 2, 3), (2, 3), (0, 0), (1, 1), 2),
    "patches with gaps": ((2, 3, 17, 16), (9, 3, 2, 2), (5, 3), (0, 0), (1, 1), 1),
    "few outputs": ((3, 5, 6, 7), (3, 5, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    "depthwise": ((3, 9, 8, 21), (9, 1, 3, 3), (1, 1), (1, 1), (1, 1), 9),
    "depthwise, narrow": ((2, 8, 5, 3), (8, 1, 3, 3), (1, 1), (1, 1), (1, 1), 8),
    "depthwise, stride": ((2, 8, 9, 40), (8, 1, 3, 5), (2, 2), (1, 6), (1, 1), 8),
    "depthwise, several outputs": ((2, 8, 6, 10), (16, 1, 2, 4), (1, 1), (0, 0), (1, 1), 8),
    "depthwise, a vector": ((2, 9, 6, 16), (9, 1, 3, 3), (1, 1), (1, 1), (1, 1), 9),
    "depthwise, vectors and a rest": ((2, 8, 9, 43), (8, 1, 3, 3), (1, 1), (1, 1), (1, 1), 8),
    "depthwise, small images": ((5, 16, 7, 7), (16, 1, 3, 3), (1, 1), (1, 1), (1, 1), 16),
    "depthwise, large kernel": ((2, 8, 13, 20), (8, 1, 7, 7), (1, 1), (3, 3), (1, 1), 8),
    "depthwise, large kernel, narrow": ((2, 8, 11, 9), (8, 1, 5, 5), (1, 1), (2, 1), (1, 1), 8),
    "depthwise, dilation": ((2, 8, 11, 19), (8, 1, 3, 3), (1, 1), (2, 3), (2, 3), 8),
    "depthwise, stride and dilation": ((2, 8, 12, 37), (8, 1, 3, 3), (2, 2), (2, 3), (2, 3), 8),
    "depthwise, stride down": ((2, 8, 9, 18), (8, 1, 3, 3), (2, 1), (1, 1), (1, 1), 8),
    "depthwise, stride across": ((2, 8, 5, 66), (8, 1, 3, 3), (1, 2), (1, 1), (1, 1), 8),
    "depthwise, stride of 3": ((2, 8, 13, 17), (8, 1, 3, 4), (3, 3), (1, 1), (1, 1), 8),
    "depthwise, stride beyond the kernel": ((2, 8, 7, 23), (8, 1, 1, 1), (2, 3), (0, 0), (1, 1), 8),
    "depthwise, stride of 4": ((2, 8, 21, 70), (8, 1, 7, 8), (4, 4), (3, 2), (1, 1), 8),
    "depthwise, stride beyond the image": ((2, 8, 3, 4), (8, 1, 2, 3), (2**31 - 1, 2**31 - 1), (0, 1), (1, 1), 8),
    "depthwise, large stride": ((2, 8, 45, 40), (8, 1, 3, 3), (20, 18), (1, 1), (1, 1), 8),
    "depthwise, padding beyond the kernel": ((2, 8, 3, 4), (8, 1, 2, 2), (1, 1), (3, 3), (1, 1), 8),
    "depthwise, kernel larger than image": ((2, 8, 2, 3), (8, 1, 5, 5), (2, 2), (4, 4), (1, 1), 8),
    "depthwise, several outputs of tall images": ((1, 8, 3000, 3), (24, 1, 3, 3), (1, 1), (1, 1), (1, 1), 8),
    "depthwise, long row": ((1, 8, 1, 9000), (8, 1, 1, 5), (1, 1), (0, 2), (1, 1), 8),
}


def results(name: str, dtype: str):
    """conv2d with a bias, and its gradients; and what they should be."""
    x_shape, w_shape, stride, padding, dilation, groups = CONVOLUTIONS[name]
    x, w, bias = random(*x_shape, dtype=dtype), random(*w_shape, dtype=dtype), random(w_shape[0], dtype=dtype)
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    value = alula.nn.functional.conv2d(alula.asarray(x), alula.asarray(w), alula.asarray(bias), **settings)
    g = random(*value.shape, dtype=dtype)
    by_input = alula.conv2d_input_gradient(alula.asarray(g), alula.asarray(w), x_shape[2:], **settings)
    by_weight = alula.conv2d_weight_gradient(alula.asarray(g), alula.asarray(x), w_shape[2:], **settings)

    kernel = w_shape[2:]
    patches = by_group(windows(x.astype("float64"), kernel, stride, padding, dilation), 1, groups)
    weights, gradients = by_group(w.astype("float64"), 0, groups), by_group(g.astype("float64"), 1, groups)
    expected = np.einsum("ngcuvhw,gocuv->ngohw", patches, weights).reshape(g.shape) + bias[:, None, None]
    expected_weight = np.einsum("ngcuvhw,ngohw->gocuv", patches, gradients).reshape(w_shape)
    # The transposed map, tap by tap.
    spread = np.zeros((x_shape[0], x_shape[1], x_shape[2] + 2 * padding[0], x_shape[3] + 2 * padding[1]))
    for u, v in np.ndindex(*kernel):
        part = np.einsum("ngohw,goc->ngchw", gradients, weights[..., u, v])
        rows = slice(u * dilation[0], u * dilation[0] + stride[0] * (g.shape[2] - 1) + 1, stride[0])
        columns = slice(v * dilation[1], v * dilation[1] + stride[1] * (g.shape[3] - 1) + 1, stride[1])
        spread[:, :, rows, columns] += part.reshape(x_shape[0], x_shape[1], *g.shape[2:])
    height, width = x_shape[2:]
    expected_input = spread[:, :, padding[0] : padding[0] + height, padding[1] : padding[1] + width]
    return (value, by_input, by_weight), (expected, expected_input, expected_weight)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution(name, dtype):
    for actual, expected in zip(*results(name, dtype), strict=True):
        close(actual, expected, 50)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution_has_the_same_bits_on_any_threads(name, threads):
    threads(1)
    alone, _ = results(name, "float32")
    for count in (2, 3, 8):
        threads(count)
        for value, other in zip(alone, results(name, "float32")[0], strict=True):
            np.testing.assert_array_equal(np.asarray(value), np.asarray(other))


@pytest.mark.parametrize(
    ("m", "n", "k"),
    [
        (100, 500, 784),
        (300, 300, 300),
        (1, 1024, 1024),
        (1024, 1, 1024),
        (20, 30, 9000),
        (64, 64, 64),
        (5, 900, 1030),
        (200, 210, 1100),
        # Strips of which several threads take rows, with panels for the whole depth and without.
        (600, 700, 300),
        (1100, 1030, 1300),
        (1100, 1030, 2100),
    ],
)
def test_product_has_the_same_bits_on_any_threads(m, n, k, threads):
    x, y = random(m, k), random(k, n)
    a, b = alula.asarray(x), alula.asarray(y)
    threads(1)
    alone = np.asarray(a @ b)
    close(alone, x.astype("float64") @ y, k)
    lying = alula.asarray(random(n, k))
    along = np.asarray(a @ lying.T)
    for count in (2, 3, 8):
        threads(count)
        np.testing.assert_array_equal(np.asarray(a @ b), alone)
        np.testing.assert_array_equal(np.asarray(a @ lying.T), along)


def test_what_lies_beyond_the_operands_does_not_matter():
    """NaN beside a matrix or outside an image's rows reaches no result."""
    a = np.full((9, 40), np.nan, np.float32)
    a[:, :33] = random(9, 33)
    b = np.full((33, 30), np.nan, np.float32)
    b[:, 3:20] = random(33, 17)
    product = alula.asarray(a)[:, :33] @ alula.asarray(b)[:, 3:20]
    assert np.isfinite(np.asarray(product)).all()
    x = np.full((6, 2, 9, 9), np.nan, np.float32)
    x[:, :, 1:8, 1:8] = random(6, 2, 7, 7)
    inner = alula.asarray(x)[:, :, 1:8, 1:8]
    for outputs, groups in ((8, 1), (2, 2)):
        weight = alula.asarray(random(outputs, 2 // groups, 3, 3))
        value = alula.nn.functional.conv2d(inner, weight, padding=1, groups=groups)
        assert np.isfinite(np.asarray(value)).all()


def test_depthwise_gradient_reads_no_other_row():
    """An infinite pixel is multiplied by its own positions' gradients only: beyond a row's end they are no zeros."""
    x = np.abs(random(2, 8, 6, 21))
    x[:, :, 3, 0] = np.inf
    for width in (1, 2, 3):
        g = alula.ones((2, 8, 4, 22 - width))
        by_weight = np.asarray(alula.conv2d_weight_gradient(g, alula.asarray(x), (3, width), groups=8))
        assert np.isposinf(by_weight[..., 0]).all()
        assert np.isfinite(by_weight[..., 1:]).all()


def test_depthwise_convolution_of_views():
    x = random(3, 20, 9, 24)
    w = random(10, 1, 3, 3)
    g = random(3, 10, 9, 12)
    views = {
        "channels": lambda a: a[:, ::2, :, :12],
        "reversed rows": lambda a: np.flip(a[:, :10, :, :12], 2),
        "columns": lambda a: a[:, 5:15, :, ::2],
        "channels last": lambda a: np.ascontiguousarray(a[:, :10, :, :12].transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
    }
    for name, view in views.items():
        own = view(x)
        lying = alula.asarray(x) if name != "channels last" else alula.asarray(own.transpose(0, 2, 3, 1))
        if name == "reversed rows":
            lying = alula.flip(lying[:, :10, :, :12], 2)
        elif name == "channels last":
            lying = lying.permute(0, 3, 1, 2)
        else:
            lying = view(lying)
        packed = alula.asarray(np.ascontiguousarray(own))
        settings = {"padding": 1, "groups": 10}
        conv2d = alula.nn.functional.conv2d
        np.testing.assert_array_equal(
            conv2d(lying, alula.asarray(w), **settings), conv2d(packed, alula.asarray(w), **settings)
        )
        by_weight = [alula.conv2d_weight_gradient(alula.asarray(g), a, (3, 3), **settings) for a in (lying, packed)]
        np.testing.assert_array_equal(*by_weight)
