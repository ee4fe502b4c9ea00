"""First and second gradients of every operation against central differences in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from catalog import OPERATIONS, Case, cases

import alula

STEP = 1e-5
#: Relative to the size of the derivative or of what it was computed from.
FIRST, SECOND = 1e-7, 1e-6


def differentiable(case: Case) -> list[int]:
    """The inputs that may carry a gradient."""
    inputs = case.operation["inputs"]
    return [
        i
        for i, (array, spec) in enumerate(zip(case.arrays, case.sample["inputs"], strict=True))
        if array is not None
        and array.dtype == np.float64
        and spec["dtype"] in (None, "float64")
        and inputs[min(i, len(inputs) - 1)]["role"] in ("value", "any")
    ]


def has(*gradients: str) -> list[Any]:
    found = []
    for name, number in cases(lambda o: o["gradient"] in gradients and "float64" in o["dtypes"]):
        case = Case.make(name, number, "float64")
        if case.attributes.get("padding_idx") is not None:
            continue  # by definition the padding row gets no gradient
        if differentiable(case) and any(array is not None and array.size for array in case.arrays):
            found.append((name, number))
    return found


class Checker:
    """One operation as a function of its floating inputs, with a random weight on every result."""

    def __init__(self, name: str, number: int) -> None:
        self.case = Case.make(name, number, "float64")
        self.inputs = differentiable(self.case)
        self.rng = np.random.default_rng(7)
        #: Conversions are differentiated at full precision.
        self.changes = {
            attribute["name"]: "float64"
            for attribute in self.case.operation["attributes"]
            if attribute["kind"] in ("dtype", "optionalDType") and self.case.attributes.get(attribute["name"])
        }
        self.point = [np.array(self.case.arrays[i]) for i in self.inputs]
        recorded = self.run([alula.tensor(x, requires_grad=True) for x in self.point])
        results = [result.detach() for result in recorded]
        self.outputs = [i for i, result in enumerate(recorded) if result.requires_grad]
        if not any(result.dtype == alula.float64 for result in recorded):
            pytest.skip("counts and places have no gradient")
        assert self.outputs, "no result depends on the inputs"
        self.weights = [self.rng.standard_normal(results[i].shape) for i in self.outputs]
        self.scale = sum(float(np.abs(results[i].numpy()).sum()) for i in self.outputs) + 1.0

    def run(self, tensors: list[alula.Tensor]) -> tuple[alula.Tensor, ...]:
        if any(attribute["kind"] == "generator" for attribute in self.case.operation["attributes"]):
            alula.manual_seed(5)  # the same draw at every point
        arguments: list[alula.Tensor | None] = [
            None if array is None else alula.asarray(np.array(array)) for array in self.case.arrays
        ]
        for i, tensor in zip(self.inputs, tensors, strict=True):
            arguments[i] = tensor
        return self.case.run(arguments, **self.changes)

    def value(self, point: list[np.ndarray]) -> float:
        results = self.run([alula.asarray(x) for x in point])
        return float(sum(np.vdot(w, results[i].numpy()) for i, w in zip(self.outputs, self.weights, strict=True)))

    def gradients(self, point: list[np.ndarray], create_graph: bool = False) -> tuple[list[Any], list[Any]]:
        leaves = [alula.tensor(x, requires_grad=True) for x in point]
        results = self.run(leaves)
        found = alula.grad(
            [results[i] for i in self.outputs],
            leaves,
            grad_outputs=[alula.asarray(w) for w in self.weights],
            create_graph=create_graph,
            allow_unused=True,
        )
        return leaves, list(found)

    def directions(self) -> list[np.ndarray]:
        return [self.rng.standard_normal(x.shape) for x in self.point]

    def moved(self, directions: list[np.ndarray], step: float) -> list[np.ndarray]:
        return [x + step * u for x, u in zip(self.point, directions, strict=True)]


def array_of(gradient: alula.Tensor | None, like: np.ndarray) -> np.ndarray:
    return np.zeros_like(like) if gradient is None else gradient.detach().numpy()


@pytest.mark.parametrize(("name", "number"), has("rule", "composed"))
def test_first(name: str, number: int) -> None:
    checker = Checker(name, number)
    _, found = checker.gradients(checker.point)
    arrays = [array_of(g, x) for g, x in zip(found, checker.point, strict=True)]
    for g, x in zip(arrays, checker.point, strict=True):
        assert g.shape == x.shape
    # Each input alone, then all together.
    every = checker.directions()
    trials = [[u if i == j else np.zeros_like(u) for j, u in enumerate(every)] for i in range(len(every))] + [every]
    for directions in trials:
        want = (checker.value(checker.moved(directions, STEP)) - checker.value(checker.moved(directions, -STEP))) / (
            2 * STEP
        )
        got = float(sum(np.vdot(g, u) for g, u in zip(arrays, directions, strict=True)))
        size = float(sum(np.abs(g * u).sum() for g, u in zip(arrays, directions, strict=True)))
        assert abs(got - want) <= FIRST * (size + checker.scale), f"{got} instead of {want}"


@pytest.mark.parametrize(("name", "number"), has("rule", "composed"))
def test_second(name: str, number: int) -> None:
    checker = Checker(name, number)
    leaves, found = checker.gradients(checker.point, create_graph=True)
    weights = checker.directions()
    terms = [(g, w) for g, w in zip(found, weights, strict=True) if g is not None and g.requires_grad]
    if terms:
        second = alula.grad(
            [g for g, _ in terms],
            leaves,
            grad_outputs=[alula.asarray(w) for _, w in terms],
            allow_unused=True,
        )
    else:
        second = [None] * len(leaves)
    arrays = [array_of(g, x) for g, x in zip(second, checker.point, strict=True)]

    def slope(point: list[np.ndarray]) -> float:
        _, gradients = checker.gradients(point)
        return float(sum(np.vdot(w, array_of(g, w)) for g, w in zip(gradients, weights, strict=True)))

    directions = checker.directions()
    want = (slope(checker.moved(directions, STEP)) - slope(checker.moved(directions, -STEP))) / (2 * STEP)
    got = float(sum(np.vdot(g, u) for g, u in zip(arrays, directions, strict=True)))
    size = float(sum(np.abs(g * u).sum() for g, u in zip(arrays, directions, strict=True)))
    first = float(sum(np.abs(array_of(g, x)).sum() for g, x in zip(found, checker.point, strict=True)))
    assert abs(got - want) <= SECOND * (size + first + checker.scale), f"{got} instead of {want}"


@pytest.mark.parametrize(("name", "number"), has("none"))
def test_none(name: str, number: int) -> None:
    """Where no gradient exists, results are cut off from their inputs."""
    case = Case.make(name, number, "float64")
    tensors = case.tensors()
    for i in differentiable(case):
        tensor = tensors[i]
        assert tensor is not None
        tensor.requires_grad = True
    for result in case.run(tensors):
        assert not result.requires_grad


@pytest.mark.parametrize(("name", "number"), has("unsupported"))
def test_unsupported(name: str, number: int) -> None:
    """Where a gradient exists that Alula does not have, asking for it is an error that names the operation."""
    case = Case.make(name, number, "float64")
    leaves = [
        alula.tensor(array, requires_grad=array.dtype == np.float64) for array in case.arrays if array is not None
    ]
    with pytest.raises((NotImplementedError, RuntimeError), match=name):
        results = case.run(list(leaves))
        alula.grad(
            [r for r in results if r.dtype == alula.float64],
            [leaf for leaf in leaves if leaf.requires_grad],
            grad_outputs=[alula.asarray(np.ones(r.shape)) for r in results if r.dtype == alula.float64],
        )


def test_every_operation_has_a_gradient_or_says_why() -> None:
    assert {o["gradient"] for o in OPERATIONS.values()} <= {"rule", "composed", "none", "unsupported"}
