"""Methods that convert: dtypes, copies, NumPy, in-place fills."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _dtypes as d
from . import _operations as ops
from ._arguments import TensorLike, asarray, operand
from ._base import TensorBase
from ._device import Device
from ._dtypes import as_dtype
from ._library import failure, held, lib
from ._methods_shape import ShapeMethods, shape_of
from ._numpy import to_numpy

if TYPE_CHECKING:
    from typing import Self

    from ._tensor import Tensor


class ConversionMethods(ShapeMethods):
    __slots__ = ()

    # ---- Dtypes -----------------------------------------------------------------------------------------

    def to(self, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False, **ignored: Any) -> Tensor:
        """The tensor with a dtype, on a device, or like another tensor.

        >>> import alula
        >>> alula.tensor([1, 2]).to(alula.float64)
        tensor([1., 2.], dtype=alula.float64)
        """
        devices = [] if device is None else [device]
        for arg in args:
            if isinstance(arg, TensorBase):
                dtype = arg.dtype
            elif isinstance(arg, Device) or (isinstance(arg, str) and arg.split(":")[0] in ("cpu", "cuda", "mps")):
                devices.append(arg)
            elif not isinstance(arg, bool):  # PyTorch's non_blocking
                dtype = arg
        for name in devices:
            Device(name)
        if dtype is None or as_dtype(dtype) is self.dtype:
            return ops.copy(self) if copy else self  # type: ignore[return-value]
        return ops.cast(self, dtype)

    def type(self, dtype: Any = None) -> Any:
        """The name of the dtype, or the tensor with another one."""
        return str(self.dtype) if dtype is None else self.to(dtype=dtype)

    def astype(self, dtype: Any, copy: bool = True) -> Tensor:
        return self.to(dtype=dtype, copy=copy)

    def type_as(self, other: TensorBase) -> Tensor:
        return self.to(other)

    def bool(self) -> Tensor:
        return self.to(dtype=d.bool_)

    def byte(self) -> Tensor:
        return self.to(dtype=d.uint8)

    def short(self) -> Tensor:
        return self.to(dtype=d.int16)

    def int(self) -> Tensor:
        return self.to(dtype=d.int32)

    def long(self) -> Tensor:
        return self.to(dtype=d.int64)

    def half(self) -> Tensor:
        return self.to(dtype=d.float16)

    def bfloat16(self) -> Tensor:
        return self.to(dtype=d.bfloat16)

    def float(self) -> Tensor:
        return self.to(dtype=d.float32)

    def double(self) -> Tensor:
        return self.to(dtype=d.float64)

    def is_floating_point(self) -> Any:
        """Whether the dtype is a float."""
        return self.dtype.kind == "f"

    def is_complex(self) -> Any:
        return self.dtype.kind == "c"

    # ---- Devices ----------------------------------------------------------------------------------------

    def cpu(self) -> Self:
        return self

    def cuda(self, device: Any = None) -> Self:
        raise NotImplementedError("cuda: Alula computes on the CPU")

    def pin_memory(self) -> Self:
        return self

    @property
    def is_cuda(self) -> Any:
        return False

    # ---- NumPy ------------------------------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        array = self.numpy()
        if dtype is not None and array.dtype != np.dtype(dtype):
            if copy is False:
                raise ValueError(f"a conversion from {array.dtype} to {np.dtype(dtype)} needs a copy")
            return array.astype(dtype)
        return array.copy() if copy else array

    def numpy(self) -> NDArray[Any]:
        """An array over the same memory. What NumPy writes there, gradients do not notice."""
        if self.requires_grad:  # type: ignore[attr-defined]
            raise RuntimeError("numpy: a tensor that requires a gradient, which NumPy would lose; use detach().numpy()")
        return to_numpy(self)

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return to_numpy(self.to(dtype=d.float32) if self.dtype is d.bfloat16 else self).tolist()

    # ---- New tensors ------------------------------------------------------------------------------------

    def clone(self) -> Tensor:
        """A copy, through which gradients flow."""
        return ops.copy(self)

    def new_zeros(self, *shape: Any, dtype: Any = None) -> Tensor:
        return ops.zeros(shape_of(shape), dtype or self.dtype)

    def new_ones(self, *shape: Any, dtype: Any = None) -> Tensor:
        return ops.ones(shape_of(shape), dtype or self.dtype)

    def new_full(self, shape: Any, fill_value: Any, dtype: Any = None) -> Tensor:
        return ops.full(shape, fill_value, dtype or self.dtype)

    def new_tensor(self, data: Any, dtype: Any = None) -> Tensor:
        return asarray(data, dtype or self.dtype, copy=True)

    # ---- In place ---------------------------------------------------------------------------------------

    def copy_(self, source: TensorLike) -> Self:
        """Writes `source`, broadcast and converted, over the elements."""
        value = source if isinstance(source, TensorBase) else operand(source)
        if status := lib.alula_tensor_assign_(self._handle, value._handle):
            raise failure(status)
        return self

    def fill_(self, value: TensorLike) -> Self:
        return self.copy_(value)

    def zero_(self) -> Self:
        return self.copy_(0)

    def mark_written(self) -> None:
        """Tells that NumPy wrote over the elements, so that backward does not use them as if they were old."""
        if status := held.alula_tensor_mark_written(self._handle):
            raise failure(status)
