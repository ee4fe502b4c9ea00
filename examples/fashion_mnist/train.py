"""Trains a small convolutional network on Fashion-MNIST."""

import argparse
import resource
from pathlib import Path

import fashion_mnist
import numpy as np
import report
from tqdm import tqdm

import alula
from alula import nn, optim
from alula.nn import functional as F


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 5, padding=2)
        self.conv2 = nn.Conv2d(32, 64, 5, padding=2)
        self.fc1 = nn.Linear(64 * 7 * 7, 256)
        self.fc2 = nn.Linear(256, 10)

    def forward(self, x: alula.Tensor) -> alula.Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def batch_of(images: np.ndarray) -> alula.Tensor:
    """Bytes (N, 28, 28) as floats (N, 1, 28, 28) between 0 and 1."""
    return alula.asarray(images[:, None]).float() / 255


def train(model: Network, images: np.ndarray, labels: np.ndarray, options: argparse.Namespace) -> list[float]:
    """Returns the loss of every step."""
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    order = np.random.default_rng(options.seed)
    losses = []
    model.train()
    for epoch in range(options.epochs):
        batches = np.array_split(order.permutation(len(images)), -(-len(images) // options.batch_size))
        with tqdm(batches, desc=f"epoch {epoch + 1}", unit="batch", smoothing=0.05, disable=None) as bar:
            for rows in bar:
                loss = F.cross_entropy(model(batch_of(images[rows])), alula.asarray(labels[rows].astype(np.int64)))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
                bar.set_postfix(loss=f"{losses[-1]:.3f}")
        print(f"epoch {epoch + 1}, mean loss {np.mean(losses[-len(batches) :]):.4f}")
    return losses


def evaluate(model: Network, images: np.ndarray) -> np.ndarray:
    """The logits (N, 10)."""
    model.eval()
    with alula.no_grad():
        return np.concatenate([model(batch_of(images[i : i + 500])).numpy() for i in range(0, len(images), 500)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="default: all processors")
    parser.add_argument("--data", type=Path, default=fashion_mnist.DEFAULT_DIRECTORY, help="folder of the IDX files")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the results")
    options = parser.parse_args()
    if options.epochs < 1 or options.batch_size < 1:
        parser.error("--epochs and --batch-size must be at least 1")
    if options.threads:
        alula.set_num_threads(options.threads)
    try:
        images, labels = fashion_mnist.load(options.data, "train")
        test_images, test_labels = fashion_mnist.load(options.data, "t10k")
        options.out.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")

    alula.manual_seed(options.seed)
    model = Network()
    losses = train(model, images, labels, options)
    logits = evaluate(model, test_images)
    print(f"test accuracy {np.mean(logits.argmax(1) == test_labels):.2%} on {len(test_labels)} images")

    alula.save(model.state_dict(), options.out / "model.safetensors")
    alula.save({"logits": alula.asarray(logits)}, options.out / "logits.safetensors")
    report.write(options.out / "report.png", losses, test_images, test_labels, logits)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"wrote model.safetensors, logits.safetensors and report.png to {options.out}; peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
