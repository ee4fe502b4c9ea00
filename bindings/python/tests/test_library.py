"""The ctypes table against the header and the library's symbols; loading; errors; threads; Ctrl-C."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import alula
from alula import _library, _operations

CHECKOUT = Path(__file__).resolve().parents[3]
HEADERS = [CHECKOUT / "include" / name for name in ("alula.h", "alula_ops.h")]


def prototypes() -> dict[str, tuple[str, list[str]]]:
    """Every function of the header: its result and its parameters as C writes them."""
    text = "\n".join(path.read_text() for path in HEADERS)
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r"#define[^\n]*(\\\n[^\n]*)*", "", text)
    found = {}
    for result, name, parameters in re.findall(
        r"^((?:const )?\w+ \*?)\s*(alula_\w+)\(((?:[^()]|\([^()]*\))*)\);", text, re.MULTILINE
    ):
        # A comma within a callback's parentheses separates nothing.
        flat = re.sub(r"\([^()]*\)", lambda m: m.group().replace(",", ";"), " ".join(parameters.split()))
        items = [] if flat == "void" else flat.split(", ")
        found[name] = (result.strip(), items)
    return found


SCALARS = {
    "int64_t": ctypes.c_int64, "int32_t": ctypes.c_int32, "uint64_t": ctypes.c_uint64, "size_t": ctypes.c_size_t,
    "double": ctypes.c_double, "bool": ctypes.c_bool, "alula_dtype": ctypes.c_int, "alula_device": ctypes.c_int,
    "alula_status": ctypes.c_int, "alula_scalar": _library.Scalar,
}  # fmt: skip


def agrees(parameter: str, ctype: Any) -> bool:
    """Whether a ctypes type can stand for a parameter of the header."""
    if "(*" in parameter or re.match(r"alula_(gradient_hook|custom_backward) ", parameter):
        return issubclass(ctype, ctypes._CFuncPtr)  # type: ignore[attr-defined]
    base = re.sub(r"\b(const|struct)\b", "", parameter).strip()
    if "*" in base or "[" in base:
        pointer = ctype in (ctypes.c_void_p, ctypes.c_char_p, ctypes.py_object) or hasattr(ctype, "contents")
        if not pointer:
            return False
        if hasattr(ctype, "contents"):
            kind = base.split()[0].rstrip("*")
            expected = SCALARS.get(kind, ctypes.c_char_p if kind == "char" else ctypes.c_void_p)
            return ctype._type_ is expected
        return True
    return SCALARS.get(base.split()[0]) is ctype


@pytest.mark.skipif(not HEADERS[0].exists(), reason="no checkout around the tests")
def test_table_is_the_header() -> None:
    header = prototypes()
    assert len(header) > 60
    table = {name: (ctypes.c_int, types) for name, types in {**_library.SIGNATURES, **_operations._SIGNATURES}.items()}
    table |= _library.PLAIN
    assert set(table) <= set(header), "functions that the header lacks"
    assert set(header) - set(table) == set(), "functions of the header that the package does not declare"
    for name, (result, parameters) in header.items():
        restype, types = table[name]
        assert len(types) == len(parameters), name
        for parameter, ctype in zip(parameters, types, strict=True):
            assert agrees(parameter, ctype), f"{name}: {parameter} is declared as {ctype}"
        others = {
            "const char *": ctypes.c_char_p, "alula_tensor *": ctypes.c_void_p, "void": None, "void *": ctypes.c_void_p,
        }  # fmt: skip
        expected = others[result] if result in others else SCALARS[result]
        assert restype is expected, f"{name}: {result} is declared as {restype}"


def test_options_have_the_header_s_size() -> None:
    for name, value in vars(_operations).items():
        if name.endswith("Options") and isinstance(value, type):
            assert ctypes.sizeof(value) % 8 == 0 and value._fields_[0] == ("struct_size", ctypes.c_size_t)


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )


def test_missing_library() -> None:
    result = run("import alula", ALULA_LIBRARY="/nowhere/libalula.so")
    assert result.returncode == 1 and "/nowhere/libalula.so" in result.stderr


def test_import_is_light_and_lazy() -> None:
    """What makes an import slow is what it brings along: beside NumPy next to nothing, and none of the package's parts
    that a program may not use."""
    code = (
        "import ctypes, numpy, sys; before = set(sys.modules); import alula\n"
        "print(*sorted(set(sys.modules) - before))\n"
        "alula.nn.Linear, alula.optim.SGD, alula.data.DataLoader, alula.save\n"
        "assert 'nn' in dir(alula)"
    )
    result = run(code)
    assert result.returncode == 0, result.stderr
    brought = result.stdout.split()
    own = {name for name in brought if name.partition(".")[0] == "alula"}
    assert "alula._operations" in own and not own & {"alula.nn", "alula.optim", "alula.data"}
    others = {name for name in brought if name not in own and not name.startswith("numpy.")}
    assert others <= {"__future__", "threading", "numpy.typing"}


def test_what_it_is() -> None:
    assert alula.__version__ == alula.version()
    assert alula.isa() in ("baseline", "avx2", "avx512")
    assert run("import alula; print(alula.isa())", ALULA_ISA="baseline").stdout == "baseline\n"
    live = alula.memory_usage().live
    x = alula.zeros(1 << 18)
    usage = alula.memory_usage()
    assert usage.live - live >= 1 << 20 and usage.peak >= usage.live
    del x
    alula.reset_peak_memory()
    alula.trim_memory()


def test_no_leaks() -> None:
    def work() -> None:
        x = alula.ones(5, requires_grad=True)
        y = ((x[1:] * 2)[None] + np.ones((2, 1))).sum()
        y.backward()
        str(x.grad), x.T, x.tolist(), list(x)

    work()
    before = alula.live_handles()
    for _ in range(10):
        work()
    assert alula.live_handles() == before


# ---- Errors ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: alula.ones(3, 4) @ alula.ones(5, 6), ValueError, r"matmul.*\(3, 4\).*\(5, 6\)"),
        (lambda: alula.ones(3) + alula.ones(4), ValueError, r"add.*\(3\).*\(4\)|add.*\(3,\).*\(4,\)"),
        (lambda: alula.ones(2, 3).sum(5), IndexError, "sum.*axis 5"),
        (lambda: alula.ones(2, 3).reshape(4), ValueError, "reshape"),
        (lambda: alula.ones(2) & alula.ones(2), TypeError, "bitwise_and.*float32"),
        (lambda: alula.zeros(2**40, 2**40), (ValueError, MemoryError), ""),
        (lambda: alula.zeros(2**62), (ValueError, MemoryError), ""),
        (lambda: alula.zeros(-1), ValueError, "-1"),
        (lambda: alula.zeros(2**70), (OverflowError, ValueError), "64 bits"),
        (lambda: alula.zeros("a"), TypeError, ""),
        (lambda: alula.zeros(1.5), TypeError, ""),
        (lambda: alula.ones(2, dtype="float99"), TypeError, "float99"),
        (lambda: alula.ones(2, device="tpu"), ValueError, "tpu"),
        (lambda: alula.concat([]), ValueError, "concat"),
        (lambda: alula.concat(alula.ones(2)), TypeError, "list"),
        (lambda: alula.ones(2).item(), ValueError, "item"),
        (lambda: bool(alula.ones(2)), ValueError, "ambiguous"),
        (lambda: int(alula.ones(2)), (TypeError, ValueError), ""),
        (lambda: range(3)[alula.ones(1)], TypeError, "index"),
        (lambda: alula.ones(2) + "a", TypeError, ""),
        (lambda: alula.ones(2) + 2**70, OverflowError, "64 bits"),
        (lambda: alula.add_(np.ones(2), 1), TypeError, "add_"),
        (lambda: alula.set_num_threads(0), ValueError, "0"),
        (lambda: alula.Generator(7), ValueError, "device 7"),
        (lambda: alula.nosuch, AttributeError, "nosuch"),
        (lambda: alula.load("/nowhere"), OSError, "nowhere"),
    ],
)
def test_errors(call: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message or None):
        call()


def test_errors_are_per_thread() -> None:
    barrier = threading.Barrier(2)
    failures = []

    def work(n: int) -> None:
        for _ in range(200):
            barrier.wait()
            try:
                alula.ones(n) + alula.ones(n + 1)
            except ValueError as error:
                if str(n) not in str(error):
                    failures.append(str(error))

    threads = [threading.Thread(target=work, args=(n,)) for n in (11, 77)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


# ---- Threads --------------------------------------------------------------------------------------------


def test_big_operations_run_beside_python() -> None:
    """The interpreter's lock is free while the engine computes."""
    a = alula.ones(1500, 1500)
    started, counts = threading.Event(), []

    def count() -> None:
        started.set()
        n = 0
        while not done.is_set():
            n += 1
        counts.append(n)

    done = threading.Event()
    thread = threading.Thread(target=count)
    thread.start()
    started.wait()
    for _ in range(3):
        a @ a
    done.set()
    thread.join()
    assert counts[0] > 0


def test_many_threads_share_tensors() -> None:
    shared = alula.asarray(np.arange(10_000.0))
    want = float(np.arange(10_000.0).sum())
    errors: list[Any] = []

    def work() -> None:
        try:
            for _ in range(50):
                view = shared[::2]
                assert (view.sum() + shared[1::2].sum()).item() == want
                np.asarray(shared)[0]
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_results_do_not_depend_on_threads() -> None:
    x = alula.asarray(np.random.default_rng(0).standard_normal((300, 700)).astype(np.float32))
    before = alula.get_num_threads()
    results = []
    for count in (1, 2, 5):
        alula.set_num_threads(count)
        results.append([x.sum().item(), (x @ x.T).numpy().tobytes(), x.exp().mean(0).numpy().tobytes()])
    alula.set_num_threads(before)
    assert results[0] == results[1] == results[2]


def test_interrupt() -> None:
    code = (
        "import alula, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # background jobs start with it ignored
        "x = alula.ones(700, 700)\n"
        "def work():\n"  # of its own: CPython 3.11 has a loop's jump back outside the try around it
        "    while True: x @ x\n"
        "print('ready', flush=True)\n"
        "try:\n"
        "    work()\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted'); sys.exit(7)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=20)
            assert process.returncode == 7 and out == "interrupted\n"
        finally:
            process.kill()  # It would go on for ever.


def test_fork() -> None:
    code = (
        "import alula, os\n"
        "x = alula.ones(400, 400)\n"
        "want = (x @ x).sum().item()\n"
        "child = os.fork()\n"
        "ok = (x @ x).sum().item() == want\n"
        "if child == 0: os._exit(0 if ok else 1)\n"
        "assert ok and os.waitpid(child, 0)[1] == 0\n"
    )
    result = run(code)
    assert result.returncode == 0, result.stderr
