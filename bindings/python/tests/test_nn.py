"""Layers against formulas written with NumPy, modules' bookkeeping, initial values."""

from __future__ import annotations

import copy
import math
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from scipy import signal, special

import alula
from alula import nn
from alula.nn import functional as F


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def near(got: alula.Tensor, want: np.ndarray, tolerance: float = 2e-6) -> None:
    value = got.detach().numpy()
    want = np.asarray(want)
    assert value.shape == want.shape
    assert np.abs(value - want).max(initial=0) <= tolerance * (1 + np.abs(want).max(initial=0))


# ---- Layers ---------------------------------------------------------------------------------------------


def test_linear() -> None:
    layer = nn.Linear(4, 3)
    x = random(2, 5, 4)
    near(layer(alula.asarray(x)), x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy())
    assert nn.Linear(4, 3, bias=False).bias is None


def test_conv2d() -> None:
    layer = nn.Conv2d(4, 6, (3, 2), stride=2, padding=(1, 0), groups=2)
    x = random(2, 4, 9, 8)
    w = layer.weight.detach().numpy()
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (0, 0)])
    want = np.stack(
        [
            np.stack(
                [
                    sum(signal.correlate(padded[n, (o // 3) * 2 + c], w[o, c], "valid") for c in range(2))[::2, ::2]
                    + layer.bias.detach().numpy()[o]
                    for o in range(6)
                ]
            )
            for n in range(2)
        ]
    )
    near(layer(alula.asarray(x)), want)


def test_conv1d() -> None:
    layer = nn.Conv1d(2, 3, 3, dilation=2, padding="same")
    x = random(1, 2, 10)
    w = layer.weight.detach().numpy()
    wide = np.zeros((3, 2, 5), np.float32)
    wide[:, :, ::2] = w
    padded = np.pad(x, [(0, 0), (0, 0), (2, 2)])
    want = np.stack([sum(np.correlate(padded[0, c], wide[o, c], "valid") for c in range(2)) for o in range(3)])
    near(layer(alula.asarray(x)), (want + layer.bias.detach().numpy()[:, None])[None])


def test_pooling() -> None:
    x = random(2, 3, 6, 8)
    blocks = x.reshape(2, 3, 3, 2, 4, 2)
    near(nn.MaxPool2d(2)(alula.asarray(x)), blocks.max((3, 5)))
    near(nn.AvgPool2d(2)(alula.asarray(x)), blocks.mean((3, 5)))


@pytest.mark.parametrize(
    ("layer", "formula"),
    [
        (nn.ReLU(), lambda x: np.maximum(x, 0)),
        (nn.LeakyReLU(0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
        (nn.ELU(0.5), lambda x: np.where(x > 0, x, 0.5 * np.expm1(x))),
        (nn.GELU(), lambda x: x * special.ndtr(x)),
        (nn.GELU("tanh"), lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))),
        (nn.SiLU(), lambda x: x * special.expit(x)),
        (nn.Sigmoid(), special.expit),
        (nn.Tanh(), np.tanh),
        (nn.Softplus(), lambda x: np.logaddexp(0, x)),
        (nn.Softplus(2.0), lambda x: np.logaddexp(0, 2 * x) / 2),
        (nn.Softmax(1), lambda x: special.softmax(x, 1)),
        (nn.LogSoftmax(0), lambda x: special.log_softmax(x, 0)),
        (nn.Identity(), lambda x: x),
        (nn.Flatten(0), np.ravel),
    ],
    ids=lambda value: type(value).__name__,
)
def test_activations(layer: nn.Module, formula) -> None:  # type: ignore[no-untyped-def]
    x = random(5, 7) * 3
    near(layer(alula.asarray(x)), formula(x.astype(np.float64)))


def test_relu_in_place() -> None:
    x = alula.tensor([-1.0, 2.0])
    nn.ReLU(inplace=True)(x)
    assert x.tolist() == [0, 2]


def test_dropout() -> None:
    alula.manual_seed(1)
    layer = nn.Dropout(0.25)
    y = layer(alula.ones(100_000)).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.01
    layer.eval()
    assert layer(alula.ones(5)).tolist() == [1] * 5
    with pytest.raises(ValueError, match="p is 2"):
        nn.Dropout(2)


@pytest.mark.parametrize(
    ("layer", "shape"), [(nn.BatchNorm1d(3), (6, 3)), (nn.BatchNorm1d(3), (6, 3, 4)), (nn.BatchNorm2d(3), (5, 3, 2, 4))]
)
def test_batch_norm(layer: nn.Module, shape: tuple[int, ...]) -> None:
    x = random(*shape) * 2 + 1
    axes = tuple(i for i in range(len(shape)) if i != 1)
    broadcast = (1, 3) + (1,) * (len(shape) - 2)
    mean, var = x.mean(axes), x.var(axes)
    near(layer(alula.asarray(x)), (x - mean.reshape(broadcast)) / np.sqrt(var.reshape(broadcast) + 1e-5), 1e-5)
    count = x.size / 3
    near(layer.running_mean, 0.1 * mean)
    near(layer.running_var, 0.9 + 0.1 * var * count / (count - 1))
    assert layer.num_batches_tracked.item() == 1
    layer.eval()
    m, v = layer.running_mean.numpy().reshape(broadcast), layer.running_var.numpy().reshape(broadcast)
    near(layer(alula.asarray(x)), (x - m) / np.sqrt(v + 1e-5), 1e-5)


def test_layer_norm() -> None:
    layer = nn.LayerNorm((3, 4))
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    x = random(2, 3, 4)
    normal = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
    near(layer(alula.asarray(x)), normal * layer.weight.detach().numpy() + layer.bias.detach().numpy(), 1e-5)


def test_embedding() -> None:
    layer = nn.Embedding(5, 3, padding_idx=0)
    assert layer.weight[0].tolist() == [0, 0, 0]
    indices = alula.tensor([[1, 0], [4, 1]])
    out = layer(indices)
    assert np.array_equal(out.detach().numpy(), layer.weight.detach().numpy()[indices.numpy()])
    out.sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.sum(1).tolist() == [0, 6, 0, 0, 3]
    assert F.one_hot(alula.tensor([0, 2])).tolist() == [[1, 0, 0], [0, 0, 1]]


# ---- Losses ---------------------------------------------------------------------------------------------


def test_cross_entropy() -> None:
    logits, target = random(6, 4), np.array([0, 3, 1, -100, 2, 0])
    weight = np.array([1, 2, 0.5, 1], np.float32)
    rows = special.log_softmax(logits.astype(np.float64), 1)
    known = target >= 0
    picked = -rows[np.arange(6), np.maximum(target, 0)]
    x, t, w = alula.asarray(logits), alula.asarray(target), alula.asarray(weight)
    near(F.cross_entropy(x, t), picked[known].mean())
    scale = weight[target[known]]
    near(nn.CrossEntropyLoss(w)(x, t), (picked[known] * scale).sum() / scale.sum())
    near(F.cross_entropy(x, t, reduction="none"), np.where(known, picked, 0))
    near(F.nll_loss(F.log_softmax(x, 1), t, reduction="sum"), picked[known].sum())
    smooth = 0.9 * picked[known] + 0.1 * -rows[known].mean(1)
    near(F.cross_entropy(x, t, label_smoothing=0.1), smooth.mean())
    p = special.softmax(random(6, 4, seed=1), 1)
    near(F.cross_entropy(x, alula.asarray(p)), -(p * rows).sum(1).mean())


def test_regression_losses() -> None:
    a, b = random(4, 3), random(4, 3, seed=1)
    d = (a - b).astype(np.float64)
    x, y = alula.asarray(a), alula.asarray(b)
    near(nn.MSELoss()(x, y), (d**2).mean())
    near(nn.MSELoss("sum")(x, y), (d**2).sum())
    near(nn.L1Loss(reduction="none")(x, y), np.abs(d))
    near(nn.SmoothL1Loss(beta=0.5)(x, y), np.where(np.abs(d) < 0.5, d**2, np.abs(d) - 0.25).mean())
    with pytest.raises(ValueError, match=r"\(4, 3\).*\(4,\)|\(4,\).*\(4, 3\)"):
        F.mse_loss(x, y[:, 0])


def test_binary_cross_entropy() -> None:
    logits, target = random(5) * 4, (random(5, seed=1) > 0).astype(np.float32)
    p = special.expit(logits.astype(np.float64))
    want = -(target * np.log(p) + (1 - target) * np.log1p(-p))
    near(nn.BCEWithLogitsLoss()(alula.asarray(logits), alula.asarray(target)), want.mean())
    near(nn.BCELoss()(alula.sigmoid(alula.asarray(logits)), alula.asarray(target)), want.mean(), 1e-5)
    positive = F.binary_cross_entropy_with_logits(
        alula.asarray(logits), alula.asarray(target), pos_weight=alula.tensor(3.0), reduction="none"
    )
    near(positive, want * np.where(target > 0, 3, 1))


# ---- Bookkeeping ----------------------------------------------------------------------------------------


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.second = nn.Sequential(nn.ReLU(), nn.Linear(4, 2))
        self.scale = nn.Parameter(alula.ones(1))
        self.register_buffer("steps", alula.zeros(1), persistent=False)
        self.plain = 5

    def forward(self, x: alula.Tensor) -> alula.Tensor:
        return self.second(self.norm(self.first(x))) * self.scale


def test_names() -> None:
    model = Network()
    assert [name for name, _ in model.named_parameters()] == [
        "scale", "first.weight", "first.bias", "norm.weight", "norm.bias", "second.1.weight", "second.1.bias",
    ]  # fmt: skip
    assert [name for name, _ in model.named_buffers()] == [
        "steps", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked",
    ]  # fmt: skip
    assert [name for name, _ in model.named_modules()] == ["", "first", "norm", "second", "second.0", "second.1"]
    assert [name for name, _ in model.named_children()] == ["first", "norm", "second"]
    assert list(model.state_dict()) == [
        "scale", "first.weight", "first.bias", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var",
        "norm.num_batches_tracked", "second.1.weight", "second.1.bias",
    ]  # fmt: skip
    assert model.get_submodule("second.1") is model.second[1]
    with pytest.raises(AttributeError, match="missing"):
        model.missing


def test_state_dict() -> None:
    model, other = Network(), Network()
    other.load_state_dict(model.state_dict())
    x = alula.asarray(random(5, 3))
    assert np.array_equal(model.eval()(x).detach().numpy(), other.eval()(x).detach().numpy())
    state = model.state_dict()
    state["scale"].fill_(7)
    assert model.scale.item() == 7, "the state shares the parameters' memory"
    before = other.first.weight.detach().clone()
    wrong = {**state, "first.bias": alula.zeros(9)}
    with pytest.raises(ValueError, match=r"first.bias.*\(9,\).*\(4,\)"):
        other.load_state_dict(wrong)
    assert np.array_equal(other.first.weight.detach().numpy(), before.numpy())
    del state["scale"]
    state["odd"] = alula.zeros(1)
    with pytest.raises(KeyError, match=r"missing scale.*unexpected odd"):
        other.load_state_dict(state)
    assert other.load_state_dict(state, strict=False) == (["scale"], ["odd"])


def test_tied_parameters() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(5, 3)
            self.head = nn.Linear(3, 5, bias=False)
            self.head.weight = self.embedding.weight

    model = Tied()
    assert len(list(model.parameters())) == 1
    model.head(model.embedding(alula.tensor([1]))).sum().backward()
    assert model.head.weight.grad is not None
    assert model.head.weight.grad.tolist() == model.embedding.weight.grad.tolist()
    assert model.double().head.weight is model.embedding.weight and model.head.weight.dtype == alula.float64


def test_modes_and_gradients() -> None:
    model = Network()
    assert model.training and not model.eval().second[0].training
    assert model.train() is model and model.norm.training
    model(alula.asarray(random(5, 3))).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad(set_to_none=False)
    assert model.scale.grad is not None and model.scale.grad.item() == 0
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())
    model.requires_grad_(False)
    assert not model(alula.asarray(random(5, 3))).requires_grad
    sizes = []
    model.apply(lambda module: sizes.append(type(module).__name__))
    assert sizes == ["Linear", "BatchNorm1d", "ReLU", "Linear", "Sequential", "Network"]


def test_assignment() -> None:
    model = Network()
    model.scale = None
    assert "scale" not in dict(model.named_parameters())
    model.scale = nn.Parameter(alula.zeros(1))
    with pytest.raises(TypeError, match=r"nn\.Parameter"):
        model.scale = alula.zeros(1)
    model.steps = alula.ones(1)
    assert dict(model.named_buffers())["steps"].item() == 1
    del model.first
    assert not hasattr(model, "first")

    class Early(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match="super"):
        Early()
    with pytest.raises(NotImplementedError, match="forward"):
        nn.Module()(1)
    with pytest.raises(KeyError, match="dot"):
        model.add_module("a.b", nn.ReLU())


def test_containers() -> None:
    model = nn.Sequential(OrderedDict(a=nn.Linear(2, 3), b=nn.ReLU()))
    assert len(model) == 2 and model[-1] is model.b and isinstance(model[:1], nn.Sequential)
    assert list(model[:1].state_dict()) == ["a.weight", "a.bias"]
    layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
    layers.append(nn.ReLU())
    layers.insert(0, nn.Tanh())
    assert [type(m).__name__ for m in layers] == ["Tanh", "Linear", "Linear", "Linear", "ReLU"]
    del layers[0]
    assert len(layers) == 4 and len(list(layers.parameters())) == 6 and isinstance(layers[1:], nn.ModuleList)
    with pytest.raises(IndexError):
        layers[9]
    table = nn.ModuleDict({"x": nn.Linear(1, 1)})
    table["y"] = nn.ReLU()
    assert list(table) == ["x", "y"] and "x" in table and list(table.state_dict()) == ["x.weight", "x.bias"]


def test_copies() -> None:
    model = Network()
    twin = copy.deepcopy(model)
    assert twin.first.weight is not model.first.weight
    assert np.array_equal(twin.first.weight.detach().numpy(), model.first.weight.detach().numpy())
    twin.first.weight.detach().fill_(0)
    assert model.first.weight.detach().numpy().any()
    assert isinstance(twin.scale, nn.Parameter) and twin.scale.requires_grad
    restored = pickle.loads(pickle.dumps(model.first))
    assert np.array_equal(restored.weight.detach().numpy(), model.first.weight.detach().numpy())


def test_forward_hooks() -> None:
    layer = nn.ReLU()
    seen = []
    handle = layer.register_forward_hook(lambda module, args, out: seen.append(out.tolist()))
    before = layer.register_forward_pre_hook(lambda module, args: args[0] + 1)
    assert layer(alula.tensor([-2.0, 1.0])).tolist() == [0, 2] and seen == [[0, 2]]
    handle.remove()
    before.remove()
    assert layer(alula.tensor([1.0])).tolist() == [1] and len(seen) == 1


def test_printing() -> None:
    assert repr(Network()) == (
        "Network(\n"
        "  (first): Linear(in_features=3, out_features=4, bias=True)\n"
        "  (norm): BatchNorm1d(4, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)\n"
        "  (second): Sequential(\n"
        "    (0): ReLU()\n"
        "    (1): Linear(in_features=4, out_features=2, bias=True)\n"
        "  )\n"
        ")"
    )


# ---- Initial values -------------------------------------------------------------------------------------


def test_initial_values() -> None:
    alula.manual_seed(0)
    weight = nn.Linear(400, 300).weight.detach().numpy()
    bound = 1 / 20
    assert np.abs(weight).max() <= bound and abs(weight.std() - bound / math.sqrt(3)) < 1e-3
    kernel = nn.Conv2d(16, 64, 5).weight.detach().numpy()
    bound = 1 / math.sqrt(16 * 25)
    assert np.abs(kernel).max() <= bound and abs(kernel.std() - bound / math.sqrt(3)) < 1e-3
    table = nn.Embedding(500, 100).weight.detach().numpy()
    assert abs(table.std() - 1) < 0.02


def test_init_functions() -> None:
    w = alula.empty(300, 200)
    assert nn.init.xavier_uniform_(w) is w
    assert abs(w.numpy().std() - math.sqrt(2 / 500)) < 1e-3
    assert abs(nn.init.kaiming_normal_(w, nonlinearity="relu").numpy().std() - math.sqrt(2 / 200)) < 2e-3
    assert abs(nn.init.kaiming_uniform_(w, a=math.sqrt(5)).numpy().max() - 1 / math.sqrt(200)) < 1e-4
    assert abs(nn.init.xavier_normal_(w, gain=2).numpy().std() - 2 * math.sqrt(2 / 500)) < 3e-3
    values = nn.init.trunc_normal_(w, std=2.0, a=-1, b=3).numpy()
    assert values.min() >= -1 and values.max() <= 3
    assert np.array_equal(nn.init.eye_(alula.empty(2, 3)).numpy(), np.eye(2, 3))
    p = nn.Parameter(alula.empty(3))
    assert nn.init.constant_(p, 4).tolist() == [4, 4, 4] and p.requires_grad


def test_clipping() -> None:
    w = [alula.tensor([3.0, 0.0], requires_grad=True), alula.tensor([0.0], requires_grad=True)]
    w[0].grad, w[1].grad = alula.tensor([3.0, 0.0]), alula.tensor([4.0])
    assert abs(nn.utils.clip_grad_norm_(w, 1.0).item() - 5) < 1e-6
    assert np.allclose(w[0].grad.numpy(), [0.6, 0], atol=1e-6) and np.allclose(w[1].grad.numpy(), [0.8], atol=1e-6)
    nn.utils.clip_grad_value_(w, 0.7)
    assert abs(w[1].grad.item() - 0.7) < 1e-6
