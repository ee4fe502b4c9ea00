"""Threads, memory, and what the library is."""

from __future__ import annotations

from ctypes import byref, c_int64
from typing import NamedTuple

from ._library import failure, held, lib


def version() -> str:
    """The library's version."""
    text: bytes = lib.alula_version()
    return text.decode()


def isa() -> str:
    """The instruction set whose kernels run: "baseline", "avx2" or "avx512"."""
    text: bytes = lib.alula_isa()
    return text.decode()


def get_num_threads() -> int:
    """The number of threads that an operation may use, its caller included."""
    return int(held.alula_num_threads())


def set_num_threads(count: int) -> None:
    """Sets that number for the whole process. Results do not depend on it."""
    if not 1 <= count <= 256:
        raise ValueError(f"set_num_threads: {count} threads; 1 to 256 are possible")
    if status := lib.alula_set_num_threads(count):
        raise failure(status)


def synchronize() -> None:
    """Returns when everything that was called has been done: for timing.

    Element-wise calls on large tensors may wait until somebody needs what they write or read, and then share one pass
    over memory with those that follow them. Nothing but the time tells. Tensors that share memory with NumPy arrays do
    not wait, since those may change at any time.
    """
    lib.alula_synchronize()


class MemoryUsage(NamedTuple):
    """Bytes of tensors' memory."""

    live: int
    """In use."""
    peak: int
    """The most that was ever in use, since `reset_peak_memory`."""
    cached: int
    """Kept for reuse."""


def memory_usage() -> MemoryUsage:
    """How much memory tensors take."""
    values = [c_int64() for _ in range(3)]
    if status := lib.alula_memory_usage(*map(byref, values)):
        raise failure(status)
    return MemoryUsage(*(value.value for value in values))


def reset_peak_memory() -> None:
    """Makes the peak start again from what is in use."""
    lib.alula_memory_reset_peak()


def trim_memory() -> None:
    """Gives memory that is kept for reuse back to the system."""
    lib.alula_memory_trim()


def live_handles() -> int:
    """The number of handles that were not given back yet: a check for leaks."""
    return int(held.alula_live_handles())
