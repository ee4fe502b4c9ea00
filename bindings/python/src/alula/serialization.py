"""Saving and loading: .safetensors files, whole or not at all, that hold nothing but data."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from . import _maps
from ._arguments import asarray
from ._base import TensorBase
from ._dtypes import DType, as_dtype
from ._tensor import Tensor

_STRUCTURE = "alula.structure"


def save_file(tensors: Mapping[str, Any], path: Any, metadata: Mapping[str, str] | None = None) -> None:
    """Writes tensors by name into a .safetensors file, which appears whole or not at all."""
    plain = {name: asarray(tensor).detach() for name, tensor in tensors.items()}
    _maps.save(_maps.TensorMap.of(plain, metadata), path)


def load_file(path: Any) -> dict[str, Tensor]:
    """The tensors of a .safetensors file by name.

    Raises:
        OSError: the file cannot be read, or is none of that format.
    """
    return _maps.load(path).tensors()


def save(obj: Any, path: Any) -> None:
    """Writes a module's state, a dict of tensors, or nested dicts and lists of tensors, numbers and strings.

    The file is a .safetensors file with the tensors under their names, joined by dots where dicts are nested, and
    appears whole or not at all.
    """
    if hasattr(obj, "state_dict"):
        obj = obj.state_dict()
    if isinstance(obj, Mapping) and all(
        isinstance(key, str) and (isinstance(value, TensorBase) or hasattr(value, "__array__"))
        for key, value in obj.items()
    ):
        save_file(obj, path)
        return
    tensors: dict[str, Tensor] = {}
    structure = _encode(obj, "", tensors)
    save_file(tensors, path, {_STRUCTURE: json.dumps(structure)})


def load(path: Any) -> Any:
    """What `save` wrote, or the tensors by name of any other .safetensors file."""
    contents = _maps.load(path)
    structure = contents.metadata(_STRUCTURE)
    tensors = contents.tensors()
    return tensors if structure is None else _decode(json.loads(structure), tensors)


# JSON has no tensors, tuples, integer keys: each value is a list of a tag and what the tag needs.


def _encode(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, TensorBase) or hasattr(value, "__array__"):
        unique = name or "value"
        while unique in tensors:
            unique += "_"
        tensors[unique] = asarray(value)
        return ["tensor", unique]
    if isinstance(value, Mapping):
        items = [
            [_key(key), _encode(item, f"{name}.{key}" if name else str(key), tensors)] for key, item in value.items()
        ]
        return ["dict", items]
    if isinstance(value, (list, tuple)):
        items = [_encode(item, f"{name}.{i}" if name else str(i), tensors) for i, item in enumerate(value)]
        return ["tuple" if isinstance(value, tuple) else "list", items]
    if isinstance(value, DType):
        return ["dtype", value.name]
    return ["plain", _key(value)]


def _key(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"save: cannot write {type(value).__name__}; tensors, numbers, strings, dicts and lists can be")


def _decode(node: Any, tensors: dict[str, Tensor]) -> Any:
    try:
        tag, value = node
        if tag == "tensor":
            return tensors[value]
        if tag == "dict":
            return OrderedDict((key, _decode(item, tensors)) for key, item in value)
        if tag in ("list", "tuple"):
            items = [_decode(item, tensors) for item in value]
            return tuple(items) if tag == "tuple" else items
        if tag == "dtype":
            return as_dtype(value)
        if tag == "plain":
            return value
    except (KeyError, TypeError, ValueError) as error:
        raise OSError(f"load: the file's structure is damaged ({error})") from error
    raise OSError(f"load: the file's structure has an unknown part {tag!r}")
