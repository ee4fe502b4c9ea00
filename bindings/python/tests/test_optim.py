"""Optimizers against their textbook algorithms in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import alula
from alula import nn, optim

random = np.random.default_rng(0)


def sgd(w: np.ndarray, g: np.ndarray, s: dict[str, Any], o: dict[str, Any]) -> np.ndarray:
    g = g * (-1 if o.get("maximize") else 1) + o.get("weight_decay", 0) * w
    if o.get("momentum"):
        first = "b" not in s
        s["b"] = g.copy() if first else o["momentum"] * s["b"] + (1 - o.get("dampening", 0)) * g
        g = g + o["momentum"] * s["b"] if o.get("nesterov") else s["b"]
    return w - o["lr"] * g


def adam(w: np.ndarray, g: np.ndarray, s: dict[str, Any], o: dict[str, Any], decoupled: bool = False) -> np.ndarray:
    b1, b2 = o.get("betas", (0.9, 0.999))
    decay = o.get("weight_decay", 0.01 if decoupled else 0)
    g = g * (-1 if o.get("maximize") else 1)
    if decoupled:
        w = w * (1 - o["lr"] * decay)
    else:
        g = g + decay * w
    s["t"] = s.get("t", 0) + 1
    s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0) + (1 - b2) * g * g
    m, v = s["m"] / (1 - b1 ** s["t"]), s["v"] / (1 - b2 ** s["t"])
    return w - o["lr"] * m / (np.sqrt(v) + o.get("eps", 1e-8))


CASES: list[tuple[Any, Any, dict[str, Any]]] = [
    (optim.SGD, sgd, {"lr": 0.1}),
    (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9}),
    (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.05}),
    (optim.SGD, sgd, {"lr": 0.1, "momentum": 0.8, "nesterov": True}),
    (optim.SGD, sgd, {"lr": 0.1, "maximize": True}),
    (optim.Adam, adam, {"lr": 0.02}),
    (optim.Adam, adam, {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1}),
    (optim.AdamW, lambda *a: adam(*a, decoupled=True), {"lr": 0.02}),
    (optim.AdamW, lambda *a: adam(*a, decoupled=True), {"lr": 0.02, "weight_decay": 0.3, "maximize": True}),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kind", "rule", "options"), CASES)
def test_steps(kind: Any, rule: Any, options: dict[str, Any], dtype: str) -> None:
    rng = np.random.default_rng(0)
    values = [rng.standard_normal(shape) for shape in ((37, 5), (3,), ())]
    parameters = [alula.tensor(v, dtype=dtype, requires_grad=True) for v in values]
    values = [p.detach().numpy().astype(np.float64) for p in parameters]
    optimizer = kind(parameters, **options)
    states: list[dict[str, Any]] = [{} for _ in values]
    for _ in range(6):
        for i, p in enumerate(parameters):
            gradient = alula.asarray(rng.standard_normal(p.shape), dtype)
            p.grad = gradient
            values[i] = rule(values[i], gradient.numpy().astype(np.float64), states[i], options)
        optimizer.step()
    tolerance = 1e-12 if dtype == "float64" else 3e-6
    for p, value in zip(parameters, values, strict=True):
        assert np.allclose(p.detach().numpy(), value, tolerance, tolerance)


def test_parameters_without_gradient_stay() -> None:
    a, b = alula.ones(2, requires_grad=True), alula.ones(2, requires_grad=True)
    optimizer = optim.Adam([a, b])
    a.sum().backward()
    optimizer.step()
    assert a[0].item() < 1 and b.tolist() == [1, 1]
    optimizer.zero_grad()
    assert a.grad is None
    a.sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert a.grad is not None and a.grad.tolist() == [0, 0]


def test_groups() -> None:
    a, b = alula.ones(1, requires_grad=True), alula.ones(1, requires_grad=True)
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.1)
    (a + b).sum().backward()
    optimizer.step()
    assert np.allclose([a.item(), b.item()], [0.9, 0.5])
    for group in optimizer.param_groups:
        group["lr"] = 0.2
    optimizer.step()
    assert np.allclose([a.item(), b.item()], [0.7, 0.3])
    optimizer.param_groups[0]["weight_decay"] = 1.0
    optimizer.step()
    assert np.allclose([a.item(), b.item()], [0.7 - 0.2 * 1.7, 0.1])
    c = alula.ones(1, requires_grad=True)
    optimizer.add_param_group({"params": [c], "lr": 1.0})
    c.sum().backward()
    optimizer.step()
    assert abs(c.item()) < 1e-6


def test_changed_options_keep_the_state() -> None:
    w = alula.ones(1, requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0, momentum=0.5)
    for decay in (0.0, 1e-9):
        optimizer.param_groups[0]["weight_decay"] = decay
        w.grad = alula.ones(1)
        optimizer.step()
    assert abs(w.item() - (1 - 1 - 1.5)) < 1e-6


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.AdamW])
def test_cycling_momentum_changes_options_in_place(kind: Any) -> None:
    w = alula.ones(3, requires_grad=True)
    optimizer = kind([w], lr=0.1, **({"momentum": 0.9} if kind is optim.SGD else {}))
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, 0.5, total_steps=20)
    buffers, values = set(), []
    for t in range(20):
        w.grad = alula.full(3, float(t % 3))
        optimizer.step()
        state = optimizer.state_dict()["state"][0]
        assert state.pop("step").item() == t + 1
        buffers.add(tuple(tensor.numpy().ctypes.data for tensor in state.values()))
        group = optimizer.param_groups[0]
        values.append(group["momentum"] if kind is optim.SGD else group["betas"][0])
        if t < 19:
            schedule.step()
    assert len(buffers) == 1
    assert values[0] == values[-1] == 0.95 and min(values) == 0.85


def test_momentum_that_comes_and_goes() -> None:
    w = alula.ones(1, requires_grad=True)
    idle = alula.ones(1, requires_grad=True)
    optimizer = optim.SGD([w, idle], lr=1.0)
    idle.grad = alula.ones(1)
    expected, buffer = 1.0, 0.0
    for momentum in (0.0, 0.5, 0.5, 0.0, 0.5):
        optimizer.param_groups[0]["momentum"] = momentum
        w.grad = alula.ones(1)
        optimizer.step()
        idle.grad = None
        buffer = momentum * buffer + 1 if momentum else buffer
        expected -= buffer if momentum else 1
        assert w.item() == expected and idle.item() == 0
        optimizer.load_state_dict(optimizer.state_dict())
        if not momentum:
            buffer = 0.0  # what is not in use is not in the state


def test_options_that_are_refused_change_nothing() -> None:
    w = alula.ones(1, requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0)
    optimizer.param_groups[0].update(lr=0.5, momentum=-1.0)
    w.grad = alula.ones(1)
    with pytest.raises(ValueError, match="sgd: momentum -1"):
        optimizer.step()
    optimizer.param_groups[0]["momentum"] = 0.0
    optimizer.step()
    assert w.item() == 0.5


def test_closure() -> None:
    w = alula.ones(1, requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)

    def closure() -> alula.Tensor:
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    with alula.no_grad():
        assert optimizer.step(closure).item() == 1
    assert abs(w.item() - 0.8) < 1e-6


@pytest.mark.parametrize(("kind", "options"), [(optim.SGD, {"momentum": 0.9}), (optim.Adam, {}), (optim.AdamW, {})])
def test_resuming(kind: Any, options: dict[str, Any], tmp_path: Any) -> None:
    """A run that is saved and taken up again ends in the same bits as one without a break."""

    def start() -> tuple[Any, Any]:
        alula.manual_seed(3)
        model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
        return model, kind(model.parameters(), lr=0.05, **options)

    def steps(model: Any, optimizer: Any, first: int, count: int) -> None:
        for i in range(first, first + count):
            x = alula.asarray(np.random.default_rng(i).standard_normal((16, 4)).astype(np.float32))
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()

    whole, optimizer = start()
    steps(whole, optimizer, 0, 6)
    half, optimizer = start()
    steps(half, optimizer, 0, 3)
    alula.save(
        {"model": half.state_dict(), "optimizer": optimizer.state_dict(), "step": 3}, tmp_path / "run.safetensors"
    )
    resumed, optimizer = start()
    checkpoint = alula.load(tmp_path / "run.safetensors")
    resumed.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    steps(resumed, optimizer, checkpoint["step"], 3)
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert np.array_equal(a.detach().numpy(), b.detach().numpy())


def test_learning() -> None:
    alula.manual_seed(0)
    x = alula.linspace(-1, 1, 64).reshape(-1, 1)
    y = alula.sin(x * 3)
    model = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    for _ in range(200):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
    assert loss.item() < 1e-3


def test_errors() -> None:
    w = alula.ones(1, requires_grad=True)
    for make in (
        lambda: optim.SGD([], lr=0.1),
        lambda: optim.SGD([w], lr=-1.0),
        lambda: optim.Adam([w], betas=(1.5, 0.9)),
        lambda: optim.SGD([w, w * 2], lr=0.1),
        lambda: optim.SGD([{"params": [w]}, {"params": [w]}], lr=0.1),
        lambda: optim.SGD([w], nesterov=True),
    ):
        with pytest.raises(ValueError):
            make()
    for make in (
        lambda: optim.SGD(w, lr=0.1),
        lambda: optim.SGD([1.0], lr=0.1),
        lambda: optim.SGD([alula.ones(1, dtype="int32")]),
    ):
        with pytest.raises(TypeError):
            make()
    with pytest.raises(ValueError, match="groups"):
        optim.SGD([w]).load_state_dict({"state": {}, "param_groups": []})


def test_printing() -> None:
    assert repr(optim.SGD([alula.ones(1, requires_grad=True)], lr=0.1)) == (
        "SGD (\nParameter Group 0\n    dampening: 0.0\n    lr: 0.1\n    maximize: False\n    momentum: 0.0\n"
        "    nesterov: False\n    weight_decay: 0.0\n)"
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("norm_type", [1, 2, 3, float("inf")])
def test_clipping_over_many_tensors(norm_type, dtype):
    shapes = [(3,), (70, 300), (), (5, 0), (20_000,), (2, 2)]
    values = [random.standard_normal(shape).astype(dtype) for shape in shapes]
    parameters = [alula.zeros(shape, dtype=dtype, requires_grad=True) for shape in shapes]
    for parameter, value in zip(parameters, values, strict=True):
        parameter.grad = alula.asarray(value)
    flat = np.concatenate([value.astype("float64").ravel() for value in values])
    norm = np.linalg.norm(flat, norm_type)
    found = alula.nn.utils.clip_grad_norm_(parameters, 0.5, norm_type)
    tolerance = {"float16": 2e-3, "float32": 1e-5, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(found.item(), norm, rtol=tolerance)
    after = np.concatenate([parameter.grad.numpy().astype("float64").ravel() for parameter in parameters])
    np.testing.assert_allclose(after, flat * (0.5 / (norm + 1e-6)), rtol=tolerance, atol=tolerance / 10)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("kind", ["SGD", "Adam", "AdamW"])
def test_many_parameters_step_as_each_alone(kind, threads):
    """Sizes around those at which work is cut, a dtype of its own, one without a gradient, and one that starts late."""
    shapes = [(3,), (40_000,), (), (129, 129), (0, 4), (16_384,), (7, 2), (5,)]
    dtypes = ["float32"] * 6 + ["float64", "float16"]
    options = {"momentum": 0.9, "nesterov": True} if kind == "SGD" else {}
    values = [random.standard_normal(shape).astype(dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]
    steps = [[random.standard_normal(v.shape).astype(v.dtype) for v in values] for _ in range(3)]

    def run(number: int | None) -> list[np.ndarray]:
        chosen = range(len(values)) if number is None else [number]
        parameters = {i: alula.asarray(values[i].copy()) for i in chosen}
        for parameter in parameters.values():
            parameter.requires_grad = True
        optimizer = getattr(alula.optim, kind)(parameters.values(), lr=0.1, weight_decay=0.01, **options)
        for t, gradients in enumerate(steps):
            for i, parameter in parameters.items():
                parameter.grad = None if i == 3 and t == 0 else alula.asarray(gradients[i])
            optimizer.step()
        return [parameter.detach().numpy() for parameter in parameters.values()]

    before = alula.get_num_threads()
    alula.set_num_threads(threads)
    try:
        together = run(None)
        for i in range(len(values)):
            np.testing.assert_array_equal(together[i], run(i)[0])
    finally:
        alula.set_num_threads(before)
