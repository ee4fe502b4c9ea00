"""Times some two hundred ordinary calls of small and medium size beside PyTorch and NumPy, to find those behind.

Each call is timed in turns with its peers' in one process; a line shows medians of seven turns in microseconds, and how
many times as long Alula takes as the best peer in the same turn.

    python benchmarks/sweep.py [--threads 1] [--only matmul] [--behind 1.2]
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

Function = Callable[..., Any]
RNG = np.random.default_rng(0)
SHAPES = ((1000,), (100, 100), (1 << 20,))
FOLDED = ((1000, 1000), (100, 37), (8, 16, 32, 32), (10, 100_000), (100_000, 10))
#: m, k and n of products; transposed operands as well.
PRODUCTS = (
    (1, 512, 512), (4, 512, 512), (10, 10, 10), (33, 65, 17), (128, 128, 128), (200, 300, 100), (512, 512, 10),
    (1000, 20, 1000), (64, 784, 256), (32, 256, 10), (300, 3, 300), (3, 1000, 3), (1000, 1000, 8),
)  # fmt: skip
#: Products in a stack, and their m, k and n.
STACKS = (
    (1000, 3, 3, 3), (1000, 4, 4, 4), (96, 8, 8, 8), (96, 16, 16, 16), (96, 16, 64, 16), (32, 32, 32, 32),
    (48, 64, 32, 64), (64, 10, 20, 30), (10, 100, 100, 100),
)  # fmt: skip


class Case:
    """A call: its name, its operands as arrays, and what each library does with its own tensors of them."""

    def __init__(self, name: str, arrays: list[np.ndarray], alula: Function, torch: Function, numpy: Function | None):
        self.name, self.arrays = name, arrays
        self.functions = {"alula": alula, "torch": torch} | ({"numpy": numpy} if numpy else {})


def both(name: str, arrays: list[np.ndarray], function: Function) -> Case:
    return Case(name, arrays, function, function, function)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def integers(limit: int, *shape: int) -> np.ndarray:
    return RNG.integers(0, limit, shape)


def elementwise(alula: Any, torch: Any) -> Iterator[Case]:
    torch_names = {"pow": "pow", "arctan2": "atan2", "greater": "gt", "equal": "eq"}
    numpy_names = {"pow": "power"}
    unary = ("exp", "log", "sin", "cos", "sqrt", "abs", "floor", "sign", "tanh", "log1p", "expm1", "isnan", "square")
    binary = (
        "add", "multiply", "divide", "maximum", "pow", "arctan2", "remainder", "floor_divide", "greater", "equal",
    )  # fmt: skip
    for shape in SHAPES:
        for name in unary + binary:
            arrays = [np.abs(normal(*shape)) + np.float32(0.1) for _ in range(2 if name in binary else 1)]
            yield Case(
                f"{name} {shape}", arrays, getattr(alula, name), getattr(torch, torch_names.get(name, name)),
                getattr(np, numpy_names.get(name, name)),
            )  # fmt: skip


def folds(alula: Any, torch: Any) -> Iterator[Case]:
    torch_names = {"max": "amax"}
    for shape in FOLDED:
        for name in ("sum", "mean", "max", "prod", "any", "argmax"):
            of_torch, of_alula, of_numpy = (
                getattr(torch, torch_names.get(name, name)), getattr(alula, name), getattr(np, name)
            )  # fmt: skip
            for axis in range(len(shape)):
                yield Case(
                    f"{name} {shape} axis {axis}", [normal(*shape)], lambda x, f=of_alula, a=axis: f(x, axis=a),
                    lambda x, f=of_torch, a=axis: f(x, dim=a), lambda x, f=of_numpy, a=axis: f(x, axis=a),
                )  # fmt: skip


def products(alula: Any, torch: Any) -> Iterator[Case]:
    sizes = [((), *size) for size in PRODUCTS] + [((count,), *size) for count, *size in STACKS]
    for stack, m, k, n in sizes:
        # As they lie, and with either operand turned.
        for turned in ("", "a", "b"):
            a = normal(*stack, k, m) if turned == "a" else normal(*stack, m, k)
            b = normal(*stack, n, k) if turned == "b" else normal(*stack, k, n)

            def product(a: Any, b: Any, turned: str = turned) -> Any:
                return (a.mT if turned == "a" else a) @ (b.mT if turned == "b" else b)

            name = f"matmul {(*stack, m, k, n)}" + (f" {turned} turned" if turned else "")
            yield Case(name, [a, b], product, product, product)


def arrangements(alula: Any, torch: Any) -> Iterator[Case]:
    x, small = normal(512, 512), normal(100, 8)

    yield both("row added", [x, normal(512)], lambda x, y: x + y)
    yield both("column multiplied", [x, normal(512, 1)], lambda x, y: x * y)
    yield both("planes and column", [normal(32, 64, 64), normal(64, 1)], lambda x, y: x + y)
    yield both("outer difference", [normal(2000, 1), normal(1, 2000)], lambda x, y: x - y)
    yield both("transpose added", [x], lambda x: x.T + x)
    yield both("strided part", [x], lambda x: x[::2, ::3] * 2)
    yield both("rows by index", [x, integers(512, 1000)], lambda x, i: x[i])
    yield both("by mask", [x], lambda x: x[x > 0])
    yield Case(
        "concat of 100", [small], lambda x: alula.concat([x] * 100, axis=0), lambda x: torch.cat([x] * 100, 0),
        lambda x: np.concatenate([x] * 100, 0),
    )  # fmt: skip
    yield Case(
        "concat along rows", [x, x], lambda x, y: alula.concat([x, y], axis=1), lambda x, y: torch.cat([x, y], 1),
        lambda x, y: np.concatenate([x, y], 1),
    )  # fmt: skip
    yield Case(
        "stack of 64", [normal(64)], lambda x: alula.stack([x] * 64), lambda x: torch.stack([x] * 64),
        lambda x: np.stack([x] * 64),
    )  # fmt: skip
    for axis in (0, 1):
        yield Case(
            f"sort axis {axis}", [x], lambda x, a=axis: alula.sort(x, axis=a),
            lambda x, a=axis: torch.sort(x, dim=a, stable=True)[0], lambda x, a=axis: np.sort(x, a, kind="stable"),
        )  # fmt: skip
        yield Case(
            f"running sum axis {axis}", [normal(1024, 1024)], lambda x, a=axis: alula.cumulative_sum(x, axis=a),
            lambda x, a=axis: torch.cumsum(x, a), lambda x, a=axis: np.cumsum(x, a),
        )  # fmt: skip


def broadcasts(alula: Any, torch: Any) -> Iterator[Case]:
    shapes = (
        ((1000, 10), (10,)), ((1000, 10), (1000, 1)), ((1000, 33), (33,)), ((1000, 100), (1000, 1)), ((4, 3), (3,)),
        ((32, 64, 7, 7), (64, 1, 1)), ((1000, 1, 10), (20, 10)), ((64, 1), (1, 64)), ((8, 3, 224, 224), (3, 1, 1)),
    )  # fmt: skip
    for a, b in shapes:
        yield both(f"multiply {a} by {b}", [normal(*a), normal(*b)], lambda x, y: x * y)
    x = normal(1000, 100)
    yield both("inner columns", [x], lambda x: x[:, 1:-1] * 2)
    yield both("rows less their means", [x], lambda x: x - x.mean(1)[:, None])
    yield both("into inner columns", [x, normal(98)], lambda x, y: x[:, 1:-1].__iadd__(y))


def exchange(alula: Any, torch: Any) -> Iterator[Case]:
    """Between NumPy and the libraries; NumPy itself has nothing to do."""
    x = normal(32, 10)

    def of_two(name: str, arrays: list[np.ndarray], function: Function) -> Case:
        return Case(name, arrays, function, function, None)

    yield Case("from_numpy", [], lambda: alula.from_numpy(x), lambda: torch.from_numpy(x), None)
    yield Case("tensor of an array", [], lambda: alula.tensor(x), lambda: torch.tensor(x), None)
    yield Case("numpy()", [x], lambda x: x.numpy(), lambda x: x.numpy(), None)
    yield Case("tolist", [x], lambda x: x.tolist(), lambda x: x.tolist(), None)
    yield Case(
        "tensor of a list", [], lambda: alula.tensor([1.0, 2.0, 3.0]), lambda: torch.tensor([1.0, 2.0, 3.0]), None
    )
    for name, index in (("one element", (3, 4)), ("a row", 3), ("a column", (slice(None), 3))):
        yield of_two(f"read {name}", [x], lambda x, i=index: x[i])
        yield of_two(f"write {name}", [x], lambda x, i=index: x.__setitem__(i, 1.5))


def networks(alula: Any, torch: Any) -> Iterator[Case]:
    import torch.nn.functional as theirs

    import alula.nn.functional as ours

    for rows, classes in ((128, 10), (768, 65), (256, 1000)):
        targets = integers(classes, rows)
        yield Case(
            f"cross entropy {rows}×{classes}", [normal(rows, classes), targets], ours.cross_entropy,
            theirs.cross_entropy, None,
        )  # fmt: skip
        yield Case(
            f"softmax {rows}×{classes}", [normal(rows, classes)], lambda x: ours.softmax(x, -1),
            lambda x: theirs.softmax(x, -1), None,
        )  # fmt: skip
    # Batch, channels, pixels, targets, kernel, stride and groups.
    for n, c, size, k, kernel, stride, groups in (
        (32, 16, 32, 16, 3, 1, 1), (16, 24, 28, 24, 3, 1, 1), (8, 64, 28, 64, 3, 1, 4), (8, 64, 56, 128, 3, 2, 1),
        (8, 3, 112, 64, 7, 2, 1), (1, 512, 7, 512, 3, 1, 1), (64, 1, 28, 16, 3, 1, 1), (8, 256, 14, 256, 3, 1, 256),
    ):  # fmt: skip
        options = {"padding": kernel // 2, "stride": stride, "groups": groups}
        yield Case(
            f"conv {n}×{c}×{size}², {k} {kernel}×{kernel}, stride {stride}, {groups} groups",
            [normal(n, c, size, size), normal(k, c // groups, kernel, kernel)],
            lambda x, w, o=options: ours.conv2d(x, w, **o), lambda x, w, o=options: theirs.conv2d(x, w, **o), None,
        )  # fmt: skip


def measure(case: Case, tensors: dict[str, Function], synchronize: Function) -> tuple[float, dict[str, float]]:
    """How many times as long Alula takes as the best peer, and microseconds of each library."""
    calls = {}
    for library, function in case.functions.items():
        operands = [tensors[library](array) for array in case.arrays]
        calls[library] = partial(function, *operands)
        calls[library]()
    start = time.perf_counter()
    calls["torch"]()
    times = max(1, int(0.003 / max(time.perf_counter() - start, 1e-6)))
    rounds: dict[str, list[float]] = {library: [] for library in calls}
    for _ in range(7):
        for library, call in calls.items():
            start = time.perf_counter()
            for _ in range(times):
                result = call()
                if library == "alula":
                    # Element-wise calls on large tensors wait until somebody asks for their result.
                    synchronize()
                del result
            rounds[library].append((time.perf_counter() - start) / times * 1e6)
    # Turn by turn: a neighbour on the machine slows all that run in the same milliseconds.
    peers = zip(*(values for library, values in rounds.items() if library != "alula"), strict=True)
    ratio = statistics.median(own / min(others) for own, others in zip(rounds["alula"], peers, strict=True))
    return ratio, {library: statistics.median(values) for library, values in rounds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="", help="a regular expression that the names of calls match")
    parser.add_argument("--behind", type=float, default=0, help="show calls only that take so many times as long")
    options = parser.parse_args()
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(options.threads))
    if not limits.items() <= os.environ.items():
        # NumPy's library reads them when it is loaded, which it is by now.
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | limits)
    import torch

    import alula

    torch.set_num_threads(options.threads)
    alula.set_num_threads(options.threads)
    tensors = {"alula": alula.tensor, "torch": torch.tensor, "numpy": np.asarray}
    ratios = []
    for cases in (elementwise, broadcasts, folds, products, arrangements, exchange, networks):
        for case in cases(alula, torch):
            if not re.search(options.only, case.name):
                continue
            ratio, result = measure(case, tensors, alula.synchronize)
            ratios.append((ratio, case.name, result))
    for ratio, name, result in sorted(ratios, key=lambda entry: -entry[0]):
        if ratio >= options.behind:
            print(f"{ratio:6.2f}  {name:48}", *(f"{library} {value:10.1f}" for library, value in result.items()))
    behind, far = (sum(ratio > limit for ratio, _, _ in ratios) for limit in (1, 1.5))
    print(f"{len(ratios)} calls; behind the best peer in {behind}, by half or more in {far}")


if __name__ == "__main__":
    main()
