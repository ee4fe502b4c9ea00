"""How Python's arguments become those of C calls."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_void_p
from operator import index
from struct import error as PackError
from struct import pack
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from ._base import TensorBase, wrap
from ._dtypes import DType, as_dtype
from ._library import NONE, Scalar, failure, held
from ._numpy import asarray as asarray

if TYPE_CHECKING:
    from ._device import Device
    from ._tensor import Tensor

Number: TypeAlias = bool | int | float | complex
#: What is accepted where a tensor is.
TensorLike: TypeAlias = Union[TensorBase, NDArray[Any], "np.generic", Number, Sequence[Any]]
DTypeLike: TypeAlias = Union[DType, "np.dtype[Any]", str, type[Any]]
DeviceLike: TypeAlias = Union[str, "Device"]

_FORMATS = tuple(f"{n}q" for n in range(65))

# ---- Integers -------------------------------------------------------------------------------------------


def integer(value: int) -> int:
    """An integer that fits the engine's."""
    value = index(value)
    if not -(2**63) < value < 2**63:
        raise OverflowError(f"{value} does not fit into 64 bits")
    return value


def optional_integer(value: int | None) -> int:
    return NONE if value is None else integer(value)


def integers(values: int | Sequence[int]) -> tuple[bytes, int]:
    """A list of integers, as the bytes of C's array and their number."""
    try:
        count = len(values)  # type: ignore[arg-type]
    except TypeError:
        return pack("q", integer(values)), 1  # type: ignore[arg-type]
    try:
        return pack(_FORMATS[count] if count < 65 else f"{count}q", *values), count  # type: ignore[misc]
    except PackError as error:
        # pack() reports as one what Python distinguishes.
        numbers = [integer(value) for value in values]  # type: ignore[union-attr]
        raise ValueError(f"{numbers}: {error}") from None


def optional_integers(values: int | Sequence[int] | None) -> tuple[bytes | None, int]:
    return (None, 0) if values is None else integers(values)


def spatial(values: int | Sequence[int], axes: int) -> bytes:
    """One integer per spatial axis; one alone serves for all."""
    data, count = integers(values)
    if count == axes:
        return data
    if count == 1:
        return data * axes
    raise ValueError(f"{values!r}: one integer or {axes} were expected, not {count}")


# ---- Choices, dtypes, devices ---------------------------------------------------------------------------


def choice(value: str) -> bytes:
    return value.encode()


def dtype_code(value: DTypeLike) -> int:
    return as_dtype(value).code


def optional_dtype_code(value: DTypeLike | None) -> int:
    return -1 if value is None else as_dtype(value).code


def device_code(value: DeviceLike) -> int:
    if value == "cpu":
        return 0
    raise ValueError(f"device {value!s} is not available; there is 'cpu'")


# ---- Numbers --------------------------------------------------------------------------------------------


def scalar(value: Number) -> Scalar:
    """`alula_scalar` of a number, which may be NumPy's or a tensor of one element."""
    if isinstance(value, (TensorBase, np.generic, np.ndarray)):
        value = value.item()
    if isinstance(value, bool):
        return Scalar(0, value, 0, 0)
    if isinstance(value, int):
        if -(2**63) <= value < 2**63:
            return Scalar(1, value, 0, 0)
        if 0 <= value < 2**64:
            return Scalar(2, value - 2**64, 0, 0)
        raise OverflowError(f"{value} does not fit into 64 bits")
    if isinstance(value, float):
        return Scalar(3, 0, value, 0)
    if isinstance(value, complex):
        return Scalar(4, 0, value.real, value.imag)
    raise TypeError(f"a number was expected, not {type(value).__name__}")


def scalar_tensor(value: Number, dtype: int, weak: bool) -> Tensor:
    """A 0-d tensor."""
    out = c_void_p()
    if status := held.alula_tensor_scalar(byref(out), scalar(value), dtype, weak):
        raise failure(status)
    return wrap(out.value)


# Numbers in expressions are few and come again: 2 * x, x + 1e-5. Zero is left out: -0.0 == 0.0.
_weak: dict[tuple[type, Number], Tensor] = {}
_WEAK_LIMIT = 512


def operand(value: TensorLike) -> TensorBase:
    """A tensor for an operation on several: a Python number takes the dtype of what it meets."""
    kind = type(value)
    if kind is float or kind is int or kind is bool or kind is complex:
        key: Any = (kind, value)
        tensor = _weak.get(key)
        if tensor is None:
            tensor = scalar_tensor(value, -1, True)  # type: ignore[arg-type]
            if value and len(_weak) < _WEAK_LIMIT:
                _weak[key] = tensor
        return tensor
    return asarray(value)


# ---- Tensors --------------------------------------------------------------------------------------------


def tensor_list(values: Sequence[TensorLike]) -> list[TensorBase]:
    if isinstance(values, TensorBase):
        raise TypeError("a list of tensors was expected, not one tensor")
    return [value if isinstance(value, TensorBase) else asarray(value) for value in values]


def handles(tensors: Sequence[TensorBase | None]) -> Any:
    """C's array of handles."""
    return (c_void_p * len(tensors))(*[None if t is None else t._handle for t in tensors])


def not_a_tensor(name: str, value: object) -> TypeError:
    return TypeError(f"{name}: a tensor was expected, not {type(value).__name__}")
