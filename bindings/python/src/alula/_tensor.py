"""The tensor class: properties, conversion, gradients. Operators and methods come from its bases."""

from __future__ import annotations

from ctypes import POINTER, byref, c_bool, c_char_p, c_void_p
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _operations as ops
from ._arguments import asarray
from ._base import set_tensor_class, wrap
from ._device import CPU, Device
from ._dtypes import DType, as_dtype
from ._library import failure, held, lib
from ._numpy import to_numpy
from ._operators import Operators

if TYPE_CHECKING:
    from typing import Self


class Tensor(Operators):
    """An n-dimensional array, or a view of one, with its place in a graph of gradients.

    >>> import alula
    >>> x = alula.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4., 6.])
    """

    __slots__ = ()

    def __init__(self, data: Any = (), dtype: Any = None) -> None:
        source = asarray(data, dtype, copy=True)
        if status := held.alula_tensor_retain(source._handle):
            raise failure(status)
        self._handle = source._handle
        self._shape = None
        self._dtype = None

    # ---- Properties -------------------------------------------------------------------------------------

    @property
    def size_(self) -> int:
        return self._count()

    @property
    def device(self) -> Device:
        """Where the tensor lies."""
        return CPU

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this tensor."""
        result = c_bool()
        if status := held.alula_tensor_requires_grad(byref(result), self._handle):
            raise failure(status)
        return result.value

    @requires_grad.setter
    def requires_grad(self, required: bool) -> None:
        if status := held.alula_tensor_set_requires_grad(self._handle, required):
            raise failure(status)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Makes a leaf collect gradients, or stop doing so."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether the tensor was made by the user, not by a recorded operation."""
        result = c_bool()
        if status := held.alula_tensor_is_leaf(byref(result), self._handle):
            raise failure(status)
        return result.value

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward has collected here."""
        out = c_void_p()
        if status := held.alula_tensor_grad(byref(out), self._handle):
            raise failure(status)
        return wrap(out.value) if out.value else None

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        handle = None if value is None else value._handle
        if status := held.alula_tensor_set_grad(self._handle, handle):
            raise failure(status)

    @property
    def grad_fn(self) -> str | None:
        """The name of the operation that made the tensor; None for a leaf."""
        name = c_char_p()
        if status := held.alula_tensor_grad_fn(byref(name), self._handle):
            raise failure(status)
        return name.value.decode() if name.value else None

    # ---- Conversion -------------------------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        array = self.numpy()
        if dtype is not None and array.dtype != np.dtype(dtype):
            if copy is False:
                raise ValueError(f"a conversion from {array.dtype} to {np.dtype(dtype)} needs a copy")
            return array.astype(dtype)
        return array.copy() if copy else array

    def numpy(self) -> NDArray[Any]:
        """An array over the same memory."""
        if self.requires_grad:
            raise RuntimeError("numpy: the tensor requires a gradient, which NumPy would lose; use detach().numpy()")
        return to_numpy(self)

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return to_numpy(self).tolist()

    def to(self, *args: Any, dtype: Any = None, copy: bool = False) -> Tensor:
        """The tensor with the dtype, or like the tensor, that is given."""
        for arg in args:
            if isinstance(arg, Tensor):
                dtype = arg.dtype
            elif isinstance(arg, Device) or arg in ("cpu", "cpu:0"):
                continue
            elif not isinstance(arg, bool):
                dtype = arg
        if dtype is None or as_dtype(dtype) is self.dtype:
            return self.clone() if copy else self
        return ops.cast(self, dtype)

    def detach(self) -> Tensor:
        """The same elements without history."""
        out = c_void_p()
        if status := held.alula_tensor_detach(byref(out), self._handle):
            raise failure(status)
        return wrap(out.value)

    def clone(self) -> Tensor:
        """A copy, through which gradients flow."""
        return ops.copy(self)

    # ---- Gradients --------------------------------------------------------------------------------------

    def backward(
        self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False
    ) -> None:
        """Adds the gradients of this tensor to the leaves that it depends on."""
        roots = (c_void_p * 1)(self._handle)
        seeds = None
        if gradient is not None:
            seed = asarray(gradient)
            seeds = (c_void_p * 1)(seed._handle)
        retain = create_graph if retain_graph is None else retain_graph
        if status := lib.alula_backward(roots, seeds, 1, retain, create_graph):
            raise failure(status)

    def __repr__(self) -> str:
        return f"tensor({to_numpy(self)})"


set_tensor_class(Tensor)
