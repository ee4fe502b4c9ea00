"""What is timed: each case makes, for one library, a call that does the work once; None where the library cannot."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import models
import numpy as np

Call = Callable[[], object]
random = np.random.default_rng(0)


def array(*shape: int, dtype: str = "float32") -> np.ndarray:
    return random.standard_normal(shape).astype(dtype)


def indices(count: int, *shape: int) -> np.ndarray:
    return random.integers(0, count, shape)


#: Arrays that a case makes when its turn comes.
Arrays = Iterable[Callable[[], np.ndarray]]


def normal(*shape: int, dtype: str = "float32") -> Callable[[], np.ndarray]:
    return lambda: array(*shape, dtype=dtype)


def uniform(*shape: int) -> Callable[[], np.ndarray]:
    """Weights of a size that keeps a layer's sums near one."""
    return lambda: random.uniform(-0.09, 0.09, shape).astype("float32")


@dataclass(frozen=True)
class Case:
    """One row of the table, with the least work that it is: for the limit of the machine."""

    name: str
    make: Callable[[str], Call | None]
    flops: float = 0
    bytes: float = 0
    dtype: str = "float32"
    #: Measured in one library only, such as a call from C.
    alone: bool = field(default=False)


def module(library: str) -> ModuleType:
    return importlib.import_module({"jax": "jax.numpy"}.get(library, library))


def convert(library: str, values: np.ndarray, dtype: str | None = None) -> Any:
    if library == "numpy":
        return values
    m = importlib.import_module(library)
    result = {
        "torch": lambda: m.from_numpy(values),
        "alula": lambda: m.tensor(values),
        "jax": lambda: m.numpy.asarray(values),
    }[library]()
    if dtype in ("float16", "bfloat16"):
        result = result.to(getattr(m, dtype)) if library != "jax" else result.astype(dtype)
    return result


def finished(m: ModuleType, call: Call) -> Call:
    """The call, and the wait until its result is there: Alula may leave large element-wise calls for later."""
    if m.__name__ != "alula":
        return call

    def both() -> object:
        result = call()
        m.synchronize()
        return result

    return both


def jitted(function: Callable[..., object], *operands: object) -> Call:
    jax = importlib.import_module("jax")
    compiled = jax.jit(function)
    return lambda: jax.block_until_ready(compiled(*operands))


def function(
    name: str, arrays: Arrays, eager: Callable[..., Any], numeric: Callable[..., Any] | None = None,
    jax: Callable[..., Any] | None = None, *, flops: float = 0, bytes: float = 0, dtype: str = "float32",
) -> Case:  # fmt: skip
    """A case of a function: `eager` for PyTorch and Alula, `numeric` for NumPy and, unless `jax` is given, JAX. All
    take the library's module and the arrays."""
    arrays = list(arrays)

    def make(library: str) -> Call | None:
        m = module(library)
        if library in ("torch", "alula"):
            operands = [convert(library, a(), dtype) for a in arrays]
            return finished(m, lambda: eager(m, *operands)) if bytes or flops else lambda: eager(m, *operands)
        body = jax if library == "jax" and jax else numeric
        # NumPy computes halves element by element, JAX rounds float64 to float32.
        if body is None or dtype in {"numpy": ("float16", "bfloat16"), "jax": ("float64",)}[library]:
            return None
        operands = [convert(library, a(), dtype) for a in arrays]
        return jitted(lambda *xs: body(m, *xs), *operands) if library == "jax" else lambda: body(m, *operands)

    return Case(name, make, flops, bytes, dtype)


def backward(
    name: str, arrays: Arrays, eager: Callable[..., Any], jax: Callable[..., Any] | None = None,
    *, constants: Arrays = (), flops: float = 0, bytes: float = 0,
) -> Case:  # fmt: skip
    """Forward and backward: the gradients of all arrays for a given gradient of the result."""
    arrays, constants = list(arrays), list(constants)

    def make(library: str) -> Call | None:
        m = module(library)
        if library == "numpy" or (library == "jax" and jax is None):
            return None
        operands = [convert(library, a()) for a in arrays]
        fixed = [convert(library, a()) for a in constants]
        if library == "jax":
            vjp = importlib.import_module("jax").vjp
            seed = m.asarray(array(*jax(m, *operands, *fixed).shape))

            def both(seed: Any, *xs: Any) -> Any:
                # The result is returned, too: a compiler leaves out what nobody asks for.
                out, pull = vjp(lambda *xs: jax(m, *xs, *fixed), *xs)
                return out, pull(seed)

            return jitted(both, seed, *operands)
        for operand in operands:
            operand.requires_grad_()
        seed = convert(library, array(*eager(m, *operands, *fixed).shape))
        gradients = m.grad if library == "alula" else m.autograd.grad

        def step() -> object:
            out = eager(m, *operands, *fixed)
            return out, gradients(out, operands, seed)

        return finished(m, step)

    return Case(name + ", forward and backward", make, flops, bytes)


def training(
    name: str, model: Callable[[Any], Any], inputs: np.ndarray, targets: np.ndarray, optimizer: str, *, jax: str | None,
    scores: Callable[[Any], Any] = lambda y: y, flops: float = 0,
) -> Case:  # fmt: skip
    """Forward, backward and update on one batch; `jax` names a function of `jax_models` that does the same."""

    def make(library: str) -> Call | None:
        if library == "numpy" or (library == "jax" and jax is None):
            return None
        if library == "jax":
            return getattr(importlib.import_module("jax_models"), jax)(inputs, targets)
        m = importlib.import_module(library)
        nn, optim = importlib.import_module(f"{library}.nn"), importlib.import_module(f"{library}.optim")
        network = model(nn)
        steps = getattr(optim, optimizer)(network.parameters(), lr=1e-3)
        x, y = convert(library, inputs), convert(library, targets)

        def step() -> None:
            loss = nn.functional.cross_entropy(scores(network(x)), y.reshape(-1))
            steps.zero_grad()
            loss.backward()
            steps.step()

        return finished(m, step)

    return Case("train step: " + name, make, flops)


def functional(m: ModuleType) -> Any:
    return importlib.import_module(f"{m.__name__}.nn.functional")


def jax_nn(name: str, **options: Any) -> Callable[..., Any]:
    def call(_: object, *operands: object) -> object:
        return getattr(importlib.import_module("jax.nn"), name)(*operands, **options)

    return call


# ---- Convolution, pooling, attention and normalisation in JAX --------------------------------------------------------


def jax_convolution(padding: int, groups: int = 1) -> Callable[..., Any]:
    def call(_: object, x: object, w: object) -> object:
        lax = importlib.import_module("jax.lax")
        return lax.conv_general_dilated(
            x,
            w,
            (1, 1),
            [(padding, padding)] * 2,
            dimension_numbers=("NCHW", "OIHW", "NCHW"),
            feature_group_count=groups,
        )

    return call


def jax_max_pool(jnp: Any, x: Any) -> Any:
    lax = importlib.import_module("jax.lax")
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")


def jax_attention(jnp: Any, q: Any, k: Any, v: Any) -> Any:
    length, width = q.shape[-2:]
    scores = q @ k.swapaxes(-1, -2) / width**0.5
    scores = jnp.where(jnp.tril(jnp.ones((length, length), bool)), scores, -jnp.inf)
    return importlib.import_module("jax.nn").softmax(scores) @ v


def jax_layer_norm(jnp: Any, x: Any, weight: Any, bias: Any) -> Any:
    center = x - x.mean(-1, keepdims=True)
    return center / jnp.sqrt((center * center).mean(-1, keepdims=True) + 1e-5) * weight + bias


def layer_norm(m: ModuleType, x: Any, weight: Any, bias: Any) -> Any:
    return functional(m).layer_norm(x, (x.shape[-1],), weight, bias)


def convolution(padding: int, groups: int = 1) -> Callable[..., Any]:
    return lambda m, x, w: functional(m).conv2d(x, w, padding=padding, groups=groups)


def attention(m: ModuleType, q: Any, k: Any, v: Any) -> Any:
    return functional(m).scaled_dot_product_attention(q, k, v, is_causal=True)


def lstm(m: ModuleType, x: Any, *weights: Any) -> Any:
    """The hidden states of all steps of a layer whose weights are given as PyTorch orders them."""
    if m.__name__ == "alula":
        weight_ih, weight_hh, bias_ih, bias_hh = weights
        return m.lstm(x, weight_ih, weight_hh, bias_ih=bias_ih, bias_hh=bias_hh)[0]
    zeros = m.zeros(1, x.shape[1], weights[1].shape[1])
    return m.lstm(x, (zeros, zeros), list(weights), True, 1, 0.0, True, False, False)[0]


def jax_lstm(jnp: Any, x: Any, weight_ih: Any, weight_hh: Any, bias_ih: Any, bias_hh: Any) -> Any:
    sigmoid = importlib.import_module("jax.nn").sigmoid

    def step(state: tuple[Any, Any], gates: Any) -> Any:
        hidden, cell = state
        i, f, g, o = jnp.split(gates + hidden @ weight_hh.T, 4, axis=1)
        cell = sigmoid(f) * cell + sigmoid(i) * jnp.tanh(g)
        hidden = sigmoid(o) * jnp.tanh(cell)
        return (hidden, cell), hidden

    zeros = jnp.zeros((x.shape[1], weight_hh.shape[1]), x.dtype)
    return importlib.import_module("jax.lax").scan(step, (zeros, zeros), x @ weight_ih.T + bias_ih + bias_hh)[1]


def softmax(m: ModuleType, x: Any) -> Any:
    return functional(m).softmax(x, -1)


def relu(m: Any, x: Any) -> Any:
    return functional(m).relu(x) if m.__name__ in ("torch", "alula") else m.maximum(x, 0)


# ---- Small calls -----------------------------------------------------------------------------------------------------


def scalars(library: str) -> Call | None:
    """Ten operations on scalars, forward and backward."""
    if library not in ("torch", "alula"):
        return None
    m = importlib.import_module(library)
    x, y = m.tensor(0.5, requires_grad=True), m.tensor(1.5, requires_grad=True)

    def step() -> object:
        a = x * y + x
        b = a * a - y
        c = (b * x).tanh()
        d = c * y + b
        e = d * d
        return (m.grad if library == "alula" else m.autograd.grad)(e * x, [x, y])

    return step


def recorded(library: str) -> Call | None:
    if library not in ("torch", "alula"):
        return None
    m = importlib.import_module(library)
    a, b = convert(library, array(4)).requires_grad_(), convert(library, array(4))
    return lambda: m.add(a, b)


def add(m: Any, a: Any, b: Any) -> Any:
    return m.add(a, b)


def product(m: Any, a: Any, b: Any) -> Any:
    return m.matmul(a, b)


def chain(m: Any, a: Any, b: Any) -> Any:
    return relu(m, (a * 2 + b) * a - b) * 0.5


def rows(m: Any, a: Any, i: Any) -> Any:
    return a[i]


def max_pool(m: ModuleType, x: Any) -> Any:
    return functional(m).max_pool2d(x, 2)


def gelu(m: ModuleType, x: Any) -> Any:
    return functional(m).gelu(x)


K, M = 1024, 1 << 20
MIB4 = 4096 * 1024 * 4


def matmul(name: str, m: int, k: int, n: int, dtype: str = "float32") -> Case:
    size = {"float64": 8, "float16": 2, "bfloat16": 2}.get(dtype, 4)
    base = "float64" if dtype == "float64" else "float32"
    return function(
        f"matmul {name}" + ("" if dtype == "float32" else f", {dtype}"),
        [normal(m, k, dtype=base), normal(k, n, dtype=base)], product, product,
        flops=2 * m * k * n, bytes=0 if m > 1 and n > 1 else size * m * k * n, dtype=dtype,
    )  # fmt: skip


def conv(name: str, x: tuple[int, ...], w: tuple[int, ...], padding: int, groups: int = 1) -> tuple[Case, Case]:
    positions = x[0] * (x[2] + 2 * padding - w[2] + 1) * (x[3] + 2 * padding - w[3] + 1)
    flops = 2 * positions * int(np.prod(w))
    eager, jax = convolution(padding, groups), jax_convolution(padding, groups)
    return (
        function(f"conv {name}", [normal(*x), normal(*w)], eager, jax=jax, flops=flops),
        backward(f"conv {name}", [normal(*x), normal(*w)], eager, jax, flops=3 * flops),
    )


def cases() -> list[Case]:
    x, y = normal(1 << 24), normal(4096, 1024)
    heads = [normal(12, 4, 256, 32)] * 3
    # Half of the products are not needed under a causal mask.
    attention_flops = 12 * 4 * 2 * 2 * 256 * 256 * 32 / 2
    images, pixels = normal(64, 32, 28, 28), 64 * 32 * 28 * 28
    norm = [normal(4096, 1024), normal(1024), normal(1024)]
    cells = [normal(50, 32, 64), uniform(512, 64), uniform(512, 128), uniform(512), uniform(512)]
    cell_flops = 50 * 32 * 2 * 192 * 512
    return [
        function("add, 4 elements", [normal(4), normal(4)], add, add),
        Case("add, 4 elements, recorded", recorded),
        Case("ten scalar operations, forward and backward", scalars),
        function("add, 16M", [x, x], add, add, bytes=12 * (1 << 24)),
        function("add, 16M, bfloat16", [x, x], add, add, bytes=6 * (1 << 24), dtype="bfloat16"),
        function("exp, 1M", [normal(M)], lambda m, a: m.exp(a), lambda m, a: m.exp(a), bytes=8 * M),
        function("tanh, 1M", [normal(M)], lambda m, a: m.tanh(a), lambda m, a: m.tanh(a), bytes=8 * M),
        function("gelu, 1M", [normal(M)], gelu, jax=jax_nn("gelu", approximate=False), bytes=8 * M),
        function(
            "relu((a·2+b)·a−b)·0.5, 16M", [x, x],
            chain, chain, bytes=12 * (1 << 24)),
        function("sum, 16M", [x], lambda m, a: m.sum(a), lambda m, a: m.sum(a), bytes=4 * (1 << 24)),
        function("sum over axis 0, 4096×1024", [y], lambda m, a: m.sum(a, 0), lambda m, a: m.sum(a, 0), bytes=MIB4),
        function("softmax, 4096×1024", [y], softmax, jax=jax_nn("softmax"), bytes=2 * MIB4),
        backward("softmax, 4096×1024", [y], softmax, jax_nn("softmax"), bytes=5 * MIB4),
        function("layer norm, 4096×1024", norm, layer_norm, jax=jax_layer_norm, bytes=2 * MIB4),
        backward("layer norm, 4096×1024", norm, layer_norm, jax_layer_norm, bytes=5 * MIB4),
        function(
            "transpose to contiguous, 4096×1024", [y], lambda m, a: a.T.contiguous(),
            lambda m, a: m.ascontiguousarray(a.T) if m is np else m.transpose(a) + 0, bytes=2 * MIB4),
        function("gather 8192 rows of 1024", [y, lambda: indices(4096, 8192)], rows, rows, bytes=4 * MIB4),
        *(matmul(f"{n}³", n, n, n) for n in (64, 256, 512, 1024, 2048)),
        matmul("1024³", K, K, K, "float64"), matmul("1024³", K, K, K, "float16"), matmul("1024³", K, K, K, "bfloat16"),
        matmul("100×784×500", 100, 784, 500), matmul("1024×1024×1, a vector", K, K, 1),
        backward("matmul 1024³", [normal(K, K), normal(K, K)], product, product, flops=6 * 1024**3),
        function(
            "48 batches of 64×32×64", [normal(48, 64, 32), normal(48, 32, 64)], product, product,
            flops=48 * 2 * 64 * 32 * 64),
        *conv("64×1×28², 32 5×5", (64, 1, 28, 28), (32, 1, 5, 5), 2),
        *conv("64×32×14², 64 5×5", (64, 32, 14, 14), (64, 32, 5, 5), 2),
        *conv("8×64×56², 64 3×3", (8, 64, 56, 56), (64, 64, 3, 3), 1),
        *conv("8×256×28², 64 1×1", (8, 256, 28, 28), (64, 256, 1, 1), 0),
        *conv("depthwise 8×128×28², 3×3", (8, 128, 28, 28), (128, 1, 3, 3), 1, 128),
        function("max-pool 2, 64×32×28²", [images], max_pool, jax=jax_max_pool, bytes=5 * pixels),
        backward("max-pool 2, 64×32×28²", [images], max_pool, jax_max_pool, bytes=10 * pixels),
        function("causal attention 12×4×256×32", heads, attention, jax=jax_attention, flops=attention_flops),
        backward("causal attention 12×4×256×32", heads, attention, jax_attention, flops=3.5 * attention_flops),
        function("LSTM 64→128, 32×50", cells, lstm, jax=jax_lstm, flops=cell_flops),
        backward("LSTM 64→128, 32×50", cells, lstm, jax_lstm, flops=3 * cell_flops),
        training("MLP 784-500-10, batch 100, SGD", models.mlp, array(100, 784), indices(10, 100), "SGD", jax="mlp",
                 flops=2 * 100 * (2 * 784 * 500 + 3 * 500 * 10)),
        training("the demo's CNN, batch 64, Adam", models.cnn, array(64, 1, 28, 28), indices(10, 64), "Adam",
                 jax="cnn", flops=64 * (2 * 2 * 784 * 800 + 3 * 2 * 196 * 51200 + 3 * 2 * (3136 * 256 + 2560))),
        training("char-GPT 4×4×128, 12×64, AdamW", models.gpt, indices(65, 12, 64), indices(65, 12, 64), "AdamW",
                 jax="gpt", scores=lambda y: y.reshape(-1, 65),
                 flops=768 * 3 * 2 * (4 * 12 * 128 * 128 + 4 * 64 * 128 + 65 * 128)),
        training("LSTM 64→128, 32×50, Adam", models.lstm, array(50, 32, 64), indices(128, 50, 32), "Adam", jax=None,
                 scores=lambda y: y[0].reshape(-1, 128), flops=1600 * 3 * 2 * 192 * 512),
    ]  # fmt: skip
