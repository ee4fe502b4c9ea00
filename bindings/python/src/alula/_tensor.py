"""The tensor class: what it owns and its gradients. Operators and methods come from its bases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ctypes import byref, c_bool, c_char_p, c_uint64, c_void_p
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _dlpack, _indexing, _printing
from ._arguments import asarray
from ._base import tensor_class, wrap
from ._callbacks import forget, immortal, keep, kept, release
from ._device import CPU, Device
from ._library import GradientHook, callback_failed, failure, held, lib
from ._methods_math import MathMethods

if TYPE_CHECKING:
    from typing import Self


class TensorMethods(MathMethods):
    """An n-dimensional array, or a view of one, with its place in a graph of gradients.

    >>> import alula
    >>> x = alula.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4., 6.])
    """

    __slots__ = ()

    def __init__(self, data: Any = (), dtype: Any = None) -> None:
        self._adopt(asarray(data, dtype, copy=True).detach())

    def _adopt(self, source: Tensor) -> None:
        """Becomes another object for the tensor of `source`."""
        if status := held.alula_tensor_retain(source._handle):
            raise failure(status)
        self._handle = source._handle

    @property
    def device(self) -> Device:
        """Where the tensor lies."""
        return CPU

    # ---- Gradients --------------------------------------------------------------------------------------

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
        """Whether no recorded operation made the tensor."""
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

    @property
    def data(self) -> Tensor:
        """The same elements without history; assigning writes over them."""
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        source = asarray(value)
        if source.shape != self.shape:
            raise ValueError(f"data: elements of shape {source.shape} cannot replace those of shape {self.shape}")
        self.detach().copy_(source.detach())

    def detach(self) -> Tensor:
        """The same elements without history."""
        out = c_void_p()
        if status := held.alula_tensor_detach(byref(out), self._handle):
            raise failure(status)
        return wrap(out.value)

    def backward(self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False) -> None:
        """Adds the gradients of this tensor to the leaves that it depends on.

        Args:
            gradient: The gradient of this tensor; one by default, if it has a single element.
            retain_graph: Keep the graph for another pass; as `create_graph` by default.
            create_graph: Record the pass itself, for gradients of gradients.
        """
        seed = None if gradient is None else asarray(gradient)
        retain = create_graph if retain_graph is None else retain_graph
        status = lib.alula_backward(
            (c_void_p * 1)(self._handle),
            None if seed is None else (c_void_p * 1)(seed._handle),
            1,
            retain,
            create_graph,
        )
        if status:
            raise failure(status)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHook:
        """Calls `hook` with this tensor's gradient in every backward pass; what it returns takes its place.

        >>> import alula
        >>> x = alula.tensor([1.0, 2.0], requires_grad=True)
        >>> handle = x.register_hook(lambda gradient: gradient * 10)
        >>> x.sum().backward()
        >>> x.grad
        tensor([10., 10.])
        """
        key = keep(hook)
        number = c_uint64()
        if status := held.alula_tensor_register_hook(byref(number), self._handle, _call_hook, key, release):
            forget(key)
            raise failure(status)
        return RemovableHook(self, number.value)

    # ---- Elements ---------------------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Tensor:
        return _indexing.get(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        _indexing.put(self, index, value)

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(self.shape[0]))

    # ---- Protocols --------------------------------------------------------------------------------------

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: Any = None,
        copy: bool | None = None,
    ) -> Any:
        """A capsule over the same memory."""
        return _dlpack.to_dlpack(self.clone() if copy else self, max_version)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (_dlpack.CPU, 0)

    def __repr__(self) -> str:
        return _printing.text(self)

    def __str__(self) -> str:
        return _printing.text(self)

    def __copy__(self) -> Tensor:
        return self.clone()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        if not self.is_leaf:
            raise RuntimeError("deepcopy: only leaves can be copied; use clone() or detach()")
        result = type(self).__new__(type(self))
        result._adopt(self.detach().clone())
        result.requires_grad = self.requires_grad
        memo[id(self)] = result
        return result

    def __reduce__(self) -> tuple[Any, ...]:
        plain = self.detach()
        name = self.dtype.name
        array = (plain.float() if name == "bfloat16" else plain).numpy()
        return _rebuild, (type(self), np.ascontiguousarray(array).reshape(array.shape), name, self.requires_grad)


if TYPE_CHECKING:
    Tensor = TensorMethods
else:
    Tensor = tensor_class(TensorMethods, "Tensor")


class RemovableHook:
    """A registered hook; `remove()` forgets it."""

    def __init__(self, tensor: Tensor, number: int) -> None:
        self._tensor = tensor
        self._number = number

    def remove(self) -> None:
        if status := held.alula_tensor_remove_hook(self._tensor._handle, self._number):
            raise failure(status)


def _rebuild(kind: type[Tensor], array: Any, dtype: str, requires_grad: bool) -> Tensor:
    """A tensor from what `__reduce__` made of one."""
    tensor = kind.__new__(kind)
    tensor._adopt(asarray(array, dtype, copy=True))
    tensor.requires_grad = requires_grad
    return tensor


def lent(handle: int | None) -> Tensor:
    """A tensor of its own for a handle that a callback was lent."""
    if status := held.alula_tensor_retain(handle):
        raise failure(status)
    return wrap(handle)


def given(tensor: Tensor) -> int:
    """A reference to `tensor` that passes to the engine."""
    if status := held.alula_tensor_retain(tensor._handle):
        raise failure(status)
    return tensor._handle or 0


def _hook(replacement: Any, gradient: int, key: int) -> int:
    try:
        result = kept(key)(lent(gradient))
        if result is not None:
            replacement[0] = given(asarray(result))
        return 0
    except BaseException as error:
        return callback_failed(error)


_call_hook = immortal(GradientHook(_hook))
