"""The training steps of `models` in JAX, jitted whole, with the optimizers written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax, nn

random = np.random.default_rng(1)


def weight(*shape: int) -> Any:
    return jnp.asarray(random.standard_normal(shape, dtype=np.float32) / np.sqrt(np.prod(shape[1:])))


def cross_entropy(scores: Any, targets: Any) -> Any:
    return -jnp.take_along_axis(nn.log_softmax(scores), targets.reshape(-1, 1), 1).mean()


def adam(decay: float = 0.0) -> Callable[..., Any]:
    def update(p: Any, g: Any, m: Any, v: Any, t: Any) -> Any:
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        return p * (1 - 1e-3 * decay) - 1e-3 * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v

    return update


def step(loss: Callable[..., Any], parameters: Any, update: Callable[..., Any], x: Any, y: Any) -> Callable[[], object]:
    leaves, tree = jax.tree.flatten(parameters)

    @jax.jit
    def advance(state: Any, x: Any, y: Any) -> Any:
        leaves, ms, vs, t = state
        gradients = jax.tree.leaves(jax.grad(lambda leaves: loss(jax.tree.unflatten(tree, leaves), x, y))(leaves))
        new = [update(*values, t) for values in zip(leaves, gradients, ms, vs)]
        return [n[0] for n in new], [n[1] for n in new], [n[2] for n in new], t + 1

    x, y = jnp.asarray(x), jnp.asarray(y)
    state = [leaves, [jnp.zeros_like(p) for p in leaves], [jnp.zeros_like(p) for p in leaves], jnp.float32(1)]

    def call() -> None:
        nonlocal state
        state = jax.block_until_ready(advance(state, x, y))

    return call


def mlp(x: Any, y: Any) -> Callable[[], object]:
    parameters = [weight(784, 500), jnp.zeros(500), weight(500, 10), jnp.zeros(10)]

    def loss(p: Any, x: Any, y: Any) -> Any:
        return cross_entropy(nn.relu(x @ p[0] + p[1]) @ p[2] + p[3], y)

    return step(loss, parameters, lambda p, g, m, v, t: (p - 1e-3 * g, m, v), x, y)


def cnn(x: Any, y: Any) -> Callable[[], object]:
    shapes = [(32, 1, 5, 5), (64, 32, 5, 5), (3136, 256), (256, 10)]
    parameters = [(weight(*s), jnp.zeros(s[0] if len(s) == 4 else s[1])) for s in shapes]

    def convolve(x: Any, w: Any, b: Any) -> Any:
        x = lax.conv_general_dilated(x, w, (1, 1), [(2, 2), (2, 2)], dimension_numbers=("NCHW", "OIHW", "NCHW"))
        return lax.reduce_window(nn.relu(x + b[:, None, None]), -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    def loss(p: Any, x: Any, y: Any) -> Any:
        x = convolve(convolve(x, *p[0]), *p[1]).reshape(len(x), -1)
        return cross_entropy(nn.relu(x @ p[2][0] + p[2][1]) @ p[3][0] + p[3][1], y)

    return step(loss, parameters, adam(), x, y)


def gpt(x: Any, y: Any, layers: int = 4, heads: int = 4, width: int = 128) -> Callable[[], object]:
    ones, zeros = jnp.ones(width), jnp.zeros
    parameters = {
        "tokens": weight(65, width), "positions": weight(64, width), "norm": (ones, zeros(width)),
        "blocks": [
            {
                "norm1": (ones, zeros(width)), "in": (weight(width, 3 * width), zeros(3 * width)),
                "out": (weight(width, width), zeros(width)), "norm2": (ones, zeros(width)),
                "up": (weight(width, 4 * width), zeros(4 * width)), "down": (weight(4 * width, width), zeros(width)),
            }
            for _ in range(layers)
        ],
    }  # fmt: skip

    def norm(x: Any, w: Any, b: Any) -> Any:
        center = x - x.mean(-1, keepdims=True)
        return center / jnp.sqrt((center * center).mean(-1, keepdims=True) + 1e-5) * w + b

    def linear(x: Any, w: Any, b: Any) -> Any:
        return x @ w + b

    def loss(p: Any, x: Any, y: Any) -> Any:
        batch, length = x.shape
        mask = jnp.tril(jnp.ones((length, length), bool))
        h = p["tokens"][x] + p["positions"][:length]
        for block in p["blocks"]:
            parts = jnp.split(linear(norm(h, *block["norm1"]), *block["in"]), 3, -1)
            q, k, v = (part.reshape(batch, length, heads, -1).swapaxes(1, 2) for part in parts)
            scores = jnp.where(mask, q @ k.swapaxes(-1, -2) / (width // heads) ** 0.5, -jnp.inf)
            a = (nn.softmax(scores) @ v).swapaxes(1, 2).reshape(batch, length, width)
            h = h + linear(a, *block["out"])
            h = h + linear(nn.gelu(linear(norm(h, *block["norm2"]), *block["up"]), approximate=False), *block["down"])
        return cross_entropy((norm(h, *p["norm"]) @ p["tokens"].T).reshape(-1, 65), y)

    return step(loss, parameters, adam(0.01), x, y)
