"""Sources of random numbers."""

from __future__ import annotations


class Generator:
    """A source of random numbers with a seed of its own."""

    __slots__ = ("_handle",)

    _handle: int | None
