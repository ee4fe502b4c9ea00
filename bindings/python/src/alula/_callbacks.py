"""What C holds on to: Python objects lent to the engine until it calls their deleter."""

from __future__ import annotations

import ctypes
from itertools import count
from typing import Any

from ._library import Deleter

_kept: dict[int, Any] = {}
_keys = count(1)


def keep(value: Any) -> int:
    """Keeps `value` alive; the result is its context for C."""
    key = next(_keys)
    _kept[key] = value
    return key


def kept(key: int) -> Any:
    return _kept[key]


def forget(key: int | None, kept: dict[int, Any] = _kept) -> None:
    kept.pop(key or 0, None)


def immortal(callback: Any) -> Any:
    """A callback that outlives this module: the engine may call it until the process ends."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(callback))
    return callback


#: The deleter for every context made by `keep`.
release = immortal(Deleter(forget))
