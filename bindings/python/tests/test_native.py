"""The native half of the package: it does what the functions in Python do, and keeps Python's books."""

from __future__ import annotations

import gc
import operator
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import alula
from alula import _library, _native, _operations

pytestmark = pytest.mark.skipif(not _native.is_active, reason="this interpreter has no native half")


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | environment, timeout=120
    )


def live() -> int:
    gc.collect()
    count: int = _library.lib.alula_live_handles()
    return count


def outcome(function: Callable[..., Any], *operands: Any) -> tuple[Any, ...]:
    """What a call came to, in a form that compares."""
    try:
        result = function(*operands)
    except Exception as error:
        return type(error), str(error)
    if not isinstance(result, alula.Tensor):
        return (result,)
    return type(result), str(result.dtype), result.shape, result.requires_grad, np.asarray(result.detach()).tobytes()


BINARY = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "floor_divide": operator.floordiv, "remainder": operator.mod, "pow": operator.pow, "matmul": operator.matmul,
    "bitwise_and": operator.and_, "bitwise_or": operator.or_, "bitwise_xor": operator.xor,
    "bitwise_left_shift": operator.lshift, "bitwise_right_shift": operator.rshift,
    "less": operator.lt, "less_equal": operator.le, "equal": operator.eq, "not_equal": operator.ne,
    "greater": operator.gt, "greater_equal": operator.ge,
}  # fmt: skip
UNARY = {"negative": operator.neg, "abs": operator.abs, "bitwise_invert": operator.invert}
DTYPES = ("bool", "int8", "uint8", "int64", "uint64", "float16", "float32", "float64", "complex64")
NUMBERS = (True, 0, 3, -1, 2**40, 2**62, -(2**63), 0.0, -0.0, 0.5, 1e300, float("inf"), float("nan"), 1 + 2j)


def tensors(dtype: str) -> list[alula.Tensor]:
    values = np.array([[1, 2], [3, 5]]).astype(dtype)
    made = [alula.asarray(values), alula.asarray(values[0]), alula.asarray(values[1, 1]), alula.asarray(values[:, :0])]
    if dtype in ("float32", "float64"):
        made.append(alula.tensor(values, requires_grad=True))
    return made


@pytest.mark.parametrize("name", BINARY)
def test_operators_do_what_the_functions_do(name: str) -> None:
    slow = getattr(_operations, name).__wrapped__
    fast = BINARY[name]
    for dtype in DTYPES:
        for x in tensors(dtype):
            for other in (y for d in ("int8", "float32", dtype) for y in tensors(d)):
                assert outcome(fast, x, other) == outcome(slow, x, other), (x, other)
            if name == "matmul":
                continue
            for number in NUMBERS:
                assert outcome(fast, x, number) == outcome(slow, x, number), (x, number)
                if name in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"):
                    continue  # Python turns the comparison round.
                assert outcome(fast, number, x) == outcome(slow, number, x), (number, x)


@pytest.mark.parametrize("name", UNARY)
def test_signs(name: str) -> None:
    slow = getattr(_operations, name).__wrapped__
    for x in (x for dtype in DTYPES for x in tensors(dtype)):
        assert outcome(UNARY[name], x) == outcome(slow, x), x


def test_operands_that_are_left_to_python() -> None:
    x = alula.tensor([1.0, 2.0])
    for other in (np.array([3.0, 4.0], "float32"), np.float32(2), np.array(3)):
        for result, expected in ((x + other, [1 + other, 2 + other]), (other - x, [other - 1, other - 2])):
            assert isinstance(result, alula.Tensor)
            np.testing.assert_array_equal(np.asarray(result), np.diag(expected) if np.ndim(other) else expected)
    for other in (None, "1", object(), [1.0, 2.0], (1,), {}):
        for symbol in ("add", "sub", "mul", "truediv", "pow", "matmul", "lt"):
            with pytest.raises(TypeError):
                getattr(operator, symbol)(x, other)
        assert (x == other) is False and (x != other) is True
    with pytest.raises(TypeError):
        pow(x, 2, 3)

    class Reflected:
        def __radd__(self, other: object) -> str:
            return "reflected"

    assert x + Reflected() == "reflected"


def test_in_place() -> None:
    x = alula.tensor([1.0, 4.0])
    same = x
    x += 1
    x *= alula.tensor([2.0, 3.0])
    x -= 0.5
    x /= 2
    x **= 2
    assert x is same
    np.testing.assert_array_equal(np.asarray(x), [3.0625, 52.5625])
    leaf = alula.tensor([1.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        leaf += 1


def test_functions_by_position_and_name() -> None:
    x = alula.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert alula.sum(x, 1).tolist() == alula.sum(x, axis=1).tolist() == alula.sum(x=x, axis=(1,)).tolist() == [3, 7]
    for call in (
        lambda f: f(), lambda f: f(x, 1, 2, 3, 4, 5, 6), lambda f: f(x, nothing=1), lambda f: f(x, x=x),
        lambda f: f(x, axis="1"), lambda f: f(x, axis=2**70), lambda f: f(x, axis=-(2**63)), lambda f: f(x, axis=[[0]]),
        lambda f: f(None), lambda f: f(x, axis=9),
    ):  # fmt: skip
        native, python = outcome(call, alula.sum), outcome(call, alula.sum.__wrapped__)
        assert native == python and isinstance(native[0], type) and issubclass(native[0], Exception)
    assert alula.sum.__name__ == "sum" and alula.sum.__doc__ == alula.sum.__wrapped__.__doc__


def test_numbers_are_kept_apart() -> None:
    x = alula.zeros(1, dtype=alula.float64)
    for value in [*range(1000), *(k / 7 for k in range(1000))]:
        assert (x + value).item() == value
    assert np.signbit((alula.ones(1) * -0.0).item()) and not np.signbit((alula.ones(1) * 0.0).item())
    whole = alula.ones(1, dtype=alula.int32)
    assert [(whole + v).dtype for v in (True, 1, 1.0)] == [alula.int32, alula.int32, alula.float32]


# ---- Python's books -------------------------------------------------------------------------------------


def test_references() -> None:
    a, b = alula.ones(4), alula.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    objects = (a, b, alula.Tensor, None, True, 1.5, alula.float32)

    def work() -> None:
        for _ in range(100):
            (a + b).sum().backward()
            a + 1.5, a < b, -a, a[1:], a[None], a.shape, a.dtype, a.requires_grad, b.grad, a.detach()
            a.sum().item(), bool(a.sum() > 0), float(a.sum())
            b.grad = None
            b.requires_grad = True
            for wrong in (lambda: a + alula.ones(3), lambda: a + "x", lambda: a[9], lambda: a.backward()):
                with pytest.raises(Exception):  # noqa: B017
                    wrong()

    work()
    handles = live()  # collects garbage first
    before = [sys.getrefcount(o) for o in objects]
    work()
    assert live() == handles
    # Some of Python's own caches move a little; a reference lost in each round would be hundreds.
    assert all(abs(sys.getrefcount(o) - n) < 50 for o, n in zip(objects, before, strict=True))


def test_weak_references_and_subclasses() -> None:
    before = live()
    x = alula.ones(2)
    seen: list[int] = []
    reference = weakref.ref(x, lambda _: seen.append(1))
    assert reference() is x
    del x
    assert reference() is None and seen == [1]

    class Named(alula.Tensor):
        """With a dictionary."""

    named = Named([1.0, 2.0])
    named.name = "weights"
    named.itself = named
    assert (named + 1).tolist() == [2.0, 3.0] and hash(named) == hash(named)
    cycle = weakref.ref(named)
    del named
    gc.collect()
    assert cycle() is None and live() == before


def test_objects_that_own_nothing() -> None:
    empty = alula.Tensor.__new__(alula.Tensor)
    for use in (
        lambda: empty + 1, lambda: empty + alula.ones(1), lambda: alula.ones(1) * empty, lambda: -empty,
        lambda: empty[0],
        lambda: empty.shape, lambda: empty.dtype, lambda: empty.grad, lambda: empty.item(), lambda: empty.backward(),
        lambda: alula.sum(empty), lambda: bool(empty), lambda: float(empty), lambda: empty.detach(),
    ):  # fmt: skip
        with pytest.raises(AttributeError):
            use()
    for wrong in ("x", None, 1.5):
        with pytest.raises(TypeError):
            empty._handle = wrong
    for wrong in (0, 5, 2**64 - 1, -1, 2**70):
        with pytest.raises((ValueError, OverflowError)):
            empty._handle = wrong


def test_threads_make_and_drop_tensors() -> None:
    before = live()
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            x = alula.full(300, float(seed))
            for k in range(300):
                y = (x + k) * 2 - x
                assert y[0].item() == seed + 2 * k
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    del threads
    assert live() == before


def test_long_work_gives_up_the_lock() -> None:
    x = alula.ones(1200, 1200)
    ticks, done = 0, False

    def tick() -> None:
        nonlocal ticks
        while not done:
            ticks += 1
            time.sleep(0.0001)

    thread = threading.Thread(target=tick)
    previous = sys.getswitchinterval()
    sys.setswitchinterval(1000.0)  # only a thread that gives up the lock lets another one run
    try:
        thread.start()
        for _ in range(3):
            x @ x
        counted = ticks
    finally:
        done = True
        sys.setswitchinterval(previous)
        thread.join()
    assert counted > 0


def test_shutdown_with_live_tensors() -> None:
    code = (
        "import alula, threading, numpy as np\n"
        "class Named(alula.Tensor): pass\n"
        "x = Named([1.0]); x.cycle = [x]\n"
        "borrowed = alula.asarray(np.ones(5)) + alula.asarray(np.ones(5))\n"
        "graph = (alula.tensor([2.0], requires_grad=True) * 3).sum()\n"
        "keep = alula.asarray(np.ones(7))\n"
        "class Late:\n"
        "    def __del__(self): alula.ones(3) + 1\n"
        "late = Late()\n"
        "threading.Thread(target=lambda: [alula.ones(9) * k for k in range(10**4)], daemon=True).start()\n"
        "print('end')\n"
    )
    for _ in range(5):
        result = run(code)
        assert (result.returncode, result.stdout) == (0, "end\n"), result.stderr


def test_without() -> None:
    code = "import alula; print(alula._native.is_active, (alula.ones(2) + 1).tolist())"
    assert run(code, ALULA_NATIVE="0").stdout == "False [2.0, 2.0]\n"
    assert run(code, ALULA_NATIVE="1").stdout == "True [2.0, 2.0]\n"
