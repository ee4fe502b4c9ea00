"""How gradients behave: modes, hooks, accumulation, overwritten values, operations of one's own."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import numpy as np
import pytest

import alula
from alula.autograd import Function


def leaf(*values: float) -> alula.Tensor:
    return alula.tensor(list(values), requires_grad=True)


def gradient(x: alula.Tensor) -> Any:
    assert x.grad is not None
    return x.grad.tolist()


def test_accumulation_and_reset() -> None:
    x = leaf(1.0, 2.0)
    (x * 3).sum().backward()
    (x * x).sum().backward()
    assert gradient(x) == [5, 7]
    x.grad = None
    assert x.grad is None
    x.grad = alula.ones(2)
    (x * 2).sum().backward()
    assert gradient(x) == [3, 3]


def test_shared_subexpressions() -> None:
    x = leaf(3.0)
    y = x * x
    z = y * y + y
    z.backward()
    assert gradient(x) == [4 * 27 + 6]


def test_seeds() -> None:
    x = leaf(1.0, 2.0)
    (x * x).backward(alula.tensor([1.0, 10.0]))
    assert gradient(x) == [2, 40]
    with pytest.raises((RuntimeError, ValueError), match="element"):
        (x * x).backward()
    with pytest.raises((RuntimeError, ValueError)):
        (x * x).backward(alula.ones(3))


def test_retain_graph() -> None:
    x = leaf(2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert gradient(x) == [8]
    with pytest.raises(RuntimeError, match="retain"):
        y.backward()


def test_grad_of_grad() -> None:
    x = leaf(2.0)
    (first,) = alula.grad((x * x * x).sum(), x, create_graph=True)
    (second,) = alula.grad(first, x, create_graph=True)
    (third,) = alula.grad(second, x)
    assert [first.item(), second.item(), third.item()] == [12, 12, 6]
    assert x.grad is None


def test_unused_inputs() -> None:
    x, y = leaf(1.0), leaf(1.0)
    with pytest.raises(RuntimeError, match="input 1"):
        alula.grad((x * 2).sum(), [x, y])
    assert alula.grad((x * 2).sum(), [x, y], allow_unused=True)[1] is None


def test_modes() -> None:
    x = leaf(1.0)
    with alula.no_grad():
        assert not alula.is_grad_enabled()
        assert not (x * 2).requires_grad
        with alula.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert alula.is_grad_enabled()
    with pytest.raises(ZeroDivisionError), alula.no_grad():
        raise ZeroDivisionError
    assert alula.is_grad_enabled()

    @alula.no_grad()
    def double(t: alula.Tensor) -> alula.Tensor:
        return t * 2

    assert not double(x).requires_grad and alula.is_grad_enabled()
    alula.set_grad_enabled(False)
    try:
        assert not alula.is_grad_enabled()
    finally:
        alula.set_grad_enabled(True)
    with alula.set_grad_enabled(False):
        assert not alula.is_grad_enabled()
    assert alula.is_grad_enabled()
    with alula.inference_mode():
        assert not alula.is_grad_enabled()


def test_modes_are_per_thread() -> None:
    seen = []
    with alula.no_grad():
        thread = threading.Thread(target=lambda: seen.append(alula.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_detach_and_data() -> None:
    x = leaf(1.0, 2.0)
    y = x.detach()
    assert not y.requires_grad and y.is_leaf and y.grad_fn is None
    y[0] = 5
    assert x[0].item() == 5
    (x * 2).sum().backward()
    assert x.grad is not None
    x.data += -0.5 * x.grad
    assert x.tolist() == [4, 1] and x.requires_grad and x.is_leaf
    x.data = alula.zeros(2)
    assert x.tolist() == [0, 0]
    with pytest.raises(ValueError, match="shape"):
        x.data = alula.zeros(3)


def test_training_step_by_hand() -> None:
    w = leaf(1.0)
    for _ in range(3):
        ((w - 3) ** 2).sum().backward()
        with alula.no_grad():
            assert w.grad is not None
            w -= 0.1 * w.grad
            w.grad = None
    assert abs(w.item() - (3 - 2 * 0.8**3)) < 1e-6


def test_leaves() -> None:
    x = leaf(1.0)
    y = x * 2
    assert x.is_leaf and not y.is_leaf
    assert x.grad_fn is None and y.grad_fn == "multiply"
    with pytest.raises((TypeError, RuntimeError, ValueError)):
        alula.tensor([1, 2], requires_grad=True)
    with pytest.raises(RuntimeError):
        y.requires_grad = False
    assert not alula.tensor(1.0).requires_grad_().detach().requires_grad


def test_writes_over_saved_values() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError, match="multiply"):
        z.sum().backward()
    with pytest.raises(RuntimeError, match="leaf"):
        x.add_(1)


def test_writes_that_are_recorded() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    y *= 3
    y.add_(x)
    y.sum().backward()
    assert gradient(x) == [7, 7]


def test_numpy_writes_can_be_told() -> None:
    x = leaf(1.0, 2.0)
    w = alula.tensor([3.0, 4.0])
    y = (x * w).sum()
    np.asarray(w)[0] = 30
    w.mark_written()
    with pytest.raises(RuntimeError, match="multiply"):
        y.backward()


def test_hooks() -> None:
    x = leaf(1.0, 2.0)
    seen = []
    y = x * 2
    first = y.register_hook(lambda g: seen.append(g.tolist()))
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert seen == [[1, 1]] and gradient(x) == [20, 20]
    first.remove()
    (x * 1).sum().backward()
    assert len(seen) == 1
    x.grad = None
    x.register_hook(lambda g: -g)
    (x * 3).sum().backward()
    assert gradient(x) == [-3, -3]


def test_exceptions_pass_through_hooks() -> None:
    class Mine(Exception):
        pass

    def fail(_: alula.Tensor) -> None:
        raise Mine("from the hook")

    x = leaf(1.0)
    y = x * 2
    y.register_hook(fail)
    with pytest.raises(Mine, match="from the hook"):
        y.sum().backward()


def test_a_chain_of_a_million_nodes() -> None:
    x = leaf(0.0)
    y = x
    for _ in range(1_000_000):
        y = y + x
    y.backward()
    assert gradient(x) == [1_000_001]
    del y


def test_value_and_grad() -> None:
    function = alula.value_and_grad(lambda a, b: (a * b).sum(), argnums=(0, 1))
    value, (da, db) = function(alula.tensor([1.0, 2.0]), alula.tensor([3.0, 4.0]))
    assert value.item() == 11 and da.tolist() == [3, 4] and db.tolist() == [1, 2]


class Scale(Function):
    @staticmethod
    def forward(ctx: Any, x: alula.Tensor, factor: float, y: alula.Tensor) -> tuple[alula.Tensor, alula.Tensor]:
        ctx.save_for_backward(x, y)
        ctx.factor = factor
        return x * y * factor, x + y

    @staticmethod
    def backward(ctx: Any, g: alula.Tensor, h: alula.Tensor | None) -> tuple[Any, None, Any]:
        x, y = ctx.saved_tensors
        h = alula.zeros_like(x) if h is None else h
        return g * y * ctx.factor + h, None, g * x * ctx.factor + h


def test_custom_function() -> None:
    x, y = leaf(2.0), leaf(3.0)
    product, total = Scale.apply(x, 10.0, y)
    assert product.item() == 60 and product.grad_fn == "Scale"
    (product + total).sum().backward()
    assert gradient(x) == [31] and gradient(y) == [21]
    with alula.no_grad():
        assert not Scale.apply(x, 1.0, y)[0].requires_grad


def test_custom_function_twice() -> None:
    class Square(Function):
        @staticmethod
        def forward(ctx: Any, x: alula.Tensor) -> alula.Tensor:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, g: alula.Tensor) -> alula.Tensor:
            return g * ctx.saved_tensors[0] * 2

    x = leaf(3.0)
    (first,) = alula.grad(Square.apply(x).sum(), x, create_graph=True)
    (second,) = alula.grad(first.sum(), x)
    assert first.item() == 6 and second.item() == 2


def test_custom_function_errors() -> None:
    class Broken(Function):
        @staticmethod
        def forward(ctx: Any, x: alula.Tensor) -> alula.Tensor:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: alula.Tensor) -> tuple[alula.Tensor, alula.Tensor]:
            return g, g

    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="2 gradients for 1"):
        Broken.apply(x).sum().backward()


def test_checkpoint() -> None:
    w = leaf(2.0)
    x = leaf(3.0)
    calls = []

    def function(t: alula.Tensor) -> alula.Tensor:
        calls.append(alula.is_grad_enabled())
        return (t * w) * t

    y = alula.autograd.checkpoint(function, x)
    assert calls == [False] and y.item() == 18
    y.sum().backward()
    assert calls == [False, True] and gradient(x) == [12] and gradient(w) == [9]


def test_threads_build_graphs_of_their_own() -> None:
    shared = alula.tensor(np.ones((32, 32)), requires_grad=True)
    errors = []

    def work(seed: int) -> None:
        try:
            rng = np.random.default_rng(seed)
            for _ in range(20):
                a = alula.asarray(rng.standard_normal((32, 32)))
                (found,) = alula.grad((shared * a).sum(), shared)
                assert found is not None and np.array_equal(found.numpy(), a.numpy())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_a_leaf_no_more_lets_go_of_its_graph() -> None:
    """A gradient with a graph refers to its leaf: once the leaf is none, nobody could undo that."""

    class Token:
        pass

    token = Token()
    alive = weakref.ref(token)
    x = alula.tensor([1.0, 2.0], requires_grad=True)
    x.register_hook(lambda gradient, token=token: None)
    (x * x).sum().backward(create_graph=True)
    del token
    x.requires_grad_(False)
    assert x.grad is None
    del x
    gc.collect()
    assert alive() is None
