"""Which dtypes operations take and give: promotion as NumPy 2 has it, with Python's numbers weak."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from catalog import OPERATIONS, Case

import alula

DTYPES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "complex64", "complex128",
]  # fmt: skip
#: Where NumPy and the standard fall back to float64, which has no promotion rule: any float will do.
PROMOTING = [
    name
    for name, operation in OPERATIONS.items()
    if operation["promotion"] == "common"
    and len(operation["inputs"]) == 2
    and all(spec["role"] == "value" and spec["arity"] == "one" for spec in operation["inputs"])
    and operation["body"] == "elementwise"
    and not any(a["default"] == "required" for a in operation["attributes"])
]


def one(dtype: Any) -> alula.Tensor:
    return alula.asarray(np.ones(2, dtype))


def gives_bool(name: str) -> bool:
    case = Case.make(name, 0, OPERATIONS[name]["dtypes"][-1])
    return case.run(case.tensors())[0].dtype == alula.bool


@pytest.mark.parametrize("name", PROMOTING)
def test_promotion(name: str) -> None:
    function = getattr(alula._operations, name)
    allowed = OPERATIONS[name]["dtypes"]
    logical = gives_bool(name)
    for a, b in product(DTYPES, DTYPES):
        common = np.result_type(np.dtype(a), np.dtype(b)).name
        if common not in allowed:
            with pytest.raises(TypeError, match=name):
                function(one(a), one(b))
            continue
        result = function(one(a), one(b))
        assert result.dtype.name == ("bool" if logical else common), f"{name}({a}, {b})"


@pytest.mark.parametrize("number", [True, 1, 1.0, 1j])
@pytest.mark.parametrize("name", PROMOTING)
def test_numbers_are_weak(name: str, number: Any) -> None:
    """A number takes the tensor's dtype, unless its kind is higher: then the default dtype of that kind."""
    function = getattr(alula._operations, name)
    allowed = OPERATIONS[name]["dtypes"]
    logical = gives_bool(name)
    rank = "biufc".replace("u", "")
    for dtype in DTYPES:
        kind = np.dtype(dtype).kind.replace("u", "i")
        other = "b" if number is True else np.asarray(number).dtype.kind
        if rank.index(other) <= rank.index(kind):
            want = dtype
        elif other == "c":
            want = {"float16": "complex64", "float32": "complex64", "float64": "complex128"}.get(dtype, "complex64")
        else:
            want = {"i": "int64", "f": "float32"}[other]
        for arguments in ((one(dtype), number), (number, one(dtype))):
            if want not in allowed:
                with pytest.raises(TypeError, match=name):
                    function(*arguments)
            else:
                result = function(*arguments)
                assert result.dtype.name == ("bool" if logical else want), f"{name}({dtype}, {number!r})"


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_other_dtypes_are_refused(name: str) -> None:
    """A dtype outside the operation's list is a TypeError that names the operation."""
    operation = OPERATIONS[name]
    floating = operation["promotion"] == "floating"
    roles = {spec["role"] for spec in operation["inputs"]}
    if not operation["samples"] or "value" not in roles:
        pytest.skip("takes anything")
    for dtype in DTYPES:
        kind = np.dtype(dtype).kind
        if dtype in operation["dtypes"] or (floating and kind in "biu"):
            continue
        case = Case.make(name, 0, dtype)
        with pytest.raises(TypeError, match=name):
            case.run(case.tensors())


@pytest.mark.parametrize("name", [n for n, o in OPERATIONS.items() if o["promotion"] == "floating" and o["samples"]])
def test_integers_become_the_default_float(name: str) -> None:
    case = Case.make(name, 0, "float32")
    case.arrays = [
        array if array is None or spec["dtype"] else np.ones(array.shape, np.int32)
        for array, spec in zip(case.arrays, case.sample["inputs"], strict=True)
    ]
    case.dtype = "int32"
    for result in case.run(case.tensors()):
        if result.dtype.kind == "f":
            assert result.dtype == alula.float32
