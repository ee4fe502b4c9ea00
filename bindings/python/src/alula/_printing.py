"""How tensors print: like NumPy's arrays, with dtype and gradient function where they say something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._dtypes import bfloat16, bool_, complex64, float32, int64
from ._numpy import to_numpy

if TYPE_CHECKING:
    from ._tensor import Tensor

_DEFAULT = (bool_, int64, float32, complex64)
_options: dict[str, Any] = {"precision": 4, "threshold": 1000, "edgeitems": 3, "max_line_width": 80}


def set_printoptions(
    precision: int | None = None,
    threshold: int | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
) -> None:
    """Sets digits after the point, from how many elements on to abbreviate, elements at the edges then, columns."""
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "max_line_width": linewidth}
    _options.update({name: value for name, value in given.items() if value is not None})


def text(tensor: Tensor) -> str:
    """The tensor as its `repr`."""
    dtype = tensor.dtype
    plain = tensor.detach()
    array = to_numpy(plain.to(float32) if dtype is bfloat16 else plain)
    prefix = "tensor("
    body = np.array2string(array, prefix=prefix, separator=", ", suppress_small=None, **_options)
    suffix = []
    if dtype not in _DEFAULT or (array.size == 0 and dtype is not float32):
        suffix.append(f"dtype={dtype!r}")
    if array.size == 0 and array.shape != (0,):
        suffix.append(f"shape={array.shape}")
    function = tensor.grad_fn
    if function:
        suffix.append(f"grad_fn=<{function}>")
    elif tensor.requires_grad:
        suffix.append("requires_grad=True")
    return f"{prefix}{', '.join([body, *suffix])})"
