"""Ownership of handles: what every tensor object is built on."""

from __future__ import annotations

from ctypes import byref, c_int, c_int64, c_size_t
from typing import TYPE_CHECKING, Any

from . import _native
from ._dtypes import DTYPES, DType
from ._library import failure, held

if TYPE_CHECKING:
    from ._tensor import Tensor


class TensorBase:
    """What every tensor object is: it owns one reference to a tensor of the engine, and knows its shape and dtype."""

    if TYPE_CHECKING:
        __slots__ = ("__weakref__", "_dtype", "_handle", "_shape")
    else:  # The class that `tensor_class` makes has them.
        __slots__ = ()

    #: NumPy's operators leave the work to ours.
    __array_priority__ = 1000

    _handle: int | None
    # Set when they are first asked for: a result is made more quickly without.
    _shape: tuple[int, ...]
    _dtype: DType

    @property
    def shape(self) -> tuple[int, ...]:
        """The extents."""
        try:
            return self._shape
        except AttributeError:  # not asked for yet
            shape = self._shape = self._dims(held.alula_tensor_shape)
            return shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        try:
            return self._dtype
        except AttributeError:  # not asked for yet
            code = c_int()
            if status := held.alula_tensor_dtype(byref(code), self._handle):
                raise failure(status) from None
            dtype = self._dtype = DTYPES[code.value]
            return dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def _dims(self, function: Any) -> tuple[int, ...]:
        rank = c_size_t()
        if status := held.alula_tensor_rank(byref(rank), self._handle):
            raise failure(status)
        if not rank.value:
            return ()
        dims = (c_int64 * rank.value)()
        if status := function(dims, rank, self._handle):
            raise failure(status)
        return tuple(dims)


class _Owner:
    """What a tensor object consists of where it is Python's."""

    __slots__ = ("__weakref__", "_dtype", "_handle", "_shape")

    _handle: int | None

    # Bound as a default: globals may be gone when the interpreter shuts down.
    def __del__(self, release: Any = held.alula_tensor_release) -> None:
        try:
            handle = self._handle
        except AttributeError:  # __init__ failed
            return
        release(handle)


_class: Any = TensorBase
_new = object.__new__


def tensor_class(methods: Any, name: str) -> Any:
    """The class of tensors, made of the one with all their methods; called once, by the module that defines that."""
    global _class
    if _native.is_active:
        _class = _native.tensor_class(methods, f"{methods.__module__}.{name}")
    else:
        _class = type(name, (methods, _Owner), {"__slots__": (), "__module__": methods.__module__})
    _class.__doc__ = methods.__doc__
    return _class


def _wrap(handle: int | None) -> Tensor:
    """A tensor that owns `handle`."""
    tensor: Tensor = _new(_class)
    tensor._handle = handle
    return tensor


wrap = _native.wrap if _native.is_active else _wrap
