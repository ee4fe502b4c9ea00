"""Alula: tensors and automatic differentiation in one small library, hand in hand with NumPy.

>>> import alula
>>> x = alula.tensor([1.0, 2.0, 3.0], requires_grad=True)
>>> y = (x * x).sum()
>>> y.backward()
>>> x.grad
tensor([2., 4., 6.])
"""

import math as _math
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from . import _operations, autograd
from ._creation import arange, empty, full, linspace, ones, tensor, zeros
from ._device import Device
from ._device import Device as device
from ._dlpack import from_dlpack
from ._dtypes import (
    DType,
    bfloat16,
    bool_,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from ._generator import Generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from ._namespace import (
    absolute,
    allclose,
    arccos,
    arcsin,
    arctan,
    arctan2,
    array_equal,
    astype,
    bmm,
    broadcast_arrays,
    can_cast,
    cat,
    chunk,
    clamp,
    concatenate,
    cumprod,
    cumsum,
    div,
    dot,
    eq,
    finfo,
    ge,
    gt,
    iinfo,
    is_tensor,
    isdtype,
    le,
    lt,
    mm,
    movedim,
    mul,
    mv,
    ne,
    neg,
    nonzero,
    norm,
    numel,
    permute,
    promote_types,
    repeat_interleave,
    result_type,
    split,
    sub,
    transpose,
    true_divide,
    unbind,
    unsqueeze,
    unstack,
)
from ._numpy import asarray, from_numpy
from ._operations import *
from ._printing import set_printoptions
from ._random import multinomial, normal, rand, rand_like, randint, randn, randn_like, randperm
from ._runtime import (
    get_num_threads,
    isa,
    live_handles,
    memory_usage,
    reset_peak_memory,
    set_num_threads,
    synchronize,
    trim_memory,
    version,
)
from ._tensor import Tensor
from .autograd import enable_grad, grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled, value_and_grad

if _TYPE_CHECKING:
    from . import data, nn, optim, serialization
    from .serialization import load, load_file, save, save_file

__version__ = "0.1.0"
__array_api_version__ = "2024.12"

bool = bool_
float = float32
double = float64
half = float16
short = int16
int = int32
long = int64
cfloat = complex64
cdouble = complex128

e = _math.e
inf = _math.inf
nan = _math.nan
pi = _math.pi
newaxis = None

__all__ = [
    "DType",
    "Device",
    "Generator",
    "Tensor",
    "absolute",
    "allclose",
    "arange",
    "arccos",
    "arcsin",
    "arctan",
    "arctan2",
    "array_equal",
    "asarray",
    "astype",
    "autograd",
    "bfloat16",
    "bmm",
    "bool",
    "bool_",
    "broadcast_arrays",
    "can_cast",
    "cat",
    "cdouble",
    "cfloat",
    "chunk",
    "clamp",
    "complex64",
    "complex128",
    "concatenate",
    "cumprod",
    "cumsum",
    "data",
    "device",
    "div",
    "dot",
    "double",
    "e",
    "empty",
    "enable_grad",
    "eq",
    "finfo",
    "float",
    "float16",
    "float32",
    "float64",
    "from_dlpack",
    "from_numpy",
    "full",
    "ge",
    "get_num_threads",
    "get_rng_state",
    "grad",
    "gt",
    "half",
    "iinfo",
    "inf",
    "inference_mode",
    "initial_seed",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_grad_enabled",
    "is_tensor",
    "isa",
    "isdtype",
    "le",
    "linspace",
    "live_handles",
    "load",
    "load_file",
    "long",
    "lt",
    "manual_seed",
    "memory_usage",
    "mm",
    "movedim",
    "mul",
    "multinomial",
    "mv",
    "nan",
    "ne",
    "neg",
    "newaxis",
    "nn",
    "no_grad",
    "nonzero",
    "norm",
    "normal",
    "numel",
    "ones",
    "optim",
    "permute",
    "pi",
    "promote_types",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "repeat_interleave",
    "reset_peak_memory",
    "result_type",
    "save",
    "save_file",
    "seed",
    "serialization",
    "set_grad_enabled",
    "set_num_threads",
    "set_printoptions",
    "set_rng_state",
    "short",
    "split",
    "sub",
    "synchronize",
    "tensor",
    "transpose",
    "trim_memory",
    "true_divide",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "unbind",
    "unsqueeze",
    "unstack",
    "value_and_grad",
    "version",
    "zeros",
]
__all__ += _operations.__all__

_LAZY = {
    "data": "data",
    "nn": "nn",
    "optim": "optim",
    "serialization": "serialization",
    "load": "serialization",
    "load_file": "serialization",
    "save": "serialization",
    "save_file": "serialization",
}


def __getattr__(name: str) -> _Any:
    """Submodules that not every program needs are imported when they are first used."""
    if name not in _LAZY:
        raise AttributeError(f"module 'alula' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"alula.{_LAZY[name]}")
    value = module if _LAZY[name] == name else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
