"""Methods that look at the same elements in another shape or order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from . import _operations as ops
from ._base import TensorBase
from ._operators import Operators

if TYPE_CHECKING:
    from ._tensor import Tensor


def shape_of(arguments: tuple[Any, ...]) -> Any:
    """`f(2, 3)` and `f((2, 3))` mean the same."""
    if len(arguments) == 1 and not hasattr(arguments[0], "__index__"):
        return arguments[0]
    if len(arguments) == 1 and isinstance(arguments[0], TensorBase) and arguments[0].ndim:
        return arguments[0]
    return arguments


class Size(int):
    """The number of elements, as the array API has it; called, the shape, as PyTorch has it.

    >>> import alula
    >>> x = alula.zeros((2, 3))
    >>> x.size, x.size(), x.size(0)
    (6, (2, 3), 2)
    """

    _shape: tuple[int, ...]

    @overload
    def __call__(self) -> tuple[int, ...]: ...
    @overload
    def __call__(self, dim: int) -> int: ...
    def __call__(self, dim: int | None = None) -> tuple[int, ...] | int:
        return self._shape if dim is None else self._shape[dim]


class ShapeMethods(Operators):
    __slots__ = ()

    # ---- What it is -------------------------------------------------------------------------------------

    @property
    def size(self) -> Size:
        """The number of elements; `size()` is the shape and `size(dim)` an extent."""
        result = Size(self._count())
        result._shape = self.shape
        return result

    @property
    def nbytes(self) -> int:
        """The number of bytes of all elements."""
        return self._count() * self.dtype.itemsize

    @property
    def itemsize(self) -> int:
        """The number of bytes of one element."""
        return self.dtype.itemsize

    def numel(self) -> int:
        """The number of elements."""
        return self._count()

    nelement = numel

    def element_size(self) -> int:
        return self.dtype.itemsize

    def dim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    # ---- Shapes -----------------------------------------------------------------------------------------

    def reshape(self, *shape: Any) -> Tensor:
        """The same elements in row-major order under another shape."""
        return ops.reshape(self, shape_of(shape))

    def view(self, *shape: Any) -> Tensor:
        """As `reshape`; a dtype instead of a shape converts nothing and is not supported."""
        return ops.reshape(self, shape_of(shape))

    def view_as(self, other: TensorBase) -> Tensor:
        return ops.reshape(self, other.shape)

    reshape_as = view_as

    flatten = ops.flatten
    unflatten = ops.unflatten

    def ravel(self) -> Tensor:
        return ops.reshape(self, (-1,))

    def squeeze(self, dim: int | Sequence[int] | None = None) -> Tensor:
        """Without axes of extent 1: those given (which stay when they are longer), or all."""
        if dim is None:
            return ops.squeeze(self)
        rank = len(self.shape)
        axes = [dim] if isinstance(dim, int) else list(dim)
        return ops.squeeze(self, [axis for axis in axes if not -rank <= axis < rank or self.shape[axis] == 1])

    def unsqueeze(self, dim: int) -> Tensor:
        """With a new axis of extent 1."""
        return ops.expand_dims(self, dim)

    def expand(self, *shape: Any) -> Tensor:
        """A view in which extents of 1 repeat up to a shape; -1 keeps an extent."""
        return ops.expand(self, shape_of(shape))

    def expand_as(self, other: TensorBase) -> Tensor:
        return ops.broadcast_to(self, other.shape)

    broadcast_to = ops.broadcast_to

    # ---- Orders -----------------------------------------------------------------------------------------

    @property
    def T(self) -> Tensor:
        """A view with the axes in reverse order."""
        rank = self.ndim
        return ops.matrix_transpose(self) if rank == 2 else ops.permute_dims(self, range(rank - 1, -1, -1))

    @property
    def mT(self) -> Tensor:
        """A view with the last two axes exchanged."""
        return ops.matrix_transpose(self)

    def t(self) -> Tensor:
        """The transposed matrix; vectors and numbers as they are."""
        if len(self.shape) > 2:
            raise ValueError(f"t: at most two axes were expected, not shape {self.shape}")
        return self.T

    def permute(self, *dims: Any) -> Tensor:
        """A view with the axes in another order."""
        return ops.permute_dims(self, shape_of(dims))

    def transpose(self, *axes: Any) -> Tensor:
        """Two axes exchanged, as in PyTorch; none or all of them, as in NumPy."""
        if not axes:
            return self.T
        if len(axes) == 2 and len(self.shape) != 2:
            return ops.swapaxes(self, *axes)
        if len(axes) == 2:
            return ops.swapaxes(self, *axes) if axes[0] != axes[1] else ops.permute_dims(self, (0, 1))
        return ops.permute_dims(self, shape_of(axes))

    swapaxes = ops.swapaxes
    moveaxis = movedim = ops.moveaxis
    flip = ops.flip
    narrow = ops.narrow
    diagonal = ops.diagonal
    contiguous = ops.contiguous

    def is_contiguous(self) -> bool:
        """Whether the elements lie row-major without gaps."""
        expected = 1
        for extent, stride in zip(reversed(self.shape), reversed(self.stride()), strict=True):
            if extent != 1 and stride != expected and self._count():
                return False
            expected *= extent
        return True

    @overload
    def stride(self) -> tuple[int, ...]: ...
    @overload
    def stride(self, dim: int) -> int: ...
    def stride(self, dim: int | None = None) -> tuple[int, ...] | int:
        """The distances of neighbours along the axes, counted in elements."""
        from ._library import held

        strides = self._dims(held.alula_tensor_strides)
        return strides if dim is None else strides[dim]

    # ---- Parts ------------------------------------------------------------------------------------------

    def select(self, dim: int, index: int) -> Tensor:
        """The slice at one position of an axis, without that axis."""
        return ops.squeeze(ops.narrow(self, dim, index, 1), dim)

    def unbind(self, dim: int = 0) -> tuple[Tensor, ...]:
        """All slices along an axis, without that axis."""
        return tuple(self.select(dim, i) for i in range(self.shape[dim]))

    def split(self, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
        """Views of consecutive parts along an axis: of one size, the last maybe smaller, or of given sizes.

        >>> import alula
        >>> [part.shape for part in alula.zeros((5, 2)).split(2)]
        [(2, 2), (2, 2), (1, 2)]
        """
        extent = self.shape[dim]
        if isinstance(split_size, int):
            if split_size <= 0:
                raise ValueError(f"split: the size of a part is {split_size}, but must be positive")
            sizes = [min(split_size, extent - start) for start in range(0, extent, split_size)] or [0]
        else:
            sizes = list(split_size)
            if sum(sizes) != extent or any(size < 0 for size in sizes):
                raise ValueError(f"split: sizes {sizes} do not make up extent {extent} of axis {dim}")
        parts = []
        start = 0
        for size in sizes:
            parts.append(ops.narrow(self, dim, start, size))
            start += size
        return tuple(parts)

    def chunk(self, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
        """At most so many views of equal parts along an axis, the last maybe smaller."""
        if chunks <= 0:
            raise ValueError(f"chunk: {chunks} parts were asked for, but there must be one at least")
        return self.split(max(1, -(-self.shape[dim] // chunks)), dim)
