"""Tensors by name, as the engine's functions for files and states take them."""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import byref, c_char_p, c_size_t, c_void_p
from typing import Any

from ._base import TensorBase, wrap
from ._library import failure, held, lib
from ._tensor import Tensor


class TensorMap:
    """Owns one reference to a map of the engine."""

    __slots__ = ("_handle",)

    def __init__(self, handle: int | None = None) -> None:
        if handle is None:
            out = c_void_p()
            if status := held.alula_tensor_map_create(byref(out)):
                raise failure(status)
            handle = out.value
        self._handle = handle

    @staticmethod
    def of(tensors: Mapping[str, TensorBase], metadata: Mapping[str, str] | None = None) -> TensorMap:
        result = TensorMap()
        for name, tensor in tensors.items():
            if status := held.alula_tensor_map_insert(result._handle, _utf8(name), tensor._handle):
                raise failure(status)
        for name, value in (metadata or {}).items():
            if status := held.alula_tensor_map_set_metadata(result._handle, _utf8(name), _utf8(value)):
                raise failure(status)
        return result

    def __del__(self, release: Any = held.alula_tensor_map_release) -> None:
        try:
            handle = self._handle
        except AttributeError:  # __init__ failed
            return
        release(handle)

    def tensors(self) -> dict[str, Tensor]:
        count = c_size_t()
        if status := held.alula_tensor_map_count(byref(count), self._handle):
            raise failure(status)
        result = {}
        for i in range(count.value):
            name = c_char_p()
            tensor = c_void_p()
            if status := held.alula_tensor_map_name(byref(name), self._handle, i):
                raise failure(status)
            if status := held.alula_tensor_map_tensor(byref(tensor), self._handle, i):
                raise failure(status)
            result[(name.value or b"").decode()] = wrap(tensor.value)
        return result

    def metadata(self, name: str) -> str | None:
        value = c_char_p()
        if status := held.alula_tensor_map_metadata(byref(value), self._handle, _utf8(name)):
            raise failure(status)
        return None if value.value is None else value.value.decode()


def _utf8(text: str) -> bytes:
    data = text.encode()
    if b"\0" in data:
        raise ValueError(f"{text!r}: a name cannot hold a zero character")
    return data


def path_bytes(path: Any) -> bytes:
    """A path for C."""
    import os

    data = os.fsencode(path)
    if b"\0" in data:
        raise ValueError(f"{path!r}: a path cannot hold a zero character")
    return data


def load(path: Any) -> TensorMap:
    """What a .safetensors file holds."""
    out = c_void_p()
    if status := lib.alula_safetensors_load(byref(out), path_bytes(path)):
        raise failure(status)
    return TensorMap(out.value)


def save(contents: TensorMap, path: Any) -> None:
    """Writes a .safetensors file, which appears whole or not at all."""
    if status := lib.alula_safetensors_save(contents._handle, path_bytes(path)):
        raise failure(status)
