"""What optimizers share: groups of parameters, each stepped by one of the engine's fused optimizers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from ctypes import Structure, byref, c_void_p, sizeof
from typing import Any

from .._arguments import handles
from .._library import failure, held, lib
from .._maps import TensorMap
from .._tensor import Tensor


class _Engine:
    """Owns one reference to an optimizer of the engine."""

    __slots__ = ("_handle", "options")

    def __init__(self, create: Any, parameters: list[Tensor], options: Structure, given: tuple[Any, ...]) -> None:
        out = c_void_p()
        if status := create(byref(out), handles(parameters), len(parameters), byref(options)):
            raise failure(status)
        self._handle = out.value
        #: The options that it has.
        self.options = given

    def __del__(self, release: Any = held.alula_optimizer_release) -> None:
        try:
            handle = self._handle
        except AttributeError:  # __init__ failed
            return
        release(handle)

    def set_options(self, change: Any, options: Structure, given: tuple[Any, ...]) -> None:
        if status := change(self._handle, byref(options)):
            raise failure(status)
        self.options = given

    def step(self) -> None:
        if status := lib.alula_optimizer_step(self._handle):
            raise failure(status)

    def zero_grad(self) -> None:
        if status := held.alula_optimizer_zero_grad(self._handle):
            raise failure(status)

    def state(self) -> dict[str, Tensor]:
        out = c_void_p()
        if status := held.alula_optimizer_state(byref(out), self._handle):
            raise failure(status)
        return TensorMap(out.value).tensors()

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        contents = TensorMap.of(state)
        if status := lib.alula_optimizer_load_state(self._handle, contents._handle):
            raise failure(status)


class Optimizer:
    """Changes parameters along their gradients. `param_groups` has the options, which may change between steps."""

    #: The option structure's fields after struct_size, in order, as `_values` gives them.
    _options: type[Structure]
    _create: str
    _set_options: str

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self._engines: list[_Engine] = []
        if isinstance(params, Tensor):
            raise TypeError("the parameters must be a list of tensors, not one tensor")
        groups = list(params)
        if not groups:
            raise ValueError("an optimizer needs parameters, and got an empty list")
        if not isinstance(groups[0], Mapping):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _values(self, group: dict[str, Any]) -> tuple[Any, ...]:
        raise NotImplementedError

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Further parameters, with options of their own."""
        given = group["params"]
        parameters = [given] if isinstance(given, Tensor) else [_second(item) for item in given]
        known = {id(parameter) for other in self.param_groups for parameter in other["params"]}
        for parameter in parameters:
            if not isinstance(parameter, Tensor):
                raise TypeError(f"a parameter must be a tensor, not {type(parameter).__name__}")
            if id(parameter) in known:
                raise ValueError("a parameter appears in more than one group")
        merged = {**self.defaults, **group, "params": parameters}
        self._engines.append(self._engine(merged))
        self.param_groups.append(merged)

    def _engine(self, group: dict[str, Any]) -> _Engine:
        values = self._values(group)
        return _Engine(getattr(lib, self._create), group["params"], self._structure(values), values)

    def _structure(self, values: tuple[Any, ...]) -> Structure:
        return self._options(sizeof(self._options), *values)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Changes every parameter that has a gradient. A closure computes the loss anew, and its result is returned."""
        loss = None
        if closure is not None:
            from ..autograd import enable_grad

            with enable_grad():
                loss = closure()
        for group, engine in zip(self.param_groups, self._engines, strict=True):
            values = self._values(group)
            if values != engine.options:
                engine.set_options(getattr(held, self._set_options), self._structure(values), values)
            engine.step()
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Makes the parameters forget their gradients, or makes these zero."""
        if set_to_none:
            for engine in self._engines:
                engine.zero_grad()
            return
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.grad = parameter.grad.detach() * 0

    # ---- Checkpoints ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """What later steps depend on: options by group, and what is remembered of each parameter by its number."""
        state: dict[int, dict[str, Tensor]] = {}
        groups = []
        start = 0
        for group, engine in zip(self.param_groups, self._engines, strict=True):
            count = len(group["params"])
            for name, tensor in engine.state().items():
                number, _, key = name.partition(".")
                state.setdefault(start + int(number), {})[key] = tensor
            options = {key: value for key, value in group.items() if key != "params"}
            groups.append({**options, "params": list(range(start, start + count))})
            start += count
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Goes on where `state_dict` was called."""
        groups = state_dict["param_groups"]
        sizes = [len(group["params"]) for group in self.param_groups]
        if [len(group["params"]) for group in groups] != sizes:
            raise ValueError(f"the state's groups do not have {sizes} parameters")
        for i, saved in enumerate(groups):
            group = self.param_groups[i]
            group.update({key: value for key, value in saved.items() if key != "params"})
            numbers = list(saved["params"])
            entries = {
                f"{k}.{key}": tensor
                for k, number in enumerate(numbers)
                for key, tensor in state_dict["state"].get(number, {}).items()
            }
            engine = self._engine(group)
            engine.load_state(entries)
            self._engines[i] = engine

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {value}" for key, value in sorted(group.items()) if key != "params"]
        return "\n".join([*lines, ")"])


def _second(item: Any) -> Any:
    """A parameter that may come with its name, as from `named_parameters()`."""
    return item[1] if isinstance(item, tuple) and len(item) == 2 else item
