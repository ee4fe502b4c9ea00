"""Datasets in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from . import _operations as ops
from ._arguments import asarray
from ._generator import Generator
from ._tensor import Tensor


class Dataset:
    """Items by number: subclasses define `__getitem__` and `__len__`."""

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__()")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} has no __len__()")


class TensorDataset(Dataset):
    """Tensors of one length; an item is a tuple with each one's entry.

    >>> import alula
    >>> alula.data.TensorDataset(alula.arange(3), alula.arange(3) * 2)[1]
    (tensor(1), tensor(2))
    """

    def __init__(self, *tensors: Any) -> None:
        self.tensors = tuple(asarray(tensor) for tensor in tensors)
        lengths = {len(tensor) for tensor in self.tensors}
        if len(lengths) != 1:
            raise ValueError(f"TensorDataset: tensors of one length were expected, not of {sorted(lengths)}")

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])


def default_collate(items: Sequence[Any]) -> Any:
    """A batch of items: tensors stacked, numbers as a tensor, tuples and dicts of these."""
    first = items[0]
    if isinstance(first, Tensor):
        return ops.stack(items)
    if isinstance(first, (tuple, list)):
        return type(first)(default_collate(column) for column in zip(*items, strict=True))
    if isinstance(first, dict):
        return {key: default_collate([item[key] for item in items]) for key in first}
    if isinstance(first, np.ndarray):
        return asarray(np.stack(items))
    if isinstance(first, (bool, int, float, complex, np.generic)):
        return asarray(list(items))
    return list(items)


class DataLoader:
    """Batches of a dataset, one pass per iteration.

    Args:
        dataset: Anything with `__getitem__` and `__len__`.
        batch_size: Items in a batch; the last one may have fewer.
        shuffle: A new random order in each pass.
        drop_last: Leave an incomplete last batch out.
        generator: The source of the order; the default one when left out.
        collate_fn: Makes a batch of a list of items.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        drop_last: bool = False,
        generator: Generator | None = None,
        collate_fn: Callable[[list[Any]], Any] | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"DataLoader: batch_size is {batch_size}, but must be at least 1")
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.generator = generator
        self.collate_fn = collate_fn

    def __len__(self) -> int:
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (1 if rest and not self.drop_last else 0)

    def __iter__(self) -> Iterator[Any]:
        count = len(self.dataset)
        order = ops.random_permutation(count, generator=self.generator).numpy() if self.shuffle else np.arange(count)
        for i in range(len(self)):
            rows = order[i * self.batch_size : (i + 1) * self.batch_size]
            if self.collate_fn is None and isinstance(self.dataset, TensorDataset):
                yield list(self.dataset[rows])
            else:
                yield (self.collate_fn or default_collate)([self.dataset[int(row)] for row in rows])


def random_split(dataset: Any, lengths: Sequence[int], generator: Generator | None = None) -> list[Subset]:
    """Parts of a dataset, of given lengths, drawn at random."""
    if sum(lengths) != len(dataset):
        raise ValueError(f"random_split: lengths {list(lengths)} do not make up {len(dataset)}")
    order = ops.random_permutation(len(dataset), generator=generator).numpy()
    ends = np.cumsum(lengths)
    return [Subset(dataset, order[end - length : end]) for end, length in zip(ends, lengths, strict=True)]


class Subset(Dataset):
    """Some items of a dataset."""

    def __init__(self, dataset: Any, indices: Sequence[int] | np.ndarray[Any, Any]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Any:
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)
