"""Sources of random numbers."""

from __future__ import annotations

from ctypes import byref, c_uint64, c_void_p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._arguments import device_code, integer
from ._library import failure, held

_STATE_SIZE = 24
_release = held.alula_generator_release


class Generator:
    """A source of random numbers, whose stream depends on its seed alone.

    >>> import alula
    >>> generator = alula.Generator(seed=3)
    >>> first = alula.rand(2, generator=generator)
    >>> _ = generator.manual_seed(3)
    >>> bool((alula.rand(2, generator=generator) == first).all())
    True
    """

    __slots__ = ("__weakref__", "_handle")

    _handle: int | None

    def __init__(self, device: Any = "cpu", seed: int | None = None) -> None:
        device_code(device)
        out = c_void_p()
        if status := held.alula_generator_create(byref(out), (seed or 0) % 2**64):
            raise failure(status)
        self._handle = out.value
        if seed is None:
            self.seed()

    def __del__(self, release: Any = _release) -> None:
        try:
            handle = self._handle
        except AttributeError:  # __init__ failed
            return
        release(handle)

    def manual_seed(self, seed: int) -> Generator:
        """Starts the stream of a seed."""
        if status := held.alula_generator_set_seed(self._handle, integer(seed) % 2**64):
            raise failure(status)
        return self

    def seed(self) -> int:
        """Starts the stream of a seed drawn from the operating system, and tells which."""
        out = c_uint64()
        if status := held.alula_generator_set_random_seed(byref(out), self._handle):
            raise failure(status)
        return out.value

    def initial_seed(self) -> int:
        """The seed of the stream."""
        out = c_uint64()
        if status := held.alula_generator_seed(byref(out), self._handle):
            raise failure(status)
        return out.value

    def get_state(self) -> NDArray[np.uint8]:
        """All that decides what comes next."""
        state = np.zeros(_STATE_SIZE, np.uint8)
        if status := held.alula_generator_state(state.ctypes.data, _STATE_SIZE, self._handle):
            raise failure(status)
        return state

    def set_state(self, state: Any) -> None:
        """Goes on where `get_state` was called."""
        data = np.ascontiguousarray(np.asarray(state), np.uint8).tobytes()
        if status := held.alula_generator_set_state(self._handle, data, len(data)):
            raise failure(status)


def _default() -> Generator:
    out = c_void_p()
    if status := held.alula_generator_default(byref(out)):
        raise failure(status)
    generator = Generator.__new__(Generator)
    generator._handle = out.value
    return generator


#: What is used where no generator is given.
default_generator = _default()


def manual_seed(seed: int) -> Generator:
    """Seeds the default generator."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seeds the default generator from the operating system, and tells with what."""
    return default_generator.seed()


def initial_seed() -> int:
    """The default generator's seed."""
    return default_generator.initial_seed()


def get_rng_state() -> NDArray[np.uint8]:
    """The default generator's state."""
    return default_generator.get_state()


def set_rng_state(state: Any) -> None:
    """Sets the default generator's state."""
    default_generator.set_state(state)
