"""Schedules against their formulas, and against PyTorch where that is installed."""

from __future__ import annotations

import importlib.util
import math

import pytest

import alula
from alula.optim import SGD, Adam, lr_scheduler


def optimizer(library=alula, kind="SGD", lr=0.5):
    groups = [{"params": [library.zeros(2, requires_grad=True)]}, {"params": [library.ones(1)], "lr": lr / 4}]
    return getattr(library.optim, kind)(groups, lr=lr, **({"momentum": 0.9} if kind == "SGD" else {}))


SCHEDULES = {
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda epoch: 0.9**epoch + epoch),
    "StepLR": lambda s, o: s.StepLR(o, 3, 0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [2, 5, 5], 0.3),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.8),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.25, 0.75, 6),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 7, 0.01),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 0.9, total_steps=20),
    "OneCycleLR in three phases": lambda s, o: s.OneCycleLR(
        o, [0.9, 0.3], epochs=5, steps_per_epoch=4, three_phase=True, anneal_strategy="linear"
    ),
    "SequentialLR": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, total_iters=4), s.CosineAnnealingLR(o, 8), s.StepLR(o, 2)], [4, 12]
    ),
}


def test_formulas():
    values = {
        "StepLR": lambda t: 0.5 * 0.5 ** (t // 3),
        "ExponentialLR": lambda t: 0.5 * 0.8**t,
        "CosineAnnealingLR": lambda t: 0.01 + 0.49 * (1 + math.cos(math.pi * t / 7)) / 2,
        "LinearLR": lambda t: 0.5 * (0.25 + 0.5 * min(t, 6) / 6),
    }
    for name, value in values.items():
        steps = optimizer()
        schedule = SCHEDULES[name](lr_scheduler, steps)
        for t in range(18):
            assert steps.param_groups[0]["lr"] == pytest.approx(value(t), rel=1e-9), (name, t)
            assert schedule.get_last_lr()[0] == steps.param_groups[0]["lr"]
            schedule.step()


def test_the_optimizer_uses_the_rate():
    w = alula.tensor([1.0], requires_grad=True)
    steps = SGD([w], lr=1.0)
    schedule = lr_scheduler.ExponentialLR(steps, 0.5)
    for _ in range(3):
        w.grad = alula.ones(1)
        steps.step()
        schedule.step()
    assert w.item() == 1 - 1 - 0.5 - 0.25


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_checkpoint_goes_on_where_it_was(name):
    first, second = optimizer(), optimizer()
    schedule, restored = SCHEDULES[name](lr_scheduler, first), SCHEDULES[name](lr_scheduler, second)
    for _ in range(5):
        schedule.step()
    restored.load_state_dict(schedule.state_dict())
    second.load_state_dict(first.state_dict())
    for _ in range(5):
        schedule.step()
        restored.step()
        assert [g["lr"] for g in second.param_groups] == [g["lr"] for g in first.param_groups]


def test_plateau():
    steps = optimizer()
    schedule = lr_scheduler.ReduceLROnPlateau(steps, factor=0.1, patience=1, cooldown=2, min_lr=0.02)
    rates = []
    for metric in [3, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1]:
        schedule.step(alula.tensor(float(metric)))
        rates.append(steps.param_groups[0]["lr"])
    assert rates == pytest.approx([0.5] * 3 + [0.05] * 4 + [0.02] * 6)


def test_errors():
    with pytest.raises(TypeError, match="optimizer"):
        lr_scheduler.StepLR([], 3)
    with pytest.raises(ValueError, match="milestones"):
        lr_scheduler.SequentialLR(optimizer(), [], [])
    with pytest.raises(ValueError, match="below 1"):
        lr_scheduler.ReduceLROnPlateau(optimizer(), factor=1.5)
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.StepLR(optimizer(), 3, last_epoch=4)


# Imported when its tests run: loading it costs seconds.
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_like_pytorch(name, kind):
    import torch

    ours, theirs = optimizer(alula, kind), optimizer(torch, kind)
    schedule = SCHEDULES[name](lr_scheduler, ours)
    other = SCHEDULES[name](torch.optim.lr_scheduler, theirs)
    for epoch in range(18):
        for a, b in zip(ours.param_groups, theirs.param_groups, strict=True):
            assert a["lr"] == pytest.approx(b["lr"], rel=1e-9, abs=1e-12), epoch
            assert a.get("betas") == pytest.approx(b.get("betas")) and a.get("momentum") == pytest.approx(
                b.get("momentum")
            )
        schedule.step()
        other.step()


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
def test_plateau_like_pytorch(mode, threshold_mode):
    import torch

    ours, theirs = Adam([alula.zeros(1)], lr=1.0), torch.optim.Adam([torch.zeros(1)], lr=1.0)
    options = {"mode": mode, "threshold_mode": threshold_mode, "patience": 2, "threshold": 0.1, "cooldown": 1}
    schedule = lr_scheduler.ReduceLROnPlateau(ours, **options)
    other = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **options)
    for k in range(40):
        metric = math.sin(k * k) + 2 + k / 40
        schedule.step(metric)
        other.step(metric)
        assert ours.param_groups[0]["lr"] == theirs.param_groups[0]["lr"], k
