"""One picture of a training run: loss curve, confusion matrix, and samples with their predictions."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from fashion_mnist import CLASSES


def write(path: Path, losses: list[float], images: np.ndarray, labels: np.ndarray, logits: np.ndarray) -> None:
    """Writes the picture of test `images` (N, 28, 28), `labels` (N,) and `logits` (N, 10) as PNG."""
    predictions = logits.argmax(1)
    figure = plt.figure(figsize=(12, 8.2), layout="constrained")
    grid = figure.add_gridspec(2, 10, height_ratios=[4, 1.25])

    curve = figure.add_subplot(grid[0, :5])
    window = max(1, len(losses) // 50)
    smooth = np.convolve(losses, np.ones(window) / window, mode="valid")
    curve.plot(losses, color="0.8", linewidth=0.8, label="per batch")
    curve.plot(np.arange(len(smooth)) + window // 2, smooth, color="C0", label=f"mean of {window}")
    curve.set(title="Training loss", xlabel="step", ylabel="cross-entropy", ylim=(0, np.quantile(losses, 0.99) * 1.1))
    curve.legend()

    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, predictions), 1)
    matrix = figure.add_subplot(grid[0, 5:])
    matrix.imshow(np.sqrt(counts), cmap="Blues")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            color = "white" if count > counts.max() / 3 else "black"
            matrix.text(column, row, count, ha="center", va="center", fontsize=7, color=color)
    matrix.set_xticks(range(10), CLASSES, rotation=45, ha="right")
    matrix.set_yticks(range(10), CLASSES)
    matrix.set(title=f"Test accuracy {np.mean(predictions == labels):.2%}", xlabel="predicted", ylabel="true")

    for i in range(10):
        sample = figure.add_subplot(grid[1, i])
        sample.imshow(images[i], cmap="gray_r")
        sample.set(xticks=[], yticks=[])
        right = predictions[i] == labels[i]
        caption = CLASSES[predictions[i]] if right else f"{CLASSES[predictions[i]]}\n(is {CLASSES[labels[i]]})"
        sample.set_title(caption, fontsize=9, color="black" if right else "firebrick")
    figure.savefig(path, dpi=110)
    plt.close(figure)
