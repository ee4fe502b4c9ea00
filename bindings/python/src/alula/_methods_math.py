"""Methods that compute: the catalog's operations under array-API, NumPy and PyTorch spellings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _operations as ops
from ._arguments import TensorLike
from ._base import TensorBase
from ._methods_convert import ConversionMethods
from ._methods_shape import shape_of

if TYPE_CHECKING:
    from typing import Self

    from ._generator import Generator
    from ._tensor import Tensor


Axes = int | Sequence[int] | None


class ValuesAndIndices(NamedTuple):
    """Extreme values along an axis and where they are."""

    values: Tensor
    indices: Tensor


def one_of(first: Any, second: Any) -> Any:
    """What was given under either of two names."""
    return first if second is None else second


class MathMethods(ConversionMethods):
    __slots__ = ()

    # ---- Element by element -----------------------------------------------------------------------------

    abs = absolute = ops.abs
    acos = arccos = ops.acos
    acosh = arccosh = ops.acosh
    add = ops.add
    asin = arcsin = ops.asin
    asinh = arcsinh = ops.asinh
    atan = arctan = ops.atan
    atan2 = arctan2 = ops.atan2
    atanh = arctanh = ops.atanh
    bitwise_and = ops.bitwise_and
    bitwise_not = ops.bitwise_invert
    bitwise_or = ops.bitwise_or
    bitwise_xor = ops.bitwise_xor
    ceil = ops.ceil
    clip = clamp = ops.clip
    cos = ops.cos
    cosh = ops.cosh
    div = divide = true_divide = ops.divide
    eq = ops.equal
    erf = ops.erf
    exp = ops.exp
    expm1 = ops.expm1
    floor = ops.floor
    floor_divide = ops.floor_divide
    ge = greater_equal = ops.greater_equal
    gt = greater = ops.greater
    isfinite = ops.isfinite
    isinf = ops.isinf
    isnan = ops.isnan
    le = less_equal = ops.less_equal
    log = ops.log
    log10 = ops.log10
    log1p = ops.log1p
    log2 = ops.log2
    logaddexp = ops.logaddexp
    logical_and = ops.logical_and
    logical_not = ops.logical_not
    logical_or = ops.logical_or
    logical_xor = ops.logical_xor
    lt = less = ops.less
    maximum = ops.maximum
    minimum = ops.minimum
    mul = multiply = ops.multiply
    ne = not_equal = ops.not_equal
    neg = negative = ops.negative
    pow = ops.pow
    reciprocal = ops.reciprocal
    relu = ops.relu
    remainder = ops.remainder
    rsqrt = ops.rsqrt
    sigmoid = ops.sigmoid
    sign = ops.sign
    sin = ops.sin
    sinh = ops.sinh
    sqrt = ops.sqrt
    square = ops.square
    sub = subtract = ops.subtract
    tan = ops.tan
    tanh = ops.tanh
    trunc = ops.trunc

    def round(self, decimals: int = 0) -> Tensor:
        """To the nearest integers, halves to even; or to so many decimals."""
        if not decimals:
            return ops.round(self)
        return ops.divide(ops.round(ops.multiply(self, 10.0**decimals)), 10.0**decimals)

    def where(self, condition: TensorLike, other: TensorLike) -> Tensor:
        """These elements where the condition holds, else the other's."""
        return ops.where(condition, self, other)

    # ---- In place ---------------------------------------------------------------------------------------

    add_ = ops.add_
    sub_ = subtract_ = ops.subtract_
    mul_ = multiply_ = ops.multiply_
    div_ = divide_ = ops.divide_
    pow_ = ops.pow_
    clip_ = clamp_ = ops.clip_
    relu_ = ops.relu_

    def exp_(self) -> Self:
        return self._written(ops.exp(self))

    def sqrt_(self) -> Self:
        return self._written(ops.sqrt(self))

    def neg_(self) -> Self:
        return self._written(ops.negative(self))

    def tanh_(self) -> Self:
        return self._written(ops.tanh(self))

    def sigmoid_(self) -> Self:
        return self._written(ops.sigmoid(self))

    def normal_(self, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Self:
        """Fills with normally distributed numbers."""
        return self._written(ops.random_normal(self.shape, mean=mean, std=std, dtype=self.dtype, generator=generator))

    def uniform_(self, low: float = 0.0, high: float = 1.0, generator: Generator | None = None) -> Self:
        """Fills with numbers spread evenly over [low, high)."""
        return self._written(ops.random_uniform(self.shape, low=low, high=high, dtype=self.dtype, generator=generator))

    # ---- Reductions -------------------------------------------------------------------------------------
    # The axis may be called `axis` or `dim`, and what keeps it `keepdims` or `keepdim`. NumPy's functions, handed a
    # tensor, pass `dtype` and `out` as well.

    def sum(
        self,
        axis: Axes = None,
        keepdims: bool = False,
        *,
        dim: Axes = None,
        keepdim: bool = False,
        dtype: Any = None,
        out: None = None,
    ) -> Tensor:
        """The sum over axes."""
        return ops.sum(self, one_of(axis, dim), keepdims or keepdim, dtype)

    def prod(
        self,
        axis: Axes = None,
        keepdims: bool = False,
        *,
        dim: Axes = None,
        keepdim: bool = False,
        dtype: Any = None,
        out: None = None,
    ) -> Tensor:
        """The product over axes."""
        return ops.prod(self, one_of(axis, dim), keepdims or keepdim, dtype)

    def mean(
        self,
        axis: Axes = None,
        keepdims: bool = False,
        *,
        dim: Axes = None,
        keepdim: bool = False,
        dtype: Any = None,
        out: None = None,
    ) -> Tensor:
        """The mean over axes."""
        if dtype is not None:
            return ops.mean(ops.cast(self, dtype), one_of(axis, dim), keepdims or keepdim)
        return ops.mean(self, one_of(axis, dim), keepdims or keepdim)

    def var(
        self,
        axis: Axes = None,
        keepdims: bool = False,
        *,
        dim: Axes = None,
        keepdim: bool = False,
        correction: float = 0.0,
        unbiased: bool = False,
        ddof: float | None = None,
        dtype: Any = None,
        out: None = None,
    ) -> Tensor:
        """The variance over axes, divided by the number of elements less `correction` (1 when unbiased)."""
        return ops.var(
            self,
            one_of(axis, dim),
            correction=1.0 if unbiased else correction if ddof is None else ddof,
            keepdims=keepdims or keepdim,
        )

    def std(
        self,
        axis: Axes = None,
        keepdims: bool = False,
        *,
        dim: Axes = None,
        keepdim: bool = False,
        correction: float = 0.0,
        unbiased: bool = False,
        ddof: float | None = None,
        dtype: Any = None,
        out: None = None,
    ) -> Tensor:
        """The standard deviation over axes: the root of `var`."""
        return ops.std(
            self,
            one_of(axis, dim),
            correction=1.0 if unbiased else correction if ddof is None else ddof,
            keepdims=keepdims or keepdim,
        )

    def norm(self, p: float = 2.0, dim: Axes = None, keepdim: bool = False) -> Tensor:
        """The p-norm over axes."""
        return ops.vector_norm(self, dim, ord=p, keepdims=keepdim)

    def logsumexp(self, dim: Axes = None, keepdim: bool = False) -> Tensor:
        """The logarithm of the sum of exponentials over axes."""
        return ops.logsumexp(self, dim, keepdim)

    def all(
        self,
        axis: Axes = None,
        keepdims: bool = False,
        *,
        dim: Axes = None,
        keepdim: bool = False,
        out: None = None,
    ) -> Tensor:
        """Whether all elements over axes are true."""
        return ops.all(self, one_of(axis, dim), keepdims or keepdim)

    def any(
        self,
        axis: Axes = None,
        keepdims: bool = False,
        *,
        dim: Axes = None,
        keepdim: bool = False,
        out: None = None,
    ) -> Tensor:
        """Whether any element over axes is true."""
        return ops.any(self, one_of(axis, dim), keepdims or keepdim)

    def argmax(
        self,
        axis: int | None = None,
        keepdims: bool = False,
        *,
        dim: int | None = None,
        keepdim: bool = False,
        out: None = None,
    ) -> Tensor:
        """Where the largest element along an axis is."""
        return ops.argmax(self, one_of(axis, dim), keepdims or keepdim)

    def argmin(
        self,
        axis: int | None = None,
        keepdims: bool = False,
        *,
        dim: int | None = None,
        keepdim: bool = False,
        out: None = None,
    ) -> Tensor:
        """Where the smallest element along an axis is."""
        return ops.argmin(self, one_of(axis, dim), keepdims or keepdim)

    def max(
        self,
        dim: int | TensorBase | None = None,
        keepdim: bool = False,
        *,
        axis: Axes = None,
        keepdims: bool = False,
        out: None = None,
    ) -> Any:
        """The largest element; along `dim`, values and indices as in PyTorch; over `axis`, values as in NumPy.

        >>> import alula
        >>> values, indices = alula.tensor([[1, 5], [7, 2]]).max(1)
        >>> values, indices
        (tensor([5, 7]), tensor([1, 0]))
        """
        if isinstance(dim, TensorBase):
            return ops.maximum(self, dim)
        if dim is None:
            return ops.max(self, axis, keepdims or keepdim)
        return ValuesAndIndices(ops.max(self, dim, keepdim), ops.argmax(self, dim, keepdim))

    def min(
        self,
        dim: int | TensorBase | None = None,
        keepdim: bool = False,
        *,
        axis: Axes = None,
        keepdims: bool = False,
        out: None = None,
    ) -> Any:
        """The smallest element; along `dim`, values and indices as in PyTorch; over `axis`, values as in NumPy."""
        if isinstance(dim, TensorBase):
            return ops.minimum(self, dim)
        if dim is None:
            return ops.min(self, axis, keepdims or keepdim)
        return ValuesAndIndices(ops.min(self, dim, keepdim), ops.argmin(self, dim, keepdim))

    count_nonzero = ops.count_nonzero

    def cumsum(self, dim: int | None = None, dtype: Any = None, *, axis: int | None = None, out: None = None) -> Tensor:
        """The sums up to each element along an axis."""
        return ops.cumulative_sum(self, one_of(dim, axis), dtype)

    def cumprod(
        self, dim: int | None = None, dtype: Any = None, *, axis: int | None = None, out: None = None
    ) -> Tensor:
        """The products up to each element along an axis."""
        return ops.cumulative_prod(self, one_of(dim, axis), dtype)

    # ---- Matrices ---------------------------------------------------------------------------------------

    matmul = mm = bmm = mv = ops.matmul
    vecdot = ops.vecdot
    outer = ops.outer

    def dot(self, other: TensorLike) -> Tensor:
        """The product of two vectors, or of two matrices."""
        return ops.matmul(self, other)

    # ---- Orders and places ------------------------------------------------------------------------------

    tril = ops.tril
    triu = ops.triu
    roll = ops.roll
    take = ops.take
    take_along_axis = ops.take_along_axis
    masked_fill = ops.masked_fill
    masked_select = ops.masked_select
    argwhere = ops.argwhere

    masked_fill_ = ops.masked_fill_

    def sort(self, dim: int = -1, descending: bool = False, stable: bool = True) -> ValuesAndIndices:
        """The elements in order along an axis, and where they were."""
        indices = ops.argsort(self, dim, descending)
        return ValuesAndIndices(ops.take_along_axis(self, indices, dim), indices)

    def argsort(self, dim: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
        """Where the elements of the sorted order are along an axis."""
        return ops.argsort(self, dim, descending)

    def topk(self, k: int, dim: int = -1, largest: bool = True) -> Any:
        """The k largest (or smallest) elements along an axis, and where they are."""
        return ops.topk(self, k, dim, largest)

    def gather(self, dim: int, index: TensorLike) -> Tensor:
        """For each element of an index, the element at that position along an axis."""
        return ops.gather(self, index, dim)

    def scatter(self, dim: int, index: TensorLike, src: TensorLike) -> Tensor:
        """A copy with other values at the positions of an index along an axis."""
        return ops.scatter(self, index, src, dim)

    def scatter_(self, dim: int, index: TensorLike, src: TensorLike) -> Self:
        return ops.scatter_(self, index, src, dim)

    def scatter_add(self, dim: int, index: TensorLike, src: TensorLike) -> Tensor:
        """A copy with values added at the positions of an index along an axis."""
        return ops.scatter_add(self, index, src, dim)

    def scatter_add_(self, dim: int, index: TensorLike, src: TensorLike) -> Self:
        return ops.scatter_add_(self, index, src, dim)

    def index_select(self, dim: int, index: TensorLike) -> Tensor:
        """The slices at given positions of an axis."""
        return ops.take(self, index, dim)

    def index_add(self, dim: int, index: TensorLike, source: TensorLike) -> Tensor:
        """A copy with slices added at given positions of an axis."""
        return ops.index_add(self, index, source, dim)

    def nonzero(self) -> tuple[Tensor, ...]:
        """The positions of the elements that are not zero, one tensor per axis."""
        return tuple(ops.argwhere(self).unbind(1))

    def repeat(self, *sizes: Any) -> Tensor:
        """The whole tensor several times along its axes, as in PyTorch."""
        return ops.tile(self, shape_of(sizes))

    def tile(self, *sizes: Any) -> Tensor:
        """The whole tensor several times along its axes."""
        return ops.tile(self, shape_of(sizes))

    def repeat_interleave(self, repeats: TensorLike, dim: int | None = None) -> Tensor:
        """Every element, or every position along an axis, several times in a row."""
        return ops.repeat(self, repeats, dim)

    # ---- Neural networks --------------------------------------------------------------------------------

    def softmax(self, dim: int = -1) -> Tensor:
        """Exponentials along an axis, divided by their sum."""
        return ops.softmax(self, dim)

    def log_softmax(self, dim: int = -1) -> Tensor:
        """The logarithm of softmax along an axis."""
        return ops.log_softmax(self, dim)
