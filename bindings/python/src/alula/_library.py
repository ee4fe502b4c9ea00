"""Loads the shared library, declares its functions, and turns its statuses into exceptions."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Mapping
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    byref,
    c_bool,
    c_char_p,
    c_double,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint64,
    c_void_p,
    py_object,
)
from typing import Any

#: The ALULA_ABI_VERSION that this package was written for.
ABI_VERSION = 1

NONE = -(2**63)


class Scalar(Structure):
    """`alula_scalar`: one number of any kind."""

    _fields_ = (("kind", c_int), ("integer", c_int64), ("real", c_double), ("imaginary", c_double))


def _path() -> str:
    """The library: from the environment, beside this file, or as built in the checkout around it."""
    given = os.environ.get("ALULA_LIBRARY")
    if given:
        return given
    # Not by pathlib: importing it takes half as long as importing all of this package.
    folder = os.path.dirname(os.path.realpath(__file__))
    beside = os.path.join(folder, "libalula.so")
    if os.path.exists(beside):
        return beside
    while (parent := os.path.dirname(folder)) != folder:
        folder = parent
        built = os.path.join(folder, ".build", "release", "libalula.so")
        if os.path.exists(built):
            return built
    raise ImportError(
        "alula: libalula.so is neither beside the package nor in a checkout's .build/release; "
        "run `swift build -c release`, or set ALULA_LIBRARY to its path"
    )


_OUT = POINTER(c_void_p)
_HANDLE = c_void_p
_LIST = POINTER(c_void_p)

#: void (*)(void *context)
Deleter = CFUNCTYPE(None, c_void_p)
#: alula_gradient_hook
GradientHook = CFUNCTYPE(c_int, _OUT, c_void_p, c_void_p)
#: alula_custom_backward
CustomBackward = CFUNCTYPE(c_int, _LIST, c_size_t, _LIST, c_size_t, _LIST, c_size_t, c_void_p)


#: The functions of the header that return a status, in its order.
SIGNATURES: dict[str, tuple[Any, ...]] = {
    "alula_set_last_error": (c_int, c_char_p),
    "alula_operation_number": (POINTER(c_int32), c_char_p),
    "alula_tensor_from_data": (_OUT, c_void_p, c_char_p, c_size_t, c_int, c_int),
    "alula_tensor_borrow": (_OUT, c_void_p, c_char_p, c_char_p, c_size_t, c_int, Deleter, c_void_p),
    "alula_tensor_scalar": (_OUT, Scalar, c_int, c_bool),
    "alula_tensor_retain": (_HANDLE,),
    "alula_tensor_release": (_HANDLE,),
    "alula_tensor_dtype": (POINTER(c_int), _HANDLE),
    "alula_tensor_device": (POINTER(c_int), _HANDLE),
    "alula_tensor_rank": (POINTER(c_size_t), _HANDLE),
    "alula_tensor_count": (POINTER(c_int64), _HANDLE),
    "alula_tensor_shape": (POINTER(c_int64), c_size_t, _HANDLE),
    "alula_tensor_strides": (POINTER(c_int64), c_size_t, _HANDLE),
    "alula_tensor_data": (_OUT, _HANDLE),
    "alula_tensor_copy_out": (c_void_p, c_size_t, _HANDLE),
    "alula_tensor_item": (POINTER(Scalar), _HANDLE),
    "alula_tensor_mark_written": (_HANDLE,),
    "alula_tensor_assign_": (_HANDLE, _HANDLE),
    "alula_tensor_set_requires_grad": (_HANDLE, c_bool),
    "alula_tensor_requires_grad": (POINTER(c_bool), _HANDLE),
    "alula_tensor_is_leaf": (POINTER(c_bool), _HANDLE),
    "alula_tensor_grad": (_OUT, _HANDLE),
    "alula_tensor_set_grad": (_HANDLE, _HANDLE),
    "alula_tensor_detach": (_OUT, _HANDLE),
    "alula_tensor_grad_fn": (POINTER(c_char_p), _HANDLE),
    "alula_backward": (_LIST, _LIST, c_size_t, c_bool, c_bool),
    "alula_grad": (_LIST, _LIST, _LIST, c_size_t, _LIST, c_size_t, c_bool, c_bool),
    "alula_no_grad_end": (),
    "alula_tensor_register_hook": (POINTER(c_uint64), _HANDLE, GradientHook, c_void_p, Deleter),
    "alula_tensor_remove_hook": (_HANDLE, c_uint64),
    "alula_custom_op": (
        _LIST,
        c_char_p,
        _LIST,
        c_size_t,
        _LIST,
        c_size_t,
        _LIST,
        c_size_t,
        CustomBackward,
        c_void_p,
        Deleter,
    ),
    "alula_tensor_to_dlpack": (_OUT, _HANDLE),
    "alula_tensor_from_dlpack": (_OUT, c_void_p),
    "alula_tensor_map_create": (_OUT,),
    "alula_tensor_map_retain": (c_void_p,),
    "alula_tensor_map_release": (c_void_p,),
    "alula_tensor_map_count": (POINTER(c_size_t), c_void_p),
    "alula_tensor_map_name": (POINTER(c_char_p), c_void_p, c_size_t),
    "alula_tensor_map_tensor": (_OUT, c_void_p, c_size_t),
    "alula_tensor_map_find": (_OUT, c_void_p, c_char_p),
    "alula_tensor_map_insert": (c_void_p, c_char_p, _HANDLE),
    "alula_tensor_map_metadata": (POINTER(c_char_p), c_void_p, c_char_p),
    "alula_tensor_map_set_metadata": (c_void_p, c_char_p, c_char_p),
    "alula_safetensors_load": (_OUT, c_char_p),
    "alula_safetensors_save": (c_void_p, c_char_p),
    "alula_sgd_create": (_OUT, _LIST, c_size_t, c_void_p),
    "alula_adam_create": (_OUT, _LIST, c_size_t, c_void_p),
    "alula_adamw_create": (_OUT, _LIST, c_size_t, c_void_p),
    "alula_sgd_set_options": (c_void_p, c_void_p),
    "alula_adam_set_options": (c_void_p, c_void_p),
    "alula_optimizer_retain": (c_void_p,),
    "alula_optimizer_release": (c_void_p,),
    "alula_optimizer_step": (c_void_p,),
    "alula_optimizer_zero_grad": (c_void_p,),
    "alula_optimizer_learning_rate": (POINTER(c_double), c_void_p),
    "alula_optimizer_set_learning_rate": (c_void_p, c_double),
    "alula_optimizer_state": (_OUT, c_void_p),
    "alula_optimizer_load_state": (c_void_p, c_void_p),
    "alula_clip_grad_norm": (POINTER(c_double), _LIST, c_size_t, c_double, c_double),
    "alula_tensor_get": (_OUT, _HANDLE, c_void_p, c_size_t),
    "alula_tensor_split": (_LIST, _HANDLE, c_void_p, c_size_t, c_int64),
    "alula_tensor_set_": (_HANDLE, c_void_p, c_size_t, _HANDLE),
    "alula_set_num_threads": (c_int32,),
    "alula_generator_create": (_OUT, c_uint64),
    "alula_generator_default": (_OUT,),
    "alula_generator_retain": (c_void_p,),
    "alula_generator_release": (c_void_p,),
    "alula_generator_seed": (POINTER(c_uint64), c_void_p),
    "alula_generator_set_seed": (c_void_p, c_uint64),
    "alula_generator_set_random_seed": (POINTER(c_uint64), c_void_p),
    "alula_generator_state": (c_void_p, c_size_t, c_void_p),
    "alula_generator_set_state": (c_void_p, c_char_p, c_size_t),
    "alula_memory_usage": (POINTER(c_int64), POINTER(c_int64), POINTER(c_int64)),
}

#: The functions that return something else: their result, then their arguments.
PLAIN: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "alula_abi_version": (c_int32, ()),
    "alula_version": (c_char_p, ()),
    "alula_last_error": (c_char_p, ()),
    "alula_last_status": (c_int, ()),
    "alula_apply": (c_void_p, (c_int32, c_void_p, c_void_p)),
    "alula_python_start": (c_void_p, (py_object,)),
    "alula_status_name": (c_char_p, (c_int,)),
    "alula_dtype_size": (c_size_t, (c_int,)),
    "alula_dtype_name": (c_char_p, (c_int,)),
    "alula_grad_enabled": (c_bool, ()),
    "alula_set_grad_enabled": (None, (c_bool,)),
    "alula_no_grad_begin": (None, ()),
    "alula_isa": (c_char_p, ()),
    "alula_num_threads": (c_int32, ()),
    "alula_memory_reset_peak": (None, ()),
    "alula_memory_trim": (None, ()),
    "alula_synchronize": (None, ()),
    "alula_live_handles": (c_size_t, ()),
}


_declared = {name: (c_int, types) for name, types in SIGNATURES.items()} | PLAIN


def bind(signatures: Mapping[str, tuple[Any, ...]]) -> None:
    """Declares further functions that return a status."""
    _declared.update({name: (c_int, types) for name, types in signatures.items()})


class _Functions:
    """Gives functions their types when they are first used: all at once would double the time of the import."""

    def __getattr__(self, name: str) -> Any:
        if name not in _declared:
            raise AttributeError(f"alula: {name} is not declared")
        function = super().__getattr__(name)  # type: ignore[misc]
        function.restype, function.argtypes = _declared[name]
        return function


class _Library(_Functions, ctypes.CDLL):
    """Calls give up the interpreter's lock."""


class _HeldLibrary(_Functions, ctypes.PyDLL):
    """Calls keep the interpreter's lock: for what is over at once, which giving it up would double."""


PATH = _path()
lib = _Library(PATH)
held = _HeldLibrary(PATH)

if lib.alula_abi_version() != ABI_VERSION:
    raise ImportError(
        f"alula: {PATH} has ABI version {lib.alula_abi_version()}, this package needs version {ABI_VERSION}"
    )

_EXCEPTIONS: dict[int, type[Exception]] = {
    1: ValueError,
    2: TypeError,
    3: IndexError,
    4: MemoryError,
    5: ValueError,
    6: NotImplementedError,
    7: RuntimeError,
    8: OSError,
    9: RuntimeError,
    10: RuntimeError,
}


CALLBACK_FAILED = 9
#: What a callback raised, until the call that it failed raises it again.
pending = threading.local()


def callback_failed(error: BaseException) -> int:
    """The status of a callback that raised `error`."""
    pending.error = error
    message = f"{type(error).__name__}: {error}".encode(errors="replace").replace(b"\0", b" ")
    status: int = held.alula_set_last_error(CALLBACK_FAILED, message)
    return status


def failure(status: int) -> BaseException:
    """The exception for a status other than success, with the engine's message."""
    if status == CALLBACK_FAILED:
        error: BaseException | None = getattr(pending, "error", None)
        if error is not None:
            pending.error = None
            return error
    message = held.alula_last_error().decode("utf-8", "replace")
    return _EXCEPTIONS.get(status, RuntimeError)(message)


def last_failure() -> BaseException:
    """The exception for a call that returned no result."""
    return failure(held.alula_last_status())


def operation_number(name: str) -> int:
    """What `alula_apply` calls an operation."""
    number = c_int32()
    if status := held.alula_operation_number(byref(number), name.encode()):
        raise failure(status)
    return number.value
