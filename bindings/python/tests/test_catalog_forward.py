"""Every operation on every sample, dtype and layout, against its reference in float64."""

from __future__ import annotations

import numpy as np
import pytest
from catalog import LAYOUTS, OPERATIONS, Case, assert_close, cases, contiguous, dtypes_of, to_tensor

import alula

CASES = [
    (name, number, dtype)
    for name, number in cases(lambda operation: operation["reference"] is not None)
    for dtype in dtypes_of(name, number)
]


def check(case: Case, layout: str) -> None:
    function = LAYOUTS[layout]
    results = case.run(case.tensors(function))
    expected = case.expected(function)
    assert len(results) == len(expected)
    for output, got, want in zip(case.operation["outputs"], results, expected, strict=True):
        assert_close(got, want, f"{case.name} ({output}, {case.dtype}, {layout})", case.size)


@pytest.mark.parametrize(("name", "number", "dtype"), CASES)
def test_values(name: str, number: int, dtype: str) -> None:
    case = Case.make(name, number, dtype)
    distinct = any(spec is not None and spec["values"][0] == "spread" for spec in case.sample["inputs"])
    for layout in LAYOUTS if case.arrays else ["contiguous"]:
        if layout == "stretched" and distinct:
            continue  # ties, whose order is nobody's promise
        check(case, layout)


@pytest.mark.parametrize(("name", "number", "dtype"), CASES)
def test_inputs_stay_as_they_are(name: str, number: int, dtype: str) -> None:
    case = Case.make(name, number, dtype)
    arrays = [None if array is None else contiguous(array) for array in case.arrays]
    tensors = [None if array is None else to_tensor(array) for array in arrays]
    case.run(tensors)
    for before, after in zip(case.arrays, arrays, strict=True):
        if before is not None and after is not None:
            assert np.array_equal(before, after, equal_nan=before.dtype.kind in "fc")


ELEMENTWISE = [
    (name, number, dtype)
    for name, number, dtype in CASES
    if OPERATIONS[name]["body"] == "elementwise"
    and number == 0
    and all(spec is not None for spec in OPERATIONS[name]["samples"][0]["inputs"])
]


@pytest.mark.parametrize(("name", "number", "dtype"), ELEMENTWISE)
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1,), (7,), (33,), (1003,)], ids=str)
def test_sizes(name: str, number: int, dtype: str, shape: tuple[int, ...]) -> None:
    check(Case.make(name, number, dtype, shape), "contiguous")


SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e3, -1e3]


@pytest.mark.parametrize(
    ("name", "number", "dtype"), [case for case in ELEMENTWISE if case[2] in ("float32", "float64", "bfloat16")]
)
def test_special_values(name: str, number: int, dtype: str) -> None:
    case = Case.make(name, number, dtype)
    values = [np.array(SPECIAL)]
    for spec in case.sample["inputs"][1:]:
        if spec["dtype"] is None:
            values = [np.repeat(v, len(SPECIAL)) for v in values]
            values.append(np.tile(np.array(SPECIAL), len(values[0]) // len(SPECIAL)))
    size = len(values[0])
    numpy = "float32" if dtype == "bfloat16" else dtype
    free = iter(values)
    case.arrays = [
        np.resize(array, size) if spec["dtype"] else next(free, np.resize(np.array(SPECIAL), size)).astype(numpy)
        for spec, array in zip(case.sample["inputs"], case.arrays, strict=True)
    ]
    check(case, "contiguous")


@pytest.mark.parametrize(
    ("name", "number", "dtype"),
    [case for case in CASES if OPERATIONS[case[0]]["in_place"] and case[2] in ("float32", "float64", "int32", "bool")],
)
def test_in_place(name: str, number: int, dtype: str) -> None:
    """The underscored form writes the same values into its first argument, whatever that one's layout."""
    case = Case.make(name, number, dtype)
    for layout in ("contiguous", "transposed", "sliced"):
        tensors = case.tensors(LAYOUTS[layout])
        target = tensors[0]
        assert target is not None
        (want,) = case.run(tensors)
        if want.shape != target.shape or want.dtype != target.dtype:
            return  # the result needs more room, or another kind of it
        function = getattr(alula._operations, name + "_")
        others = {
            spec["name"]: t for spec, t in zip(case.operation["inputs"][1:], tensors[1:], strict=True) if t is not None
        }
        result = function(target, **others, **case.attributes)
        assert result is target
        assert_close(target, want.detach().numpy(), f"{name}_ ({dtype}, {layout})")
