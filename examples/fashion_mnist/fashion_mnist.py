"""The Fashion-MNIST images (Xiao, Rasul and Vollgraf 2017) from their IDX files."""

import gzip
import os
from pathlib import Path

import numpy as np

CLASSES = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot")
DEFAULT_DIRECTORY = Path(os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist"))


def read_idx(directory: Path, name: str) -> np.ndarray:
    """The array in `directory/name` or `directory/name.gz`.

    Raises FileNotFoundError when neither exists, ValueError when the file is not a whole IDX file of bytes.
    """
    for path in (directory / name, directory / f"{name}.gz"):
        if path.exists():
            break
    else:
        raise FileNotFoundError(
            f"{directory / name}[.gz] does not exist; install Debian's dataset-fashion-mnist, or name "
            "the directory that has it with --data or FASHION_MNIST"
        )
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, OSError, ValueError) as error:
        raise ValueError(f"{path}: damaged or truncated ({error})") from error
    # Two zero bytes, 8 for unsigned bytes, the rank; then the extents, big-endian; then the elements.
    rank = content[3] if len(content) >= 4 and content[:3] == b"\0\0\x08" else 0
    if not rank:
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    start = 4 + 4 * rank
    shape = tuple(int(extent) for extent in np.frombuffer(content[4:start], ">u4"))
    if len(shape) != rank or len(content) - start != np.prod(shape, dtype=np.int64):
        raise ValueError(f"{path}: truncated or too long for shape {shape}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def load(directory: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 28, 28) and labels (N,) as uint8; `part` is "train" or "t10k"."""
    images = read_idx(directory, f"{part}-images-idx3-ubyte")
    labels = read_idx(directory, f"{part}-labels-idx1-ubyte")
    if images.shape[1:] != (28, 28) or labels.shape != images.shape[:1] or labels.max() >= len(CLASSES):
        raise ValueError(f"{directory}: images {images.shape} and labels {labels.shape} do not match Fashion-MNIST")
    return images, labels
