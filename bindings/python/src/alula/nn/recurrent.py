"""Recurrent layers over sequences, and their cells."""

from __future__ import annotations

import math
from typing import Any

from .. import _operations as ops
from .._tensor import Tensor
from . import functional, init
from .module import Module
from .parameter import Parameter


class _Recurrent(Module):
    """What recurrent modules share: parameters that start uniform within ±1/√hidden_size."""

    #: Rows of the weights per hidden unit, and tensors that make up a state.
    _gates: int
    _states = 1

    input_size: int
    hidden_size: int

    def _add_weights(self, input_size: int, suffix: str, bias: bool, dtype: Any) -> None:
        rows = self._gates * self.hidden_size
        shapes = {"weight_ih": (rows, input_size), "weight_hh": (rows, self.hidden_size)}
        for name, shape in shapes.items():
            setattr(self, name + suffix, Parameter(ops.empty(shape, dtype)))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name + suffix, Parameter(ops.empty(rows, dtype)) if bias else None)

    def _weights(self, suffix: str) -> dict[str, Any]:
        """The operation's arguments of these names."""
        return {name: getattr(self, name + suffix) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}

    def reset_parameters(self) -> None:
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size else 0.0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _run(self, x: Tensor, state: tuple[Tensor | None, ...], suffix: str, reverse: bool) -> tuple[Tensor, ...]:
        """All steps of one layer in one direction: the hidden states, and the last state."""
        raise NotImplementedError

    def _state(self, hx: Any, shape: tuple[int, ...]) -> tuple[Tensor | None, ...]:
        """The tensors of a state, None where zeros are meant."""
        if hx is None:
            return (None,) * self._states
        tensors = (hx,) if self._states == 1 else tuple(hx)
        if len(tensors) != self._states or any(tensor.shape != shape for tensor in tensors):
            shapes = ", ".join(str(tensor.shape) for tensor in tensors)
            raise ValueError(f"the first state has shape {shapes}; {self._states} of {shape} expected")
        return tensors


class _Layers(_Recurrent):
    """Layers of a recurrent network one upon the other."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if num_layers < 1:
            raise ValueError(f"num_layers must be at least 1, not {num_layers}")
        if not 0 <= dropout <= 1:
            raise ValueError(f"dropout must be a probability, not {dropout}")
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = dropout
        self.bidirectional = bidirectional
        for layer in range(num_layers):
            size = input_size if layer == 0 else hidden_size * len(self._directions)
            for direction in self._directions:
                self._add_weights(size, f"_l{layer}{direction}", bias, dtype)
        self.reset_parameters()

    @property
    def _directions(self) -> tuple[str, ...]:
        return ("", "_reverse") if self.bidirectional else ("",)

    def forward(self, x: Tensor, hx: Any = None) -> tuple[Tensor, Any]:
        batched = x.ndim == 3
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            raise ValueError(f"an input (T, N, {self.input_size}) or (T, {self.input_size}) is expected, not {x.shape}")
        if not batched:
            x = ops.expand_dims(x, 1)
        elif self.batch_first:
            x = ops.permute_dims(x, (1, 0, 2))
        count = self.num_layers * len(self._directions)
        shape = (count, self.hidden_size) if not batched else (count, x.shape[1], self.hidden_size)
        first = self._state(hx, shape)
        if not batched:
            first = tuple(None if state is None else ops.expand_dims(state, 1) for state in first)

        last: list[list[Tensor]] = [[] for _ in range(self._states)]
        for layer in range(self.num_layers):
            outputs = []
            for direction in self._directions:
                number = len(last[0])
                state = tuple(None if tensors is None else tensors[number] for tensors in first)
                out, *final = self._run(x, state, f"_l{layer}{direction}", direction != "")
                outputs.append(out)
                for tensors, tensor in zip(last, final, strict=True):
                    tensors.append(tensor)
            x = outputs[0] if len(outputs) == 1 else ops.concat(outputs, -1)
            if self.dropout and layer < self.num_layers - 1:
                x = functional.dropout(x, self.dropout, self.training)

        states = tuple(ops.stack(tensors) for tensors in last)
        if not batched:
            x, states = x[:, 0], tuple(state[:, 0] for state in states)
        elif self.batch_first:
            x = ops.permute_dims(x, (1, 0, 2))
        return x, states[0] if self._states == 1 else states

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        defaults = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False}
        parts += [f"{name}={getattr(self, name)}" for name, value in defaults.items() if getattr(self, name) != value]
        return ", ".join(parts)


class RNN(_Layers):
    """h ← tanh(weight_ih x + bias_ih + weight_hh h + bias_hh), or relu of it.

    >>> import alula
    >>> out, last = alula.nn.RNN(3, 5)(alula.zeros(7, 2, 3))
    >>> out.shape, last.shape
    ((7, 2, 5), (1, 2, 5))
    """

    _gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype)
        self.nonlinearity = _known(nonlinearity)

    def _run(self, x: Tensor, state: tuple[Tensor | None, ...], suffix: str, reverse: bool) -> tuple[Tensor, ...]:
        options = {**self._weights(suffix), "nonlinearity": self.nonlinearity}
        return ops.rnn(x, hidden=state[0], reverse=reverse, **options)


class LSTM(_Layers):
    """Long short-term memory; the state is a pair (h, c).

    >>> import alula
    >>> out, (h, c) = alula.nn.LSTM(3, 5, num_layers=2)(alula.zeros(7, 2, 3))
    >>> out.shape, h.shape, c.shape
    ((7, 2, 5), (2, 2, 5), (2, 2, 5))
    """

    _gates = 4
    _states = 2

    def _run(self, x: Tensor, state: tuple[Tensor | None, ...], suffix: str, reverse: bool) -> tuple[Tensor, ...]:
        return ops.lstm(x, hidden=state[0], cell=state[1], reverse=reverse, **self._weights(suffix))


class GRU(_Layers):
    """Gated recurrent units.

    >>> import alula
    >>> out, last = alula.nn.GRU(3, 5, batch_first=True, bidirectional=True)(alula.zeros(2, 7, 3))
    >>> out.shape, last.shape
    ((2, 7, 10), (2, 2, 5))
    """

    _gates = 3

    def _run(self, x: Tensor, state: tuple[Tensor | None, ...], suffix: str, reverse: bool) -> tuple[Tensor, ...]:
        return ops.gru(x, hidden=state[0], reverse=reverse, **self._weights(suffix))


class _Cell(_Recurrent):
    """One step of a recurrent layer."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, dtype: Any = None) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        self._add_weights(input_size, "", bias, dtype)
        self.reset_parameters()

    def forward(self, x: Tensor, hx: Any = None) -> Any:
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            raise ValueError(f"an input (N, {self.input_size}) or ({self.input_size},) is expected, not {x.shape}")
        state = self._state(hx, (*x.shape[:-1], self.hidden_size))
        single = x.ndim == 1
        if single:
            x = ops.expand_dims(x, 0)
            state = tuple(None if tensor is None else ops.expand_dims(tensor, 0) for tensor in state)
        _, *last = self._run(ops.expand_dims(x, 0), state, "", False)
        if single:
            last = [tensor[0] for tensor in last]
        return last[0] if self._states == 1 else tuple(last)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class RNNCell(_Cell):
    """One step of `RNN`: the new hidden state."""

    _gates = 1

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, dtype)
        self.nonlinearity = _known(nonlinearity)

    def _run(self, x: Tensor, state: tuple[Tensor | None, ...], suffix: str, reverse: bool) -> tuple[Tensor, ...]:
        options = {**self._weights(suffix), "nonlinearity": self.nonlinearity}
        return ops.rnn(x, hidden=state[0], reverse=reverse, **options)

    def extra_repr(self) -> str:
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class LSTMCell(_Cell):
    """One step of `LSTM`: the new hidden state and cell."""

    _gates = 4
    _states = 2
    _run = LSTM._run


class GRUCell(_Cell):
    """One step of `GRU`: the new hidden state."""

    _gates = 3
    _run = GRU._run


def _known(nonlinearity: str) -> str:
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"nonlinearity {nonlinearity!r} is neither 'tanh' nor 'relu'")
    return nonlinearity
