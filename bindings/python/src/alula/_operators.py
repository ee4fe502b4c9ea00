"""Python's operators on tensors: arithmetic, comparison, in-place forms, conversion to numbers."""

from __future__ import annotations

from collections.abc import Iterator
from ctypes import byref
from typing import TYPE_CHECKING, Any

from . import _operations as ops
from ._arguments import TensorLike
from ._base import TensorBase
from ._library import Scalar, failure, held

if TYPE_CHECKING:
    from typing import Self

    from ._tensor import Tensor

import numpy as np

_OPERANDS = (TensorBase, int, float, complex, bool, np.ndarray, np.generic)


class Operators(TensorBase):
    __slots__ = ()

    # ---- Arithmetic -------------------------------------------------------------------------------------

    def __add__(self, other: TensorLike) -> Tensor:
        return ops.add(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __radd__(self, other: TensorLike) -> Tensor:
        return ops.add(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    def __sub__(self, other: TensorLike) -> Tensor:
        return ops.subtract(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __rsub__(self, other: TensorLike) -> Tensor:
        return ops.subtract(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    def __mul__(self, other: TensorLike) -> Tensor:
        return ops.multiply(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __rmul__(self, other: TensorLike) -> Tensor:
        return ops.multiply(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    def __truediv__(self, other: TensorLike) -> Tensor:
        return ops.divide(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __rtruediv__(self, other: TensorLike) -> Tensor:
        return ops.divide(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    def __floordiv__(self, other: TensorLike) -> Tensor:
        return ops.floor_divide(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __rfloordiv__(self, other: TensorLike) -> Tensor:
        return ops.floor_divide(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    def __mod__(self, other: TensorLike) -> Tensor:
        return ops.remainder(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __rmod__(self, other: TensorLike) -> Tensor:
        return ops.remainder(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    def __divmod__(self, other: TensorLike) -> tuple[Tensor, Tensor]:
        return ops.floor_divide(self, other), ops.remainder(self, other)

    def __pow__(self, other: TensorLike) -> Tensor:
        return ops.pow(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __rpow__(self, other: TensorLike) -> Tensor:
        return ops.pow(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    def __matmul__(self, other: TensorLike) -> Tensor:
        return ops.matmul(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __rmatmul__(self, other: TensorLike) -> Tensor:
        return ops.matmul(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    def __neg__(self) -> Tensor:
        return ops.negative(self)

    def __pos__(self) -> Tensor:
        return self  # type: ignore[return-value]

    def __abs__(self) -> Tensor:
        return ops.abs(self)

    # ---- Bits -------------------------------------------------------------------------------------------

    def __and__(self, other: TensorLike) -> Tensor:
        return ops.bitwise_and(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __rand__(self, other: TensorLike) -> Tensor:
        return ops.bitwise_and(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    def __or__(self, other: TensorLike) -> Tensor:
        return ops.bitwise_or(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __ror__(self, other: TensorLike) -> Tensor:
        return ops.bitwise_or(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    def __xor__(self, other: TensorLike) -> Tensor:
        return ops.bitwise_xor(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __rxor__(self, other: TensorLike) -> Tensor:
        return ops.bitwise_xor(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    def __lshift__(self, other: TensorLike) -> Tensor:
        return ops.bitwise_left_shift(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __rlshift__(self, other: TensorLike) -> Tensor:
        return ops.bitwise_left_shift(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    def __rshift__(self, other: TensorLike) -> Tensor:
        return ops.bitwise_right_shift(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __rrshift__(self, other: TensorLike) -> Tensor:
        return ops.bitwise_right_shift(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    def __invert__(self) -> Tensor:
        return ops.bitwise_invert(self)

    # ---- Comparison -------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return ops.equal(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return ops.not_equal(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __lt__(self, other: TensorLike) -> Tensor:
        return ops.less(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __le__(self, other: TensorLike) -> Tensor:
        return ops.less_equal(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __gt__(self, other: TensorLike) -> Tensor:
        return ops.greater(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __ge__(self, other: TensorLike) -> Tensor:
        return ops.greater_equal(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    # Tensors are keys by identity: `==` compares elements.
    __hash__ = TensorBase.__hash__

    # ---- In place ---------------------------------------------------------------------------------------

    def __iadd__(self, other: TensorLike) -> Self:
        return ops.add_(self, other)

    def __isub__(self, other: TensorLike) -> Self:
        return ops.subtract_(self, other)

    def __imul__(self, other: TensorLike) -> Self:
        return ops.multiply_(self, other)

    def __itruediv__(self, other: TensorLike) -> Self:
        return ops.divide_(self, other)

    def __ifloordiv__(self, other: TensorLike) -> Self:
        return self._written(ops.floor_divide(self, other))

    def __imod__(self, other: TensorLike) -> Self:
        return self._written(ops.remainder(self, other))

    def __ipow__(self, other: TensorLike) -> Self:
        return ops.pow_(self, other)

    def __imatmul__(self, other: TensorLike) -> Self:
        return self._written(ops.matmul(self, other))

    def __iand__(self, other: TensorLike) -> Self:
        return self._written(ops.bitwise_and(self, other))

    def __ior__(self, other: TensorLike) -> Self:
        return self._written(ops.bitwise_or(self, other))

    def __ixor__(self, other: TensorLike) -> Self:
        return self._written(ops.bitwise_xor(self, other))

    def __ilshift__(self, other: TensorLike) -> Self:
        return self._written(ops.bitwise_left_shift(self, other))

    def __irshift__(self, other: TensorLike) -> Self:
        return self._written(ops.bitwise_right_shift(self, other))

    def _written(self, value: TensorBase) -> Self:
        if status := held.alula_tensor_assign_(self._handle, value._handle):
            raise failure(status)
        return self

    # ---- Numbers ----------------------------------------------------------------------------------------

    def item(self) -> Any:
        """The only element as a Python number.

        >>> import alula
        >>> alula.tensor([2.5]).item()
        2.5
        """
        value = Scalar()
        if status := held.alula_tensor_item(byref(value), self._handle):
            raise failure(status)
        kind = value.kind
        if kind == 3:
            return value.real
        if kind == 1:
            return value.integer
        if kind == 0:
            return value.integer != 0
        if kind == 2:
            return value.integer % 2**64
        return complex(value.real, value.imaginary)

    def __bool__(self) -> bool:
        if self.shape and self._count() != 1:
            raise ValueError(f"the truth value of a tensor of shape {self.shape} is ambiguous; use any() or all()")
        return bool(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if self.dtype.kind not in "iu" or self._count() != 1:
            raise TypeError(
                f"only an integer tensor with one element can be an index, not {self.dtype} of shape {self.shape}"
            )
        return int(self.item())

    def __round__(self, digits: int | None = None) -> Any:
        return round(self.item(), digits)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and not self.shape else format(str(self), spec)

    def _count(self) -> int:
        count = 1
        for extent in self.shape:
            count *= extent
        return count

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise TypeError("iteration over a 0-d tensor")
        for i in range(self.shape[0]):
            yield self[i]  # type: ignore[index]

    def __contains__(self, value: TensorLike) -> bool:
        return bool(ops.any(ops.equal(self, value)))
