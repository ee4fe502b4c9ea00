"""Alula: tensors and automatic differentiation."""

from . import autograd
from ._creation import tensor
from ._dtypes import (
    bfloat16,
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
from ._dtypes import bool_ as bool
from ._dtypes import bool_ as bool_
from ._numpy import asarray, from_numpy
from ._operations import *
from ._tensor import Tensor
from .autograd import enable_grad, grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
