"""Exchange with NumPy, without copies where that is possible; lifetimes hold whichever side dies first."""

from __future__ import annotations

from ctypes import byref, c_void_p, cast
from struct import pack
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _native
from ._base import TensorBase, wrap
from ._callbacks import forget, keep, release
from ._dlpack import from_dlpack
from ._dtypes import DType, as_dtype, bfloat16, float32
from ._library import failure, held, lib

if TYPE_CHECKING:
    from ._tensor import Tensor

# ---- NumPy's memory in tensors --------------------------------------------------------------------------


_RELEASE = cast(release, c_void_p).value


def _borrowed(array: NDArray[Any]) -> Tensor | None:
    """`array`'s memory by way of Python's buffers, a tenth of the time; None where it cannot be lent so."""
    if _native.borrowed is None:
        return None
    key = keep(array)
    try:
        tensor: Tensor | None = _native.borrowed(array, _RELEASE, key)
    except BaseException:
        forget(key)
        raise
    if tensor is None:
        forget(key)
    return tensor


def _copied(array: NDArray[Any]) -> Tensor | None:
    """The same with a copy of the elements."""
    return None if _native.copied is None else _native.copied(array)


def borrow(array: NDArray[Any], dtype: DType) -> Tensor:
    """A tensor over the memory of `array`, which lives as long as the tensor or a view of it."""
    if (tensor := _borrowed(array)) is not None:
        return tensor
    itemsize = dtype.itemsize
    rank = array.ndim
    key = keep(array)
    out = c_void_p()
    status = held.alula_tensor_borrow(
        byref(out),
        array.ctypes.data,
        pack(f"{rank}q", *array.shape),
        pack(f"{rank}q", *[stride // itemsize for stride in array.strides]),
        rank,
        dtype.code,
        release,
        key,
    )
    if status:
        forget(key)
        raise failure(status)
    return wrap(out.value)


def copied(array: NDArray[Any], dtype: DType) -> Tensor:
    """A tensor with a copy of the elements of `array`."""
    if (tensor := _copied(array)) is not None:
        return tensor
    array = np.ascontiguousarray(array).reshape(array.shape)
    out = c_void_p()
    status = lib.alula_tensor_from_data(
        byref(out), array.ctypes.data, pack(f"{array.ndim}q", *array.shape), array.ndim, dtype.code, 0
    )
    if status:
        raise failure(status)
    return wrap(out.value)


def _can_lend(array: NDArray[Any]) -> bool:
    itemsize = array.itemsize
    return (
        array.flags.writeable
        and array.flags.aligned
        and array.dtype.isnative
        and all(stride % itemsize == 0 for stride in array.strides)
    )


def from_numpy(array: NDArray[Any]) -> Tensor:
    """A tensor that shares the memory of `array`.

    >>> import alula, numpy as np
    >>> a = np.zeros(3, np.float32)
    >>> t = alula.from_numpy(a)
    >>> a[1] = 5
    >>> t
    tensor([0., 5., 0.])

    Raises:
        ValueError: the memory cannot be shared: it is read-only, of foreign byte order, or its strides are
            no multiples of the item size. `alula.asarray` copies then.
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy: an ndarray was expected, not {type(array).__name__}")
    if (tensor := _borrowed(array)) is not None:
        return tensor
    dtype = as_dtype(array.dtype)
    if not _can_lend(array):
        raise ValueError("from_numpy: read-only or unaligned memory cannot be shared; asarray copies it")
    return borrow(array, dtype)


def _array_of(obj: Any) -> NDArray[Any]:
    """Whatever NumPy makes of `obj`; Python's floats as the default float."""
    if isinstance(obj, (list, tuple)):
        obj = _without_tensors(obj)
    array = np.asarray(obj)
    if not hasattr(obj, "dtype"):
        first = obj
        while isinstance(first, (list, tuple)) and first:
            first = first[0]
        if not hasattr(first, "dtype"):
            if array.dtype == np.float64:
                array = array.astype(np.float32)
            elif array.dtype == np.complex128:
                array = array.astype(np.complex64)
    return array


_NUMBERS = frozenset((bool, int, float, complex))


def _without_tensors(items: Any) -> Any:
    # Most lists hold numbers: asked at once, a hundred of them take 2 us instead of 13.
    if _NUMBERS.issuperset(map(type, items)):
        return items
    return [
        item.detach().numpy()  # type: ignore[attr-defined]
        if isinstance(item, TensorBase)
        else _without_tensors(item)
        if isinstance(item, (list, tuple))
        else item
        for item in items
    ]


def asarray(obj: Any, dtype: Any = None, copy: bool | None = None, device: Any = None) -> Tensor:
    """`obj` as a tensor: a tensor itself, or a NumPy array's memory where it can be shared.

    Args:
        obj: A tensor, an array, a number, nested lists of these, or what NumPy or DLPack can read.
        dtype: The dtype of the result; that of `obj` by default. Python's floats become float32.
        copy: True: always a copy. False: ValueError when one would be needed. None: only when needed.
        device: Where the result lies.
    """
    if type(obj) is np.ndarray and dtype is None:
        shared = None if copy else _borrowed(obj)
        tensor = shared if shared is not None or copy is False else _copied(obj)
        if tensor is not None:
            return tensor
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(obj, TensorBase):
        given: Tensor = obj  # type: ignore[assignment]
        if wanted is not None and wanted is not given.dtype:
            if copy is False:
                raise ValueError(f"asarray: conversion from {given.dtype} to {wanted} needs a copy")
            return given.to(wanted)
        return given.clone() if copy else given
    if not isinstance(obj, np.ndarray) and not hasattr(obj, "__array__") and hasattr(obj, "__dlpack__"):
        return asarray(from_dlpack(obj), dtype, copy)
    if copy is False and not isinstance(obj, np.ndarray):
        raise ValueError(f"asarray: {type(obj).__name__} cannot be shared without a copy")
    if wanted is not None and wanted is not bfloat16 and not hasattr(obj, "dtype"):
        if isinstance(obj, (list, tuple)):
            obj = _without_tensors(obj)
        array = np.asarray(obj, wanted.numpy)
    else:
        array = _array_of(obj)
    source = as_dtype(array.dtype)
    if wanted is None or wanted is source:
        if not copy and obj is array and _can_lend(array):
            return borrow(array, source)
        if copy is False:
            raise ValueError("asarray: read-only or unaligned memory cannot be shared without a copy")
        if not array.dtype.isnative:
            array = array.astype(array.dtype.newbyteorder("="))
        return copied(array, source)
    if copy is False:
        raise ValueError(f"asarray: conversion from {source} to {wanted} needs a copy")
    if wanted is bfloat16:
        return copied(array.astype(np.float32), float32).to(bfloat16)
    return copied(array.astype(wanted.numpy), wanted)


# ---- Tensors' memory in NumPy ---------------------------------------------------------------------------


class _Lender:
    """Describes a tensor's memory to NumPy, whose array keeps it alive."""

    __slots__ = ("__array_interface__", "_tensor")

    def __init__(self, tensor: TensorBase) -> None:
        self._tensor = tensor
        dtype = tensor.dtype.numpy
        data = c_void_p()
        if status := held.alula_tensor_data(byref(data), tensor._handle):
            raise failure(status)
        strides = tensor._dims(held.alula_tensor_strides)
        self.__array_interface__ = {
            "version": 3,
            "typestr": dtype.str,
            "shape": tensor.shape,
            "strides": tuple(stride * dtype.itemsize for stride in strides),
            "data": (data.value or 0, False),
        }


def to_numpy(tensor: TensorBase) -> NDArray[Any]:
    """An array over the memory of `tensor`, which lives as long as the array."""
    if 0 in tensor.shape:
        return np.empty(tensor.shape, tensor.dtype.numpy)
    if _native.is_active and tensor.dtype is not bfloat16:
        # Of the engine's own, which Python's types do not tell of.
        lender: Any = tensor.detach() if tensor.requires_grad else tensor  # type: ignore[attr-defined]
        return np.asarray(memoryview(lender))
    return np.asarray(_Lender(tensor))
