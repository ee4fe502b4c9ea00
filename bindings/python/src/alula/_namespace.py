"""The rest of the namespace: the array API's inspection functions, and PyTorch's names for operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import _operations as ops
from ._arguments import TensorLike, asarray
from ._base import TensorBase
from ._dtypes import DType, as_dtype, bfloat16, bool_, complex64, complex128, float32, float64, int64

if TYPE_CHECKING:
    from ._tensor import Tensor

# ---- Dtypes ---------------------------------------------------------------------------------------------


class FloatInfo(NamedTuple):
    """The limits of a float dtype."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: DType


class IntegerInfo(NamedTuple):
    """The limits of an integer dtype."""

    bits: int
    max: int
    min: int
    dtype: DType


def finfo(dtype: Any) -> FloatInfo:
    """The limits of a float dtype; for a complex one, of its parts.

    >>> import alula
    >>> alula.finfo(alula.float32).eps
    1.1920928955078125e-07
    """
    dtype = dtype.dtype if isinstance(dtype, TensorBase) else as_dtype(dtype)
    if dtype is bfloat16:
        largest = (2 - 2**-7) * 2.0**127
        return FloatInfo(16, 2.0**-7, largest, -largest, 2.0**-126, dtype)
    part = {complex64: float32, complex128: float64}.get(dtype, dtype)
    if part.kind != "f":
        raise TypeError(f"finfo: {dtype} is no float dtype")
    info = np.finfo(part.numpy)
    return FloatInfo(info.bits, float(info.eps), float(info.max), float(info.min), float(info.smallest_normal), part)


def iinfo(dtype: Any) -> IntegerInfo:
    """The limits of an integer dtype."""
    dtype = dtype.dtype if isinstance(dtype, TensorBase) else as_dtype(dtype)
    if dtype.kind not in "iu":
        raise TypeError(f"iinfo: {dtype} is no integer dtype")
    info = np.iinfo(dtype.numpy)
    return IntegerInfo(info.bits, int(info.max), int(info.min), dtype)


_KINDS = {
    "bool": "b",
    "signed integer": "i",
    "unsigned integer": "u",
    "integral": "iu",
    "real floating": "f",
    "complex floating": "c",
    "numeric": "iufc",
}


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether a dtype is another, or of a kind such as "integral", or of any in a tuple."""
    dtype = as_dtype(dtype)
    if isinstance(kind, tuple):
        return any(isdtype(dtype, item) for item in kind)
    if isinstance(kind, str) and kind in _KINDS:
        return dtype.kind in _KINDS[kind]
    return dtype is as_dtype(kind)


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The common dtype of tensors, dtypes and numbers, which are weak.

    >>> import alula
    >>> alula.result_type(alula.int32, alula.float32), alula.result_type(alula.float32, 1.0)
    (alula.float64, alula.float32)
    """
    strong: DType | None = None
    numbers = []
    for item in arrays_and_dtypes:
        if isinstance(item, (bool, int, float, complex)) and not isinstance(item, np.generic):
            numbers.append(item)
            continue
        dtype = item.dtype if isinstance(item, TensorBase) else as_dtype(_dtype_of(item))
        strong = dtype if strong is None else _common(strong, dtype)
    if not numbers:
        if strong is None:
            raise ValueError("result_type: nothing was given")
        return strong
    rank = "biufc"
    highest = max((type(n) for n in numbers), key=[bool, int, float, complex].index)
    kind = {bool: "b", int: "i", float: "f", complex: "c"}[highest]
    default = {"b": bool_, "i": int64, "f": float32, "c": complex64}[kind]
    if strong is None:
        return default
    if rank.index(kind) <= rank.index(strong.kind):
        return strong
    return complex128 if kind == "c" and strong is float64 else default


def _dtype_of(item: Any) -> Any:
    return item if isinstance(item, DType) else getattr(item, "dtype", item)


def _common(a: DType, b: DType) -> DType:
    """NumPy's promotion, with bfloat16 between float16's and float32's."""
    if a is b:
        return a
    if bfloat16 in (a, b):
        other = b if a is bfloat16 else a
        if other.kind == "b":
            return bfloat16
        if other.kind == "f":
            return float32 if other.itemsize == 2 else other
        # As for float16: small integers fit into float32, larger ones need float64.
        return (
            other
            if other.kind == "c"
            else bfloat16
            if other.itemsize == 1
            else float32
            if other.itemsize == 2
            else float64
        )
    return as_dtype(np.promote_types(a.numpy, b.numpy))


promote_types = _common


def can_cast(from_: Any, to: Any) -> bool:
    """Whether every value of one dtype (or of a tensor's) exists in another."""
    source = from_.dtype if isinstance(from_, TensorBase) else as_dtype(from_)
    target = as_dtype(to)
    return _common(source, target) is target


def astype(x: TensorBase, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Tensor:
    """The elements in another dtype; a copy, unless told otherwise, when it is the same."""
    tensor = asarray(x)
    return tensor.to(dtype=dtype, copy=copy)


def is_tensor(obj: object) -> bool:
    """Whether `obj` is a tensor."""
    return isinstance(obj, TensorBase)


def numel(x: TensorLike) -> int:
    """The number of elements."""
    return asarray(x).numel()


# ---- PyTorch's names ------------------------------------------------------------------------------------


def cat(tensors: Sequence[TensorLike], dim: int = 0) -> Tensor:
    """Tensors one after the other along an axis."""
    return ops.concat(tensors, dim)


concatenate = cat


def unsqueeze(x: TensorLike, dim: int) -> Tensor:
    """With a new axis of extent 1."""
    return ops.expand_dims(x, dim)


def transpose(x: TensorLike, dim0: int, dim1: int) -> Tensor:
    """Two axes exchanged."""
    return ops.swapaxes(x, dim0, dim1)


def permute(x: TensorLike, dims: Sequence[int]) -> Tensor:
    """The axes in another order."""
    return ops.permute_dims(x, dims)


def split(x: TensorLike, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of consecutive parts along an axis."""
    return asarray(x).split(split_size, dim)


def chunk(x: TensorLike, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most so many views of equal parts along an axis."""
    return asarray(x).chunk(chunks, dim)


def unstack(x: TensorLike, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """All slices along an axis, without that axis."""
    return asarray(x).unbind(axis)


def unbind(x: TensorLike, dim: int = 0) -> tuple[Tensor, ...]:
    """All slices along an axis, without that axis."""
    return asarray(x).unbind(dim)


def nonzero(x: TensorLike) -> tuple[Tensor, ...]:
    """The positions of the elements that are not zero, one tensor per axis."""
    return asarray(x).nonzero()


def mm(a: TensorLike, b: TensorLike) -> Tensor:
    """The product of two matrices."""
    return ops.matmul(a, b)


def allclose(a: TensorLike, b: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether elements differ by at most atol + rtol |b|."""
    close = np.allclose(np.asarray(_plain(a)), np.asarray(_plain(b)), rtol, atol, equal_nan)
    return bool(close)


def array_equal(a: TensorLike, b: TensorLike) -> bool:
    """Whether shapes and elements are the same."""
    return bool(np.array_equal(np.asarray(_plain(a)), np.asarray(_plain(b))))


def _plain(x: TensorLike) -> Any:
    if not isinstance(x, TensorBase):
        return x
    tensor = asarray(x).detach()
    return (tensor.float() if tensor.dtype is bfloat16 else tensor).numpy()


def broadcast_arrays(*tensors: TensorLike) -> list[Tensor]:
    """Views of all tensors in their common shape."""
    given = [asarray(tensor) for tensor in tensors]
    shape = np.broadcast_shapes(*(tensor.shape for tensor in given))
    return [ops.broadcast_to(tensor, shape) for tensor in given]


absolute = ops.abs
arccos, arcsin, arctan, arctan2 = ops.acos, ops.asin, ops.atan, ops.atan2
bmm = mv = dot = mm
clamp = ops.clip
cumprod, cumsum = ops.cumulative_prod, ops.cumulative_sum
div = true_divide = ops.divide
eq, ne, lt, le, gt, ge = ops.equal, ops.not_equal, ops.less, ops.less_equal, ops.greater, ops.greater_equal
movedim = ops.moveaxis
mul, neg, sub = ops.multiply, ops.negative, ops.subtract
repeat_interleave = ops.repeat


def norm(x: TensorLike, p: float = 2.0, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor:
    """The p-norm over axes."""
    return asarray(x).norm(p, dim, keepdim)
