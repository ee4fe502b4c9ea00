"""What the library itself does for CPython, without ctypes: the class of tensors and the operations as functions.

All of it has a form in Python, too, which does what the native one leaves to it, and everything where there is none.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
import types
from collections.abc import Callable
from typing import Any, TypeVar

from ._dtypes import DTYPES
from ._library import failure, held

_F = TypeVar("_F", bound=Callable[..., Any])


def _start() -> tuple[Any, ...] | None:
    """The native functions; None in another interpreter, or one without a lock, and when `ALULA_NATIVE` is 0."""
    if os.environ.get("ALULA_NATIVE") == "0" or sys.implementation.name != "cpython":
        return None
    # The header of an object is a count and a type, but where the count is shared between threads.
    if object.__basicsize__ != 2 * ctypes.sizeof(ctypes.c_void_p):
        return None
    address = held.alula_python_start((failure, types.MethodType, DTYPES))
    functions: tuple[Any, ...] | None = ctypes.cast(address, ctypes.py_object).value if address else None
    return functions


_functions = _start()

#: Whether there is a native half.
is_active = _functions is not None

#: `operation(name, function, result class, in place)` makes a function of an operation, `tensor_class(methods, name)` a
#: subclass of `methods` whose instances own tensors, and `wrap(handle)` a tensor. `copied(array)` is a tensor with the
#: elements of a buffer, and `borrowed(array, release, key)` one over its memory; None for other elements.
_operation, tensor_class, wrap, copied, borrowed = _functions or (None, None, None, None, None)


def operation(name: str, result: type | None = None, in_place: bool = False) -> Callable[[_F], _F]:
    """Makes a function of the catalog native; `__wrapped__` is the one in Python."""

    def decorate(function: _F) -> _F:
        if _functions is None:
            return function
        native: _F = _operation(name, function, result, in_place)
        functools.update_wrapper(native, function)
        return native

    return decorate
