"""The dtypes: `alula.float32` and its kin, which compare with and convert to NumPy's."""

from __future__ import annotations

from typing import Any, Final

import numpy as np


class DType:
    """The type of a tensor's elements.

    >>> import alula, numpy as np
    >>> alula.float32
    alula.float32
    >>> alula.float32 == np.float32, np.dtype(alula.int8)
    (True, dtype('int8'))
    """

    __slots__ = ("_numpy", "code", "itemsize", "kind", "name")

    def __init__(self, name: str, code: int, itemsize: int, kind: str, numpy: Any) -> None:
        self.name = name
        self.code = code
        #: Bytes per element.
        self.itemsize = itemsize
        #: As in NumPy: "b" bool, "i" signed, "u" unsigned, "f" floating, "c" complex.
        self.kind = kind
        self._numpy: np.dtype[Any] | None = None if numpy is None else np.dtype(numpy)

    @property
    def numpy(self) -> np.dtype[Any]:
        """The NumPy dtype of the same elements."""
        if self._numpy is None:
            raise TypeError(f"NumPy has no dtype {self.name}; convert to float32 first")
        return self._numpy

    @property
    def dtype(self) -> np.dtype[Any]:
        """What `numpy.dtype` reads."""
        return self.numpy

    __numpy_dtype__ = dtype

    @property
    def is_floating_point(self) -> bool:
        return self.kind == "f"

    @property
    def is_complex(self) -> bool:
        return self.kind == "c"

    @property
    def is_signed(self) -> bool:
        return self.kind not in "bu"

    def __repr__(self) -> str:
        return f"alula.{self.name}"

    def __str__(self) -> str:
        return f"alula.{self.name}"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DType):
            return self is other
        if other is None or self._numpy is None:
            return False
        try:
            return bool(self._numpy == np.dtype(other))  # type: ignore[call-overload]
        except TypeError:
            return False

    def __hash__(self) -> int:
        return hash(self.name if self._numpy is None else self._numpy)

    def __reduce__(self) -> str:
        return "bool_" if self.name == "bool" else self.name


bool_: Final = DType("bool", 0, 1, "b", np.bool_)
int8: Final = DType("int8", 1, 1, "i", np.int8)
int16: Final = DType("int16", 2, 2, "i", np.int16)
int32: Final = DType("int32", 3, 4, "i", np.int32)
int64: Final = DType("int64", 4, 8, "i", np.int64)
uint8: Final = DType("uint8", 5, 1, "u", np.uint8)
uint16: Final = DType("uint16", 6, 2, "u", np.uint16)
uint32: Final = DType("uint32", 7, 4, "u", np.uint32)
uint64: Final = DType("uint64", 8, 8, "u", np.uint64)
float16: Final = DType("float16", 9, 2, "f", np.float16)
bfloat16: Final = DType("bfloat16", 10, 2, "f", None)
float32: Final = DType("float32", 11, 4, "f", np.float32)
float64: Final = DType("float64", 12, 8, "f", np.float64)
complex64: Final = DType("complex64", 13, 8, "c", np.complex64)
complex128: Final = DType("complex128", 14, 16, "c", np.complex128)

#: By code.
DTYPES: Final = (
    bool_, int8, int16, int32, int64, uint8, uint16, uint32, uint64,
    float16, bfloat16, float32, float64, complex64, complex128,
)  # fmt: skip

_BY_NAME: Final = {dtype.name: dtype for dtype in DTYPES} | {
    "bool_": bool_, "half": float16, "float": float32, "double": float64, "short": int16,
    "int": int32, "long": int64, "cfloat": complex64, "cdouble": complex128,
}  # fmt: skip
_BY_PYTHON_TYPE: Final[dict[Any, DType]] = {bool: bool_, int: int64, float: float32, complex: complex64}
_BY_NUMPY: Final = {dtype.numpy: dtype for dtype in DTYPES if dtype is not bfloat16}


def as_dtype(value: Any) -> DType:
    """The dtype that `value` means: one of Alula's or NumPy's, a name, or a Python number type."""
    if isinstance(value, DType):
        return value
    # NumPy's own are asked for with every array.
    if isinstance(value, np.dtype) and (dtype := _BY_NUMPY.get(value)) is not None:
        return dtype
    try:
        if value in _BY_PYTHON_TYPE:
            return _BY_PYTHON_TYPE[value]
    except TypeError:
        pass
    if isinstance(value, str):
        name = value.removeprefix("alula.")
        if name in _BY_NAME:
            return _BY_NAME[name]
    if value is not None:
        try:
            numpy = np.dtype(value)
        except TypeError:
            numpy = None
        if numpy is not None and numpy.newbyteorder("=") in _BY_NUMPY:
            return _BY_NUMPY[numpy.newbyteorder("=")]
    raise TypeError(f"{value!r} is no dtype of Alula")
