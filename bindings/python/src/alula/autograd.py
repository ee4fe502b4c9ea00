"""Gradients: `backward`, `grad`, gradient modes, functions that return gradients."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from ctypes import c_void_p
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from ._arguments import asarray, handles
from ._base import TensorBase, wrap
from ._library import failure, held, lib

if TYPE_CHECKING:
    from ._tensor import Tensor

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _tensors(values: Tensor | Sequence[Tensor]) -> list[Tensor]:
    return [values] if isinstance(values, TensorBase) else list(values)


def _seeds(values: Any, count: int) -> tuple[list[Tensor | None], Any]:
    """The gradients of the outputs, kept alive, and C's array of them."""
    if values is None:
        return [], None
    items = [values] if isinstance(values, TensorBase) or not isinstance(values, (list, tuple)) else values
    if len(items) != count:
        raise ValueError(f"{len(items)} gradients were given for {count} outputs")
    tensors = [None if item is None else asarray(item) for item in items]
    return tensors, handles(tensors)


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> None:
    """Adds the gradients of `tensors` to the leaves that they depend on.

    Args:
        tensors: The roots.
        grad_tensors: The gradient of each root; one for a root of a single element by default.
        retain_graph: Keep the graph for another pass; as `create_graph` by default.
        create_graph: Record the pass itself, for gradients of gradients.
    """
    roots = _tensors(tensors)
    keep, seeds = _seeds(grad_tensors, len(roots))
    retain = create_graph if retain_graph is None else retain_graph
    status = lib.alula_backward(handles(roots), seeds, len(roots), retain, create_graph)
    del keep
    if status:
        raise failure(status)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of `outputs` with respect to `inputs`; the leaves' own stay as they are.

    >>> import alula
    >>> x = alula.tensor(3.0, requires_grad=True)
    >>> (dx,) = alula.grad(x * x * x, x, create_graph=True)
    >>> alula.grad(dx, x)
    (tensor(18.),)

    Raises:
        RuntimeError: an input that the outputs do not depend on, unless `allow_unused`.
    """
    roots = _tensors(outputs)
    leaves = _tensors(inputs)
    keep, seeds = _seeds(grad_outputs, len(roots))
    retain = create_graph if retain_graph is None else retain_graph
    out = (c_void_p * len(leaves))()
    status = lib.alula_grad(
        out, handles(roots), seeds, len(roots), handles(leaves), len(leaves), retain, create_graph
    )
    del keep
    if status:
        raise failure(status)
    result = tuple(wrap(handle) if handle else None for handle in out)
    if not allow_unused:
        for i, gradient in enumerate(result):
            if gradient is None:
                raise RuntimeError(f"grad: the outputs do not depend on input {i}; allow_unused=True gives None for it")
    return result


# ---- Gradient modes -------------------------------------------------------------------------------------


def is_grad_enabled() -> bool:
    """Whether the calling thread records operations."""
    return bool(held.alula_grad_enabled())


class _GradMode:
    """A gradient mode for a `with` block, or for a function as its decorator."""

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(bool(held.alula_grad_enabled()))
        held.alula_set_grad_enabled(self._enabled)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        held.alula_set_grad_enabled(self._before.pop())

    def __call__(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        enabled = self._enabled

        @functools.wraps(function)
        def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            with _GradMode(enabled):
                return function(*args, **kwargs)

        return wrapped


class no_grad(_GradMode):
    """Operations inside are not recorded.

    >>> import alula
    >>> x = alula.tensor([1.0], requires_grad=True)
    >>> with alula.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __init__(self) -> None:
        super().__init__(False)


class enable_grad(_GradMode):
    """Operations inside are recorded, also within `no_grad`."""

    def __init__(self) -> None:
        super().__init__(True)


inference_mode = no_grad


class set_grad_enabled(_GradMode):
    """Switches recording on or off: at once, and back at the end of a `with` block."""

    def __init__(self, mode: bool) -> None:
        super().__init__(mode)
        self._at_first = is_grad_enabled()
        held.alula_set_grad_enabled(mode)

    def __enter__(self) -> None:
        self._before.append(self._at_first)
        held.alula_set_grad_enabled(self._enabled)


# ---- Functions that return gradients --------------------------------------------------------------------


def value_and_grad(
    function: Callable[..., Tensor], argnums: int | Sequence[int] = 0
) -> Callable[..., tuple[Tensor, Any]]:
    """A function that returns the value of `function` and its gradient by the arguments `argnums`.

    >>> import alula
    >>> square = alula.autograd.value_and_grad(lambda x: (x * x).sum())
    >>> square(alula.tensor([1.0, 2.0]))
    (tensor(5.), tensor([2., 4.]))
    """
    numbers = [argnums] if isinstance(argnums, int) else list(argnums)

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> tuple[Tensor, Any]:
        arguments = list(args)
        leaves = []
        for number in numbers:
            leaf = asarray(args[number]).detach()
            leaf.requires_grad = True
            arguments[number] = leaf
            leaves.append(leaf)
        with enable_grad():
            value = function(*arguments, **kwargs)
        found = grad(value, leaves, allow_unused=True)
        gradients = tuple(leaf * 0 if g is None else g for leaf, g in zip(leaves, found, strict=True))
        return value.detach(), gradients[0] if isinstance(argnums, int) else gradients

    return wrapped
