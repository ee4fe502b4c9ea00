"""Exchange through DLPack, without copies: versioned capsules, and the older kind for those who ask for it."""

from __future__ import annotations

import ctypes
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    byref,
    c_char_p,
    c_int,
    c_int32,
    c_int64,
    c_uint8,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
    cast,
    py_object,
    pythonapi,
)
from typing import TYPE_CHECKING, Any

from ._base import TensorBase, wrap
from ._callbacks import immortal
from ._library import failure, held

if TYPE_CHECKING:
    from ._tensor import Tensor

CPU = 1
_VERSIONED, _USED_VERSIONED = b"dltensor_versioned", b"used_dltensor_versioned"
_LEGACY, _USED_LEGACY = b"dltensor", b"used_dltensor"


class _DLTensor(Structure):
    _fields_ = (
        ("data", c_void_p),
        ("device_type", c_int32),
        ("device_id", c_int32),
        ("ndim", c_int32),
        ("code", c_uint8),
        ("bits", c_uint8),
        ("lanes", c_uint16),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("byte_offset", c_uint64),
    )


_ManagedDeleter = CFUNCTYPE(None, c_void_p)


class _Legacy(Structure):
    """DLManagedTensor"""

    _fields_ = (("tensor", _DLTensor), ("context", c_void_p), ("deleter", _ManagedDeleter))


class _Versioned(Structure):
    """DLManagedTensorVersioned"""

    _fields_ = (
        ("major", c_uint32),
        ("minor", c_uint32),
        ("context", c_void_p),
        ("deleter", _ManagedDeleter),
        ("flags", c_uint64),
        ("tensor", _DLTensor),
    )


_capsule_new = ctypes.PYFUNCTYPE(py_object, c_void_p, c_char_p, c_void_p)(("PyCapsule_New", pythonapi))
_capsule_name = ctypes.PYFUNCTYPE(c_char_p, py_object)(("PyCapsule_GetName", pythonapi))
_capsule_pointer = ctypes.PYFUNCTYPE(c_void_p, py_object, c_char_p)(("PyCapsule_GetPointer", pythonapi))
_capsule_rename = ctypes.PYFUNCTYPE(c_int, py_object, c_char_p)(("PyCapsule_SetName", pythonapi))
# A capsule that is being destroyed must not become a Python object again: these take its address.
_is_valid = ctypes.PYFUNCTYPE(c_int, c_void_p, c_char_p)(("PyCapsule_IsValid", pythonapi))
_pointer_of = ctypes.PYFUNCTYPE(c_void_p, c_void_p, c_char_p)(("PyCapsule_GetPointer", pythonapi))

#: The other library's structure behind each of ours, and the names of capsules, which outlive these.
_wrapped: dict[int, tuple[Structure, int]] = {}


def _delete(address: int, kind: type[_Legacy] | type[_Versioned]) -> None:
    managed = cast(address, POINTER(kind)).contents
    if managed.deleter:
        managed.deleter(address)


def _destroy(capsule: int) -> None:
    """Gives back what nobody took out of a capsule."""
    if _is_valid(capsule, _VERSIONED):
        _delete(_pointer_of(capsule, _VERSIONED), _Versioned)
    elif _is_valid(capsule, _LEGACY):
        _delete(_pointer_of(capsule, _LEGACY), _Legacy)


_destructor = immortal(ctypes.PYFUNCTYPE(None, c_void_p)(_destroy))


def _delete_legacy(address: int) -> None:
    _, versioned = _wrapped.pop(address)
    _delete(versioned, _Versioned)


def _delete_versioned(address: int) -> None:
    _, legacy = _wrapped.pop(address)
    _delete(legacy, _Legacy)


_legacy_deleter = immortal(_ManagedDeleter(_delete_legacy))
_versioned_deleter = immortal(_ManagedDeleter(_delete_versioned))


def to_dlpack(tensor: TensorBase, max_version: tuple[int, int] | None) -> Any:
    """A capsule over the memory of `tensor`: a versioned one for whoever knows them."""
    out = c_void_p()
    if status := held.alula_tensor_to_dlpack(byref(out), tensor._handle):
        raise failure(status)
    address = out.value or 0
    if max_version is not None and max_version[0] >= 1:
        return _capsule_new(address, _VERSIONED, cast(_destructor, c_void_p))
    versioned = cast(address, POINTER(_Versioned)).contents
    legacy = _Legacy(versioned.tensor, None, _legacy_deleter)
    _wrapped[ctypes.addressof(legacy)] = (legacy, address)
    return _capsule_new(ctypes.addressof(legacy), _LEGACY, cast(_destructor, c_void_p))


def from_dlpack(obj: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of an object of another library that has `__dlpack__`.

    >>> import alula, numpy as np
    >>> a = np.arange(3.0)
    >>> t = alula.from_dlpack(a)
    >>> a[0] = 7
    >>> t
    tensor([7., 1., 2.], dtype=alula.float64)
    """
    if hasattr(obj, "__dlpack_device__") and int(obj.__dlpack_device__()[0]) != CPU:
        raise ValueError("from_dlpack: the memory is not the CPU's; copy it there first")
    try:
        capsule = obj.__dlpack__(max_version=(1, 0))
    except TypeError:  # a library from before versions
        capsule = obj.__dlpack__()
    name = _capsule_name(capsule)
    if name == _VERSIONED:
        address = _capsule_pointer(capsule, _VERSIONED)
        tensor = _import(address)
        _capsule_rename(capsule, _USED_VERSIONED)
    elif name == _LEGACY:
        legacy = _capsule_pointer(capsule, _LEGACY)
        managed = cast(legacy, POINTER(_Legacy)).contents
        versioned = _Versioned(1, 0, None, _versioned_deleter, 0, managed.tensor)
        address = ctypes.addressof(versioned)
        _wrapped[address] = (versioned, legacy)
        try:
            tensor = _import(address)
        except BaseException:
            del _wrapped[address]
            raise
        _capsule_rename(capsule, _USED_LEGACY)
    else:
        raise TypeError(
            f"from_dlpack: a capsule called {name!r} was given; dltensor or dltensor_versioned was expected"
        )
    return tensor.clone() if copy else tensor


def _import(address: int) -> Tensor:
    out = c_void_p()
    if status := held.alula_tensor_from_dlpack(byref(out), address):
        raise failure(status)
    return wrap(out.value)
