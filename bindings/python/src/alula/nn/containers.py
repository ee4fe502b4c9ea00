"""Modules that hold modules."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from operator import index
from typing import Any, overload

from .module import Module
from .parameter import Parameter


class _Numbered(Module):
    """Modules by number."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        self.extend(modules)

    def append(self, module: Module) -> Any:
        self.add_module(str(len(self._modules)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        for module in modules:
            self.append(module)
        return self

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    def _name(self, i: int) -> str:
        count = len(self)
        if not -count <= index(i) < count:
            raise IndexError(f"module {i} of {count}")
        return list(self._modules)[i]

    @overload
    def __getitem__(self, i: int) -> Module: ...
    @overload
    def __getitem__(self, i: slice) -> Any: ...
    def __getitem__(self, i: int | slice) -> Any:
        if isinstance(i, slice):
            return self._like(list(self._modules.items())[i])
        return self._modules[self._name(i)]

    def _like(self, items: list[tuple[str, Any]]) -> Any:
        return type(self)([module for _, module in items])

    def __setitem__(self, i: int, module: Module) -> None:
        self._modules[self._name(i)] = module

    def __delitem__(self, i: int) -> None:
        del self._modules[self._name(i)]
        remaining = list(self._modules.values())
        self._modules.clear()
        self._modules.update({str(n): module for n, module in enumerate(remaining)})


class Sequential(_Numbered):
    """Modules one after the other, each called with the result of the one before.

    >>> from alula import nn
    >>> nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
    )
    """

    def __init__(self, *modules: Module | Mapping[str, Module]) -> None:
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            self.extend(modules)  # type: ignore[arg-type]

    def forward(self, x: Any) -> Any:
        for module in self.children():
            x = module(x)
        return x

    def _like(self, items: list[tuple[str, Any]]) -> Any:
        return Sequential(OrderedDict(items))


class ModuleList(_Numbered):
    """A list of modules."""

    def insert(self, i: int, module: Module) -> None:
        modules: list[Any] = list(self._modules.values())
        modules.insert(i, module)
        self._modules.clear()
        self._modules.update({str(n): module for n, module in enumerate(modules)})


class ModuleDict(Module):
    """Modules by name."""

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        self.update(modules or {})

    def update(self, modules: Mapping[str, Module]) -> None:
        for name, module in modules.items():
            self.add_module(name, module)

    def __getitem__(self, name: str) -> Any:
        return self._modules[name]

    def __setitem__(self, name: str, module: Module) -> None:
        self.add_module(name, module)

    def __delitem__(self, name: str) -> None:
        del self._modules[name]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, name: str) -> bool:
        return name in self._modules

    def keys(self) -> Iterable[str]:
        return self._modules.keys()

    def values(self) -> Iterable[Any]:
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Any]]:
        return self._modules.items()


class ParameterList(Module):
    """A list of parameters."""

    def __init__(self, parameters: Iterable[Any] = ()) -> None:
        super().__init__()
        for parameter in parameters:
            self.append(parameter)

    def append(self, parameter: Any) -> ParameterList:
        if not isinstance(parameter, Parameter):
            parameter = Parameter(parameter)
        self.register_parameter(str(len(self)), parameter)
        return self

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(list(self.parameters(recurse=False)))

    def __getitem__(self, i: int) -> Any:
        return list(self._parameters.values())[i]
