"""Gradients: `backward`, `grad`, gradient modes, functions that return gradients."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from ctypes import c_void_p
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from ._arguments import asarray, handles
from ._base import TensorBase, wrap
from ._callbacks import forget, immortal, keep, kept, release
from ._library import CustomBackward, callback_failed, failure, held, lib

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
    status = lib.alula_grad(out, handles(roots), seeds, len(roots), handles(leaves), len(leaves), retain, create_graph)
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


# ---- Operations of one's own ----------------------------------------------------------------------------


class Context:
    """What a Function's forward leaves for its backward."""

    def __init__(self) -> None:
        self._to_save: tuple[Any, ...] = ()
        #: What was saved, in backward.
        self.saved_tensors: tuple[Tensor, ...] = ()
        #: For each argument of forward, whether its gradient is wanted.
        self.needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Tensor) -> None:
        """Keeps tensors for backward, which fails when they were overwritten in between."""
        self._to_save = tensors


class Function:
    """An operation with a backward of its own: subclasses define both as static methods, and are called by `apply`.

    >>> import alula
    >>> class Cube(alula.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, gradient):
    ...         (x,) = ctx.saved_tensors
    ...         return gradient * 3 * x * x
    >>> x = alula.tensor([2.0], requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor([12.])
    """

    @staticmethod
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        """The results of the arguments."""
        raise NotImplementedError("a Function needs a forward()")

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """The gradients of forward's arguments, given those of its results; None where there is none."""
        raise NotImplementedError("a Function needs a backward()")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Calls forward, and records the call with backward as its rule."""
        context = Context()
        positions = [i for i, arg in enumerate(args) if isinstance(arg, TensorBase)]
        inputs: list[Any] = [args[i] for i in positions]
        context.needs_input_grad = tuple(isinstance(arg, TensorBase) and arg.requires_grad for arg in args)  # type: ignore[attr-defined]
        with no_grad():
            results = cls.forward(context, *args, **kwargs)
        outputs = list(results) if isinstance(results, (tuple, list)) else [results]
        saved = [tensor for tensor in context._to_save if tensor is not None]
        context._to_save = ()
        key = keep((cls, context, positions, len(args)))
        out = (c_void_p * len(outputs))()
        status = lib.alula_custom_op(
            out,
            cls.__name__.encode(),
            handles(outputs),
            len(outputs),
            handles(inputs),
            len(inputs),
            handles(saved),
            len(saved),
            _call_backward,
            key,
            release,
        )
        if status:
            forget(key)
            raise failure(status)
        wrapped = tuple(wrap(handle) for handle in out)
        return wrapped if isinstance(results, (tuple, list)) else wrapped[0]


def _backward(
    input_grads: Any,
    input_count: int,
    output_grads: Any,
    output_count: int,
    saved: Any,
    saved_count: int,
    key: int,
) -> int:
    from ._tensor import given, lent

    try:
        function, context, positions, count = kept(key)
        context.saved_tensors = tuple(lent(saved[i]) for i in range(saved_count))
        gradients = [lent(output_grads[i]) if output_grads[i] else None for i in range(output_count)]
        try:
            found = function.backward(context, *gradients)
        finally:
            context.saved_tensors = ()
        if not isinstance(found, (tuple, list)):
            found = (found,)
        if len(found) != count:
            raise RuntimeError(
                f"{function.__name__}.backward returned {len(found)} gradients for {count} arguments of forward"
            )
        for i, position in enumerate(positions):
            if found[position] is not None:
                input_grads[i] = given(asarray(found[position]))
        return 0
    except BaseException as error:
        return callback_failed(error)


_call_backward = immortal(CustomBackward(_backward))


class _Checkpoint(Function):
    """Runs a function without recording, and again, recorded, when its gradient is asked for."""

    @staticmethod
    def forward(ctx: Any, function: Any, state: Any, *args: Any) -> Any:
        ctx.function = function
        ctx.state = state
        ctx.args = args
        return function(*args)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        from ._generator import get_rng_state, set_rng_state

        arguments = []
        for arg in ctx.args:
            if isinstance(arg, TensorBase):
                leaf = asarray(arg).detach()
                leaf.requires_grad = asarray(arg).requires_grad
                arguments.append(leaf)
            else:
                arguments.append(arg)
        now = get_rng_state()
        set_rng_state(ctx.state)
        try:
            with enable_grad():
                results = ctx.function(*arguments)
        finally:
            set_rng_state(now)
        results = results if isinstance(results, (tuple, list)) else (results,)
        pairs = [(r, g) for r, g in zip(results, gradients, strict=True) if g is not None and r.requires_grad]
        backward([r for r, _ in pairs], [g for _, g in pairs])
        return (None, None, *(arg.grad if isinstance(arg, TensorBase) else None for arg in arguments))


def checkpoint(function: Callable[..., Any], *args: Any) -> Any:
    """`function(*args)`, keeping nothing of what happens inside: backward computes it again, with the same randomness.

    Gradients reach the arguments, and the parameters that the function uses.
    """
    from ._generator import get_rng_state

    return _Checkpoint.apply(function, get_rng_state(), *args)
