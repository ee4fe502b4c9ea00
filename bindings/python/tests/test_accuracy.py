"""Elementary functions against higher precision, in units in the last place (ULP) of the correctly rounded result.

Arguments are random bit patterns, so that every magnitude occurs, subnormal ones too, and the values around which
functions change their way. float32 is compared with float64, and float64 with NumPy's long double.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import special

import alula
from alula.nn import functional as F

#: Largest error in ULP.
BOUND = 2.0

COUNT = 1 << 20

Function = Callable[[np.ndarray], np.ndarray]


def arguments(dtype: type, low: float = -np.inf, high: float = np.inf) -> np.ndarray:
    """Random bit patterns, normal and uniform numbers, and edges, within limits."""
    random = np.random.default_rng(0)
    bits = random.integers(0, 1 << (8 * dtype().itemsize), COUNT, dtype=f"uint{8 * dtype().itemsize}", endpoint=False)
    info = np.finfo(dtype)
    edges = np.array(
        [0, info.smallest_subnormal, info.tiny, info.max, np.inf, 1, 0.5, 2, 87, 88.7, 103.9, 708, 745, 10]
    )
    with np.errstate(all="ignore"):
        edges = np.concatenate([edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf)])
        x = np.concatenate([
            bits.view(dtype), random.standard_normal(COUNT), random.uniform(-1, 1, COUNT),
            random.uniform(-20, 20, COUNT), random.uniform(-110, 110, COUNT), 1 + random.normal(0, 1e-3, COUNT),
            edges, -edges,
        ]).astype(dtype)  # fmt: skip
    return x[(x >= low) & (x <= high)]


def ulps(result: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """The distance of each result from what it should be."""
    info = np.finfo(result.dtype)
    wide = expected.dtype.type
    with np.errstate(all="ignore"):
        rounded = expected.astype(result.dtype)
        _, exponent = np.frexp(expected)
        spacing = np.maximum(np.ldexp(wide(1), exponent - (info.nmant + 1)), wide(info.smallest_subnormal))
        error = np.abs(result.astype(wide) - expected) / spacing
    exact = np.isnan(expected) | np.isinf(rounded) | (expected == 0)
    same = (result == rounded) | (np.isnan(result) & np.isnan(rounded))
    # What is infinite when rounded may come out as the largest number, and the other way round.
    near = (np.abs(result) >= info.max) & (np.abs(expected) >= info.max * wide(1 - info.eps))
    near &= np.sign(result) == np.sign(rounded)
    return np.where(exact | np.isinf(result), np.where(same | near, 0, np.inf), error)


def silu(x: np.ndarray) -> np.ndarray:
    return x * special.expit(x)


def gelu(x: np.ndarray) -> np.ndarray:
    return x * special.ndtr(x)


def softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, x)


#: Name, function and reference.
ELEMENTARY: list[tuple[str, Function, Function]] = [
    ("exp", alula.exp, np.exp),
    ("expm1", alula.expm1, np.expm1),
    ("log", alula.log, np.log),
    ("log1p", alula.log1p, np.log1p),
    ("log2", alula.log2, np.log2),
    ("log10", alula.log10, np.log10),
    ("sqrt", alula.sqrt, np.sqrt),
    ("sin", alula.sin, np.sin),
    ("cos", alula.cos, np.cos),
    ("tan", alula.tan, np.tan),
    ("asin", alula.asin, np.arcsin),
    ("acos", alula.acos, np.arccos),
    ("atan", alula.atan, np.arctan),
    ("sinh", alula.sinh, np.sinh),
    ("cosh", alula.cosh, np.cosh),
    ("tanh", alula.tanh, np.tanh),
]

FLOAT32: list[tuple[str, Function, Function]] = [
    *ELEMENTARY,
    ("asinh", alula.asinh, np.arcsinh),
    ("acosh", alula.acosh, np.arccosh),
    ("atanh", alula.atanh, np.arctanh),
    ("erf", alula.erf, special.erf),
    ("erfc", alula.erfc, special.erfc),
    ("sigmoid", F.sigmoid, special.expit),
    ("silu", F.silu, silu),
    ("softplus", F.softplus, softplus),
    ("gelu", F.gelu, gelu),
]


@pytest.mark.parametrize(("name", "function", "reference"), FLOAT32, ids=[c[0] for c in FLOAT32])
def test_float32(name: str, function: Function, reference: Function) -> None:
    x = arguments(np.float32)
    with np.errstate(all="ignore"):
        expected = reference(x.astype(np.float64))
    error = ulps(np.asarray(function(alula.asarray(x))), expected)
    worst = int(np.argmax(error))
    assert error[worst] <= BOUND, f"{name}({x[worst]!r}): {error[worst]:.2f} ULP from {expected[worst]!r}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("function", "limit", "arguments"),
    [(alula.tanh, 1, [20, 1e30, np.inf]), (alula.erf, 1, [6, 1e30, np.inf]), (alula.erfc, 0, [30, 1e30, np.inf]),
     (F.sigmoid, 1, [40, 1e30, np.inf])],
    ids=["tanh", "erf", "erfc", "sigmoid"],
)  # fmt: skip
def test_limits_are_exact(function: Function, limit: int, arguments: list[float], dtype: type) -> None:
    for count in (1, 40):  # A part of a vector, and whole ones.
        x = alula.asarray(np.repeat(arguments, count).astype(dtype))
        assert (np.asarray(function(x)) == limit).all()
    if limit == 1 and function is not F.sigmoid:
        assert (np.asarray(function(-x)) == -1).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("name", "function", "reference"), FLOAT32, ids=[c[0] for c in FLOAT32])
def test_signs_of_zeros(name: str, function: Function, reference: Function, dtype: type) -> None:
    # Zeros of both signs, and what is so far out that the result may vanish.
    x = np.array([0.0, -0.0, 300, -300, 6e4, -6e4, np.inf, -np.inf], dtype)
    with np.errstate(all="ignore"):
        expected = reference(x.astype(np.float64)).astype(dtype)
    expected = np.repeat(expected, 5)
    result = np.asarray(function(alula.asarray(np.repeat(x, 5))))
    is_zero = (expected == 0) & (result == 0)
    assert np.array_equal(np.signbit(result[is_zero]), np.signbit(expected[is_zero])), name


def test_exponentials_below_the_normal_range() -> None:
    x = np.linspace(-105, -87, COUNT, dtype=np.float32)
    x = np.concatenate([x, np.float32([-np.inf, np.nan, -1e30, -103.97208, -103.97207, -87.33655, -87.33654, 1, 89])])
    # Neighbours in every mixture.
    np.random.default_rng(1).shuffle(x)
    with np.errstate(all="ignore"):
        expected = np.exp(x.astype(np.float64)).astype(np.float32)
    result = np.asarray(alula.exp(alula.asarray(x)))
    distance = np.abs(result.view(np.int32).astype(np.int64) - expected.view(np.int32))
    assert np.all(np.isnan(result) == np.isnan(x)) and distance[~np.isnan(x)].max() <= 1


#: Functions of two arguments.
PAIRS: list[tuple[str, Function, Function]] = [
    ("pow", alula.pow, np.power),
    ("hypot", alula.hypot, np.hypot),
    ("atan2", alula.arctan2, np.arctan2),
    # Of negative numbers, the larger one and the logarithm added to it may cancel.
    ("logaddexp", lambda x, y: alula.logaddexp(abs(x), abs(y)), lambda x, y: np.logaddexp(abs(x), abs(y))),
]


@pytest.mark.parametrize(("name", "function", "reference"), PAIRS, ids=[c[0] for c in PAIRS])
def test_float32_pairs(name: str, function: Function, reference: Function) -> None:
    x = arguments(np.float32)
    random = np.random.default_rng(1)
    # Of any size, of like size, and, for powers most of which are finite, of moderate size.
    with np.errstate(all="ignore"):
        like = (x * random.uniform(0.5, 2, x.size)).astype(np.float32)
    for y in (random.permutation(x), like, random.uniform(-30, 30, x.size).astype(np.float32)):
        with np.errstate(all="ignore"):
            expected = reference(x.astype(np.float64), y.astype(np.float64))
        error = ulps(np.asarray(function(alula.asarray(x), alula.asarray(y))), expected)
        worst = int(np.argmax(error))
        assert error[worst] <= BOUND, f"{name}({x[worst]!r}, {y[worst]!r}): {error[worst]:.2f} ULP"


def test_angles_at_the_axes() -> None:
    numbers = np.float32([0, -0.0, 1, -1, 1e-45, -1e-45, 3e38, -3e38, np.inf, -np.inf, np.nan])
    y, x = (a.ravel() for a in np.meshgrid(numbers, numbers))
    expected = np.arctan2(y.astype(np.float64), x.astype(np.float64))
    result = np.asarray(alula.arctan2(alula.asarray(y), alula.asarray(x)))
    assert (ulps(result, expected) <= BOUND).all()
    assert np.array_equal(np.signbit(result)[result == 0], np.signbit(expected)[result == 0])


def test_quotients_rounded_down_are_exact() -> None:
    """In float64 the quotient, the product and the difference of float32 numbers are, up to 2^24."""
    random = np.random.default_rng(2)
    x = random.uniform(-1e4, 1e4, COUNT).astype(np.float32)
    y = (random.uniform(0.01, 10, COUNT) * random.choice([-1, 1], COUNT)).astype(np.float32)
    # Quotients next to integers, and operands of very different size.
    x[: COUNT // 2] = np.nextafter(y[: COUNT // 2] * random.integers(-99, 99, COUNT // 2), random.choice([-9e9, 9e9]))
    y[-100:] = random.uniform(1, 2, 100) * 1e30
    wide = x.astype(np.float64), y.astype(np.float64)
    quotient = np.asarray(alula.floor_divide(alula.asarray(x), alula.asarray(y)))
    rest = np.asarray(alula.remainder(alula.asarray(x), alula.asarray(y)))
    assert np.array_equal(quotient, np.floor_divide(*wide).astype(np.float32))
    assert np.array_equal(rest, np.remainder(*wide).astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_quotients_at_the_limits(dtype: type) -> None:
    numbers = np.array([0, -0.0, 1, -1, 2.5, -2.5, 7, -7, 6e-8, -6e-8, 6e4, -6e4, np.inf, -np.inf, np.nan], dtype)
    x, y = (np.tile(a.ravel(), 3) for a in np.meshgrid(numbers, numbers))
    with np.errstate(all="ignore"):
        expected = np.floor_divide(x, y), np.remainder(x, y)
    for function, wanted in zip((alula.floor_divide, alula.remainder), expected, strict=True):
        result = np.asarray(function(alula.asarray(x), alula.asarray(y)))
        assert np.array_equal(result, wanted, equal_nan=True)
        assert np.array_equal(np.signbit(result)[wanted == 0], np.signbit(wanted)[wanted == 0])


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="long double is no wider than float64")
@pytest.mark.parametrize(("name", "function", "reference"), ELEMENTARY, ids=[c[0] for c in ELEMENTARY])
def test_float64(name: str, function: Function, reference: Function) -> None:
    # Beyond, the C library's long double functions lose the argument's place on the circle.
    limit = 1e15 if name in ("sin", "cos", "tan") else np.inf
    x = arguments(np.float64, -limit, limit)[::4]
    with np.errstate(all="ignore"):
        expected = reference(x.astype(np.longdouble))
    error = ulps(np.asarray(function(alula.asarray(x))), expected)
    worst = int(np.argmax(error))
    assert error[worst] <= BOUND, f"{name}({x[worst]!r}): {error[worst]:.2f} ULP from {expected[worst]!r}"
