"""What stands between brackets, as the engine's index items; reading and writing with them follow NumPy."""

from __future__ import annotations

from ctypes import Structure, byref, c_int, c_int64, c_void_p
from operator import index as as_integer
from typing import TYPE_CHECKING, Any

import numpy as np

from ._arguments import asarray, operand
from ._base import TensorBase, wrap
from ._library import NONE, failure, held, lib

if TYPE_CHECKING:
    from ._tensor import Tensor

_INTEGER, _SLICE, _ELLIPSIS, _NEW_AXIS, _TENSOR = range(5)


class _Item(Structure):
    """`alula_index`"""

    _fields_ = (("kind", c_int), ("start", c_int64), ("stop", c_int64), ("step", c_int64), ("tensor", c_void_p))


_FURTHEST = 2**63 - 1


def _bound(value: Any) -> int:
    """A slice's bound; what lies beyond 64 bits means no more than the last of them."""
    if value is None:
        return NONE
    return max(-_FURTHEST, min(_FURTHEST, as_integer(value)))


def _item(value: Any, keep: list[TensorBase]) -> tuple[Any, ...]:
    if isinstance(value, slice):
        return _SLICE, _bound(value.start), _bound(value.stop), _bound(value.step), None
    if value is None:
        return _NEW_AXIS, NONE, NONE, NONE, None
    if value is Ellipsis:
        return _ELLIPSIS, NONE, NONE, NONE, None
    if isinstance(value, TensorBase):
        tensor: TensorBase = value
    elif isinstance(value, (bool, np.bool_)):
        tensor = asarray(np.asarray(bool(value)))
    elif isinstance(value, (list, tuple, range, np.ndarray)):
        array = np.asarray(value) if not _holds_tensors(value) else asarray(value).numpy()
        if array.size == 0 and not isinstance(value, np.ndarray):
            array = array.astype(np.int64)
        tensor = asarray(array)
    else:
        try:
            position = as_integer(value)
        except TypeError:
            raise IndexError(
                "an index is made of integers, slices, ..., None, and arrays of integers or bool, "
                f"not {type(value).__name__}"
            ) from None
        if not -_FURTHEST <= position <= _FURTHEST:
            raise IndexError(f"index {position} is out of range")
        return _INTEGER, position, NONE, NONE, None
    if tensor.dtype.kind not in "iub":
        raise IndexError(f"an array of {tensor.dtype} is no index; integers and bool are")
    keep.append(tensor)
    return _TENSOR, NONE, NONE, NONE, tensor._handle


def _holds_tensors(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and any(
        isinstance(item, TensorBase) or _holds_tensors(item) for item in value
    )


def _items(index: Any, keep: list[TensorBase]) -> tuple[Any, int]:
    """C's array of items; the tensors in it stay alive as long as `keep`."""
    parts = index if isinstance(index, tuple) else (index,)
    return (_Item * len(parts))(*[_Item(*_item(part, keep)) for part in parts]), len(parts)


def get(tensor: TensorBase, index: Any) -> Tensor:
    """`tensor[index]`: a view when no arrays are in the index, else a copy."""
    keep: list[TensorBase] = []
    items, count = _items(index, keep)
    out = c_void_p()
    # Views are over at once; with arrays, elements are copied.
    library = lib if keep else held
    if status := library.alula_tensor_get(byref(out), tensor._handle, items, count):
        raise failure(status)
    return wrap(out.value)


def put(tensor: TensorBase, index: Any, value: Any) -> None:
    """`tensor[index] = value`, broadcast and converted."""
    keep: list[TensorBase] = []
    items, count = _items(index, keep)
    source = value if isinstance(value, TensorBase) else operand(value)
    if status := lib.alula_tensor_set_(tensor._handle, items, count, source._handle):
        raise failure(status)
