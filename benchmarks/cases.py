"""What is timed: each case builds, for one library, a call that does the work once; None where it cannot."""

import importlib
from collections.abc import Callable

import numpy as np

Call = Callable[[], object]
random = np.random.default_rng(0)


def array(*shape: int) -> np.ndarray:
    return random.standard_normal(shape, dtype=np.float32)


def set_threads(libraries: list[str], count: int) -> None:
    for library in libraries:
        if library != "numpy":
            importlib.import_module(library).set_num_threads(count)


def library_module(name: str) -> tuple[object, Callable[[np.ndarray], object]]:
    module = importlib.import_module(name)
    return module, {"numpy": lambda a: a, "torch": getattr(module, "from_numpy", None), "alula": module.asarray}[name]


def function(
    make: Callable[[object], Callable[..., object] | None], *arrays: np.ndarray
) -> Callable[[str], Call | None]:
    """A case that applies `make(library)` to the arrays."""

    def build(name: str) -> Call | None:
        module, convert = library_module(name)
        call = make(module)
        if call is None:
            return None
        operands = [convert(a) for a in arrays]
        return lambda: call(*operands)

    return build


def torch_like(make: Callable[[object], Callable[..., object]]) -> Callable[[object], Callable[..., object] | None]:
    """For functions that NumPy lacks."""
    return lambda m: None if m is np else make(m)


def functional(m: object) -> object:
    return importlib.import_module(f"{m.__name__}.nn.functional")


def training_step(
    network: Callable[[object], object], optimizer: str, images: np.ndarray
) -> Callable[[str], Call | None]:
    """Forward, backward and update on one batch of 10 classes."""

    def build(name: str) -> Call | None:
        if name == "numpy":
            return None
        _, convert = library_module(name)
        nn, optim = importlib.import_module(f"{name}.nn"), importlib.import_module(f"{name}.optim")
        model = network(nn)
        steps = getattr(optim, optimizer)(model.parameters(), lr=1e-3)
        x, y = convert(images), convert(random.integers(0, 10, len(images)))

        def step() -> None:
            loss = nn.functional.cross_entropy(model(x), y)
            steps.zero_grad()
            loss.backward()
            steps.step()

        return step

    return build


def mlp(nn: object) -> object:
    return nn.Sequential(nn.Linear(784, 500), nn.ReLU(), nn.Linear(500, 10))


def cnn(nn: object) -> object:
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 256), nn.ReLU(), nn.Linear(256, 10),
    )  # fmt: skip


def matmul(m: object) -> Callable[..., object]:
    return m.matmul


def convolution(padding: int) -> Callable[[object], Callable[..., object] | None]:
    return torch_like(lambda m: lambda x, w: functional(m).conv2d(x, w, padding=padding))


CASES: dict[str, Callable[[str], Call | None]] = {
    "add, 4 elements": function(lambda m: m.add, array(4), array(4)),
    "add, 16M": function(lambda m: m.add, array(1 << 24), array(1 << 24)),
    "exp, 1M": function(lambda m: m.exp, array(1 << 20)),
    "tanh, 1M": function(lambda m: m.tanh, array(1 << 20)),
    "gelu, 1M": function(torch_like(lambda m: functional(m).gelu), array(1 << 20)),
    "sum, 16M": function(lambda m: m.sum, array(1 << 24)),
    "sum over axis 0, 4096×1024": function(lambda m: lambda x: m.sum(x, axis=0), array(4096, 1024)),
    "softmax, 4096×1024": function(torch_like(lambda m: lambda x: functional(m).softmax(x, -1)), array(4096, 1024)),
    "matmul 64³": function(matmul, array(64, 64), array(64, 64)),
    "matmul 256³": function(matmul, array(256, 256), array(256, 256)),
    "matmul 1024³": function(matmul, array(1024, 1024), array(1024, 1024)),
    "matmul 100×784×500": function(matmul, array(100, 784), array(784, 500)),
    "matvec 1024×1024": function(matmul, array(1024, 1024), array(1024)),
    "conv 64×1×28², 32 5×5": function(convolution(2), array(64, 1, 28, 28), array(32, 1, 5, 5)),
    "conv 64×32×14², 64 5×5": function(convolution(2), array(64, 32, 14, 14), array(64, 32, 5, 5)),
    "max-pool 2, 64×32×28²": function(
        torch_like(lambda m: lambda x: functional(m).max_pool2d(x, 2)), array(64, 32, 28, 28)
    ),
    "train step: MLP, SGD": training_step(mlp, "SGD", array(100, 784)),
    "train step: CNN, Adam": training_step(cnn, "Adam", array(64, 1, 28, 28)),
}
