"""The same bits for any number of threads: operations on inputs that are cut into many pieces, and a training run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import alula
from alula import nn, optim

F = nn.functional
THREADS = (1, 2, 3, 8)


@pytest.fixture(autouse=True)
def restored_threads() -> Iterator[None]:
    count = alula.get_num_threads()
    yield
    alula.set_num_threads(count)


def normal(*shape: int, dtype: str = "float32", seed: int = 0) -> alula.Tensor:
    return alula.asarray(np.random.default_rng(seed).standard_normal(shape).astype(dtype))


def with_gradients(function: Callable[..., Any], *inputs: alula.Tensor) -> list[alula.Tensor]:
    leaves = [x.detach().requires_grad_() for x in inputs]
    out = function(*leaves)
    seed = normal(*out.shape, seed=9)
    return [out.detach(), *(g for g in alula.grad(out, leaves, seed) if g is not None)]


CASES: dict[str, Callable[[], Any]] = {
    "add": lambda: normal(300_000) + normal(300_000, seed=1),
    "broadcast": lambda: normal(700, 1, 90) * normal(1, 600, 90, seed=1),
    "exp": lambda: alula.exp(normal(300_001)),
    "tanh of a transpose": lambda: alula.tanh(normal(700, 500).T),
    "copy of a transpose": lambda: normal(700, 500).T.contiguous(),
    "sum": lambda: alula.sum(normal(3_000_001)),
    "sum in float64": lambda: alula.sum(normal(1_000_003, dtype="float64")),
    "sum over columns": lambda: alula.sum(normal(3000, 501), axis=0),
    "sum over rows": lambda: alula.sum(normal(501, 3000), axis=1),
    "variance": lambda: alula.var(normal(300, 5000), axis=0),
    "prod": lambda: alula.prod(normal(1_000_001) * 0.001 + 1),
    "max": lambda: alula.max(normal(3000, 501), axis=0),
    "argmax": lambda: alula.argmax(normal(501, 3000), axis=1),
    "logsumexp": lambda: alula.logsumexp(normal(700, 1001), axis=1),
    "cumulative sum": lambda: alula.cumulative_sum(normal(400, 1000), axis=0),
    "sort": lambda: alula.sort(normal(200, 3000)),
    "gather": lambda: normal(5000, 100)[alula.asarray(np.random.default_rng(0).integers(0, 5000, 20_000))],
    "matmul": lambda: with_gradients(alula.matmul, normal(301, 511), normal(511, 403, seed=1)),
    "matmul, deep": lambda: alula.matmul(normal(40, 9000), normal(9000, 50, seed=1)),
    "matmul, float64": lambda: alula.matmul(normal(301, 511, dtype="float64"), normal(511, 403, dtype="float64")),
    "matmul, batches": lambda: with_gradients(alula.matmul, normal(48, 64, 32), normal(48, 32, 64, seed=1)),
    "matrix and vector": lambda: with_gradients(alula.matmul, normal(2000, 1500), normal(1500, seed=1)),
    "linear": lambda: with_gradients(F.linear, normal(700, 300), normal(200, 300, seed=1), normal(200, seed=2)),
    "convolution": lambda: with_gradients(
        lambda x, w, b: F.conv2d(x, w, b, padding=2),
        normal(9, 7, 30, 31), normal(33, 7, 5, 5, seed=1), normal(33, seed=2),
    ),
    "convolution, strides": lambda: with_gradients(
        lambda x, w: F.conv2d(x, w, stride=2, padding=1), normal(8, 16, 33, 35), normal(24, 16, 3, 3, seed=1)
    ),
    "depthwise convolution": lambda: with_gradients(
        lambda x, w: F.conv2d(x, w, padding=1, groups=64), normal(8, 64, 28, 28), normal(64, 1, 3, 3, seed=1)
    ),
    "max-pool": lambda: with_gradients(lambda x: F.max_pool2d(x, 2), normal(16, 32, 28, 28)),
    "average-pool": lambda: with_gradients(lambda x: F.avg_pool2d(x, 2), normal(16, 32, 28, 28)),
    "softmax": lambda: with_gradients(lambda x: F.softmax(x, -1), normal(1500, 401)),
    "log-softmax over rows": lambda: with_gradients(lambda x: F.log_softmax(x, 0), normal(401, 1500)),
    "layer norm": lambda: with_gradients(
        lambda x, w, b: F.layer_norm(x, (401,), w, b), normal(1500, 401), normal(401, seed=1), normal(401, seed=2)
    ),
    "batch norm": lambda: with_gradients(
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        normal(64, 32, 14, 14), normal(32, seed=1), normal(32, seed=2),
    ),
    "cross-entropy": lambda: with_gradients(
        lambda x: F.cross_entropy(x, alula.asarray(np.arange(5000) % 70)), normal(5000, 70)
    ),
    "embedding": lambda: with_gradients(
        lambda w: F.embedding(alula.asarray(np.arange(20_000) ** 2 % 997), w), normal(997, 64)
    ),
    "attention": lambda: with_gradients(
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
        normal(3, 4, 130, 32), normal(3, 4, 130, 32, seed=1), normal(3, 4, 130, 32, seed=2),
    ),
    "random numbers": lambda: [
        alula.randn(300_001, generator=alula.Generator(seed=7)),
        alula.rand(300_001, generator=alula.Generator(seed=7)),
        alula.randperm(100_000, generator=alula.Generator(seed=7)),
    ],
}  # fmt: skip


def bits(result: Any) -> list[bytes]:
    tensors = [result] if isinstance(result, alula.Tensor) else list(result)
    return [np.ascontiguousarray(np.asarray(t.detach())).tobytes() for t in tensors]


@pytest.mark.parametrize("name", CASES)
def test_operations(name: str) -> None:
    results = []
    for count in THREADS:
        alula.set_num_threads(count)
        results.append(bits(CASES[name]()))
    assert all(result == results[0] for result in results[1:])


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW"])
def test_training(optimizer: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 32, 1, 28, 28)).astype(np.float32)
    y = rng.integers(0, 10, (4, 32))

    def train() -> list[bytes]:
        alula.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(1, 8, 5, padding=2), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Dropout(0.2), nn.Linear(8 * 14 * 14, 300), nn.LayerNorm(300), nn.GELU(), nn.Linear(300, 10),
        )  # fmt: skip
        steps = getattr(optim, optimizer)(model.parameters(), lr=0.01)
        for images, labels in zip(x, y):
            steps.zero_grad()
            F.cross_entropy(model(alula.asarray(images)), alula.asarray(labels)).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            steps.step()
        return bits(model.parameters())

    results = []
    for count in THREADS:
        alula.set_num_threads(count)
        results.append(train())
    assert all(result == results[0] for result in results[1:])


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system tells no thread's processors")
def test_beside_a_busy_process() -> None:
    """Threads that wait for a processor are moved to the caller's, and stay free to run where they could before."""
    x, w = normal(256, 512), normal(512, 512, seed=1)
    expected = bits(x @ w)
    available = os.sched_getaffinity(0)
    alula.set_num_threads(max(2, len(available)))
    spinners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in available]
    try:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            assert bits(x @ w) == expected
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()
    deadline = time.monotonic() + 10
    while any(os.sched_getaffinity(int(task.name)) != available for task in Path("/proc/self/task").iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
