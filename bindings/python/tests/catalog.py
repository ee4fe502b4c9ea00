"""The operation catalog as the generated tests read it: samples as arrays, layouts, references, tolerances."""

from __future__ import annotations

import json
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import reference
from scipy import special

import alula

OPERATIONS: dict[str, dict[str, Any]] = {
    operation["name"]: operation for operation in json.loads(Path(__file__).with_name("catalog.json").read_text())
}

#: How far a result may be from the reference, which is computed in float64 from the same (rounded) inputs:
#: relative to the element, plus as much relative to the largest element, where sums cancel.
TOLERANCES = {
    "float64": 1e-12,
    "float32": 3e-6,
    "float16": 2e-3,
    "bfloat16": 1.6e-2,
    "complex64": 3e-6,
    "complex128": 1e-12,
}

FLOATS = ("float16", "bfloat16", "float32", "float64")
_PYTHON_NAMES = {"lambda": "lambda_", "from": "from_", "in": "in_"}


# ---- Arrays ---------------------------------------------------------------------------------------------


def rounded(values: np.ndarray, dtype: str) -> np.ndarray:
    """`values` as `dtype` holds them; bfloat16 as float32."""
    if dtype != "bfloat16":
        return values.astype(dtype)
    single = np.ascontiguousarray(values.astype(np.float32))
    bits = single.view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return np.where(np.isfinite(single), bits.astype(np.uint32).view(np.float32), single).reshape(values.shape)


def draw(
    spec: dict[str, Any], dtype: str, rng: np.random.Generator, shape: tuple[int, ...] | None = None
) -> np.ndarray:
    """An array as a sample describes it, in its own dtype or in `dtype`."""
    dtype = spec["dtype"] or dtype
    shape = tuple(spec["shape"]) if shape is None else shape
    kind, *parameters = spec["values"]
    count = int(np.prod(shape))
    numpy = np.dtype("float32" if dtype == "bfloat16" else dtype)
    if kind == "literal":
        return rounded(np.array(parameters[0], np.float64).reshape(shape), dtype)
    if kind == "bool" or (numpy.kind == "b" and kind != "integers"):
        return rng.integers(0, 2, shape).astype(numpy)
    if kind == "integers":
        return rng.integers(parameters[0], parameters[1], shape).astype(numpy)
    if kind == "spread":
        values = (rng.permutation(count) - count // 2).reshape(shape)
        if numpy.kind == "u":
            values = values + count // 2
        return values.astype(numpy) if numpy.kind in "iu" else rounded(values * 0.5 + 0.25, dtype)
    if numpy.kind in "iu":
        low, high = (-4, 5) if kind == "normal" else (int(np.ceil(parameters[0])), int(np.floor(parameters[1])) + 1)
        if numpy.kind == "u":
            low = max(low, 0)
        return rng.integers(low, max(high, low + 1), shape).astype(numpy)
    make: Callable[[], Any]
    if kind == "normal":
        make = lambda: rng.standard_normal(shape)
    else:
        make = lambda: rng.uniform(parameters[0], parameters[1], shape)
    values = np.asarray(make())
    if numpy.kind == "c":
        values = values + 1j * np.asarray(make())
    return rounded(values, dtype)


def contiguous(array: np.ndarray) -> np.ndarray:
    return np.array(array, order="C")


def transposed(array: np.ndarray) -> np.ndarray:
    return np.array(array, order="F")


def sliced(array: np.ndarray) -> np.ndarray:
    """The same elements with gaps between them, the first and the last axis backwards."""
    buffer = np.zeros([2 * extent + 1 for extent in array.shape], array.dtype)
    slices = [slice(1, 2 * extent, 2) for extent in array.shape]
    for axis in {0, array.ndim - 1} if array.ndim else ():
        slices[axis] = slice(2 * array.shape[axis] - 1 if array.shape[axis] else 0, None, -2)
    view = buffer[(*slices, ...)]
    if view.shape != array.shape:  # an extent of zero
        return contiguous(array)
    view[...] = array
    return view


def stretched(array: np.ndarray) -> np.ndarray:
    """The first entry along the last axis, repeated with stride 0."""
    if not array.ndim or not array.shape[-1]:
        return contiguous(array)
    first = np.array(array[..., :1])
    return np.lib.stride_tricks.as_strided(first, array.shape, (*first.strides[:-1], 0))


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "contiguous": contiguous,
    "transposed": transposed,
    "sliced": sliced,
    "stretched": stretched,
}


def to_tensor(array: np.ndarray, dtype: str | None = None) -> alula.Tensor:
    """A tensor over `array`, strides and all; in bfloat16 one of the same strides' elements, converted."""
    tensor = alula.from_numpy(array) if array.size else alula.asarray(array)
    return tensor.to(alula.bfloat16) if dtype == "bfloat16" and array.dtype == np.float32 else tensor


def to_array(tensor: alula.Tensor) -> np.ndarray:
    tensor = tensor.detach()
    return (tensor.to(alula.float32) if tensor.dtype == alula.bfloat16 else tensor).numpy()


# ---- Calls ----------------------------------------------------------------------------------------------


@dataclass
class Case:
    """An operation with one sample's arguments in one dtype."""

    operation: dict[str, Any]
    sample: dict[str, Any]
    dtype: str
    arrays: list[np.ndarray | None] = field(default_factory=list)

    @staticmethod
    def make(name: str, number: int, dtype: str, shape: tuple[int, ...] | None = None) -> Case:
        operation = OPERATIONS[name]
        sample = operation["samples"][number]
        rng = np.random.default_rng(zlib.crc32(f"{name} {number}".encode()))
        arrays = [None if spec is None else np.asarray(draw(spec, dtype, rng, shape)) for spec in sample["inputs"]]
        return Case(operation, sample, dtype, arrays)

    @property
    def name(self) -> str:
        return str(self.operation["name"])

    @property
    def is_list(self) -> bool:
        return bool(self.operation["inputs"]) and self.operation["inputs"][0]["arity"] == "list"

    @property
    def attributes(self) -> dict[str, Any]:
        """As given by the sample; required ones are there."""
        return dict(self.sample["attributes"])

    def tensors(self, layout: Callable[[np.ndarray], np.ndarray] = contiguous) -> list[alula.Tensor | None]:
        result = []
        for array, spec in zip(self.arrays, self.sample["inputs"], strict=True):
            dtype = None if spec is None or spec["dtype"] else self.dtype
            result.append(None if array is None else to_tensor(layout(array), dtype))
        return result

    @property
    def size(self) -> float:
        """The largest element of the inputs of an operation that adds them up; 0 for one that does not."""
        if self.operation["body"] == "elementwise":
            return 0.0
        floats = [array for array in self.arrays if array is not None and array.dtype.kind in "fc"]
        return max((float(np.abs(array).max(initial=0.0)) for array in floats), default=0.0)

    def run(self, tensors: list[alula.Tensor | None], **changes: Any) -> tuple[alula.Tensor, ...]:
        """The results, always as a tuple."""
        function = getattr(alula._operations, _PYTHON_NAMES.get(self.name, self.name))
        arguments = self.attributes | changes
        kinds = {attribute["name"]: attribute["kind"] for attribute in self.operation["attributes"]}
        for name, value in arguments.items():
            if kinds[name] == "scalar" and isinstance(value, list):
                arguments[name] = complex(*value)
        if self.is_list:
            result = function(tensors, **arguments)
        else:
            names = [spec["name"] for spec in self.operation["inputs"]]
            given = {name: tensor for name, tensor in zip(names, tensors, strict=True) if tensor is not None}
            result = function(**given, **arguments)
        return (result,) if isinstance(result, alula.Tensor) else tuple(result)

    def expected(self, layout: Callable[[np.ndarray], np.ndarray] = contiguous) -> tuple[np.ndarray, ...]:
        """What the reference says, computed from the same values in float64."""
        arrays = [None if array is None else self._precise(layout(array)) for array in self.arrays]
        return evaluate(self.operation, arrays, self.attributes)

    def _precise(self, array: np.ndarray) -> np.ndarray:
        if array.dtype.kind == "f":
            return array.astype(np.float64)
        if array.dtype.kind == "c":
            return array.astype(np.complex128)
        if self.operation["promotion"] == "floating" and array.dtype.kind in "biu":
            return array.astype(np.float64)
        return array


def evaluate(
    operation: dict[str, Any], arrays: list[np.ndarray | None], attributes: dict[str, Any]
) -> tuple[np.ndarray, ...]:
    """The reference expression's value."""
    names: dict[str, Any] = {"np": np, "special": special, "reference": reference}
    inputs = operation["inputs"]
    if inputs and inputs[0]["arity"] == "list":
        names[inputs[0]["name"]] = arrays
    else:
        names |= {spec["name"]: array for spec, array in zip(inputs, arrays, strict=True)}
    for attribute in operation["attributes"]:
        value = attributes.get(attribute["name"], attribute["default"])
        if attribute["kind"] in ("ints", "optionalInts") or attribute["kind"].startswith("spatial"):
            value = None if value is None else tuple(value)
        elif attribute["kind"] in ("dtype", "optionalDType") and value == "bfloat16":
            value = "float32"
        elif attribute["kind"] == "scalar" and isinstance(value, list):
            value = complex(*value)
        names[attribute["name"]] = value
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # means of nothing, imaginary parts that go
        result = eval(operation["reference"], names)
    if len(operation["outputs"]) == 1:
        result = (result,)
    return tuple(np.asarray(value) for value in result)


def cases(select: Callable[[dict[str, Any]], bool] = lambda _: True) -> Iterator[tuple[str, int]]:
    """All samples of the operations that `select` accepts, by name and number."""
    for name, operation in OPERATIONS.items():
        if select(operation):
            for number in range(len(operation["samples"])):
                yield name, number


def dtypes_of(name: str, number: int) -> list[str]:
    """The dtypes to run a sample in: one where nothing of it depends on the dtype under test."""
    operation = OPERATIONS[name]
    specs = operation["samples"][number]["inputs"]
    if not any(spec is not None and spec["dtype"] is None for spec in specs):
        return ["float32"]
    return [dtype for dtype in operation["dtypes"] if holds(specs, dtype)]


def holds(specs: list[dict[str, Any] | None], dtype: str) -> bool:
    """Whether `dtype` can hold what the sample wants: no negative numbers in unsigned integers."""
    for spec in specs:
        if spec is None or spec["dtype"] is not None:
            continue
        kind, *parameters = spec["values"]
        if kind == "literal" and dtype not in (*FLOATS, "complex64", "complex128"):
            values = np.array(parameters[0])
            if (values != np.floor(values)).any() or (dtype[0] in "ub" and (values < 0).any()):
                return False
        if kind == "integers" and dtype[0] in "ub" and parameters[0] < 0:
            return False
    return True


# ---- Comparison -----------------------------------------------------------------------------------------


def assert_close(got: alula.Tensor, want: np.ndarray, what: str, size: float = 0.0) -> None:
    """Shapes and kinds are the same, elements as close as the dtype's tolerance says.

    `size` is that of the inputs, where sums of them may cancel.
    """
    assert got.shape == want.shape, f"{what}: shape {got.shape} instead of {want.shape}"
    dtype = got.dtype.name
    kind = "i" if got.dtype.kind in "iu" else got.dtype.kind
    want_kind = "i" if want.dtype.kind in "iu" else want.dtype.kind
    assert kind == want_kind, f"{what}: dtype {dtype} where the reference has {want.dtype}"
    value = to_array(got)
    if kind in "bi":
        assert np.array_equal(value, want), f"{what}:\n{value}\ninstead of\n{want}"
        return
    limit = TOLERANCES[dtype]
    with np.errstate(all="ignore"):
        want = rounded(want, dtype)  # so that what overflows is infinite in both
        finite = np.isfinite(want)
        same = np.where(finite, True, (value == want) | (np.isnan(value) & np.isnan(want)))
        scale = max(np.abs(want[finite]).max(initial=0.0), size)
        precise = np.complex128 if kind == "c" else np.float64
        error = np.abs(value.astype(precise) - want.astype(precise))
        near = error <= limit * (np.abs(want) + scale) + np.finfo(np.float32 if dtype == "bfloat16" else dtype).tiny
    good = np.where(finite, near, same)
    if not good.all():
        index = tuple(int(i) for i in np.argwhere(~good)[0]) if good.ndim else ()
        raise AssertionError(
            f"{what}: {np.count_nonzero(~good)} of {good.size} elements differ, first at {index}: "
            f"{value[index]!r} instead of {want[index]!r}"
        )
