"""The base of all layers and models."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .._arguments import asarray
from .._base import TensorBase
from .._tensor import Tensor
from ..autograd import no_grad
from .parameter import Parameter

if TYPE_CHECKING:
    from typing import NamedTuple, Self

    class _Mismatch(NamedTuple):
        missing_keys: list[str]
        unexpected_keys: list[str]
else:
    from collections import namedtuple

    _Mismatch = namedtuple("_Mismatch", "missing_keys unexpected_keys")


class Module:
    """A function with parameters, buffers and other modules inside, found by assigning them to attributes.

    >>> from alula import nn
    >>> class Network(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden = nn.Linear(4, 8)
    ...         self.out = nn.Linear(8, 2)
    ...     def forward(self, x):
    ...         return self.out(nn.functional.relu(self.hidden(x)))
    >>> Network()
    Network(
      (hidden): Linear(in_features=4, out_features=8, bias=True)
      (out): Linear(in_features=8, out_features=2, bias=True)
    )
    """

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _transient: set[str]

    def __init__(self) -> None:
        for name, value in (
            ("training", True),
            ("_parameters", {}),
            ("_buffers", {}),
            ("_modules", {}),
            ("_transient", set()),
            ("_forward_hooks", {}),
            ("_forward_pre_hooks", {}),
        ):
            object.__setattr__(self, name, value)

    # ---- Calls ------------------------------------------------------------------------------------------

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; subclasses say."""
        raise NotImplementedError(f"{type(self).__name__} has no forward()")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self._forward_hooks and not self._forward_pre_hooks:
            return self.forward(*args, **kwargs)
        for before in tuple(self._forward_pre_hooks.values()):
            changed = before(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        result = self.forward(*args, **kwargs)
        for after in tuple(self._forward_hooks.values()):
            changed = after(self, args, result)
            if changed is not None:
                result = changed
        return result

    def register_forward_hook(self, hook: Callable[..., Any]) -> ModuleHook:
        """Calls `hook(module, args, result)` after every forward; what it returns takes the result's place."""
        return ModuleHook(self._forward_hooks, hook)

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> ModuleHook:
        """Calls `hook(module, args)` before every forward; what it returns takes the arguments' place."""
        return ModuleHook(self._forward_pre_hooks, hook)

    # ---- Attributes -------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        tables = self.__dict__
        if "_parameters" not in tables:
            if isinstance(value, (Parameter, Module)):
                raise AttributeError(f"call super().__init__() before assigning {name!r}")
            object.__setattr__(self, name, value)
            return
        for kind, table in ((Parameter, "_parameters"), (Module, "_modules")):
            if isinstance(value, kind):
                for other in ("_parameters", "_buffers", "_modules"):
                    tables[other].pop(name, None) if other != table else None
                tables.pop(name, None)
                tables[table][name] = value
                return
        for table in ("_parameters", "_modules", "_buffers"):
            if name in tables[table]:
                if value is None or (table == "_buffers" and isinstance(value, TensorBase)):
                    tables[table][name] = value
                    return
                if table == "_parameters" and isinstance(value, TensorBase):
                    raise TypeError(f"{name!r} is a parameter: assign an nn.Parameter or None, not a plain tensor")
                del tables[table][name]
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        tables = self.__dict__
        for table in ("_parameters", "_buffers", "_modules"):
            if table in tables and name in tables[table]:
                return tables[table][name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __delattr__(self, name: str) -> None:
        for table in (self._parameters, self._buffers, self._modules):
            if name in table:
                del table[name]
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._parameters, *self._buffers, *self._modules})

    def register_parameter(self, name: str, parameter: Parameter | None) -> None:
        """A parameter under a name; None for one that is left out."""
        self._check_name(name)
        self._parameters[name] = parameter

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """A tensor that belongs to the state but is not learned; when not persistent, it stays out of `state_dict`."""
        self._check_name(name)
        self._buffers[name] = tensor
        if not persistent:
            self._transient.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """A module under a name."""
        self._check_name(name)
        self._modules[name] = module

    register_module = add_module

    def _check_name(self, name: str) -> None:
        if "." in name or not name:
            raise KeyError(f"{name!r} cannot name a part of a module: it is empty or has a dot")
        if name not in (*self._parameters, *self._buffers, *self._modules) and hasattr(self, name):
            raise KeyError(f"attribute {name!r} exists already")

    # ---- Parts ------------------------------------------------------------------------------------------

    def named_modules(self, memo: set[Module] | None = None, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all inside, each once, with their dotted names."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name)

    def modules(self) -> Iterator[Module]:
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        return ((name, module) for name, module in self._modules.items() if module is not None)

    def children(self) -> Iterator[Module]:
        return (module for _, module in self.named_children())

    def _named(self, table: str, recurse: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for prefix, module in self.named_modules() if recurse else [("", self)]:
            for name, value in getattr(module, table).items():
                if value is not None and id(value) not in seen:
                    seen.add(id(value))
                    yield f"{prefix}.{name}" if prefix else name, value

    def named_parameters(self, recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """All parameters, each once, with their dotted names."""
        return self._named("_parameters", recurse)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once."""
        return (parameter for _, parameter in self.named_parameters(recurse))

    def named_buffers(self, recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        return self._named("_buffers", recurse)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        return (buffer for _, buffer in self.named_buffers(recurse))

    def get_submodule(self, target: str) -> Module:
        module: Any = self
        for name in target.split(".") if target else []:
            module = module._modules.get(name)
            if module is None:
                raise AttributeError(f"{type(self).__name__} has no module {target!r}")
        found: Module = module
        return found

    # ---- State ------------------------------------------------------------------------------------------

    def state_dict(self, prefix: str = "") -> OrderedDict[str, Tensor]:
        """Parameters and buffers by name, sharing their memory."""
        state: OrderedDict[str, Tensor] = OrderedDict()
        for name, parameter in self._parameters.items():
            if parameter is not None:
                state[prefix + name] = parameter.detach()
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._transient:
                state[prefix + name] = buffer.detach()
        for name, module in self.named_children():
            state.update(module.state_dict(f"{prefix}{name}."))
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> _Mismatch:
        """Copies values into parameters and buffers by name.

        Raises:
            KeyError: names that are missing or unknown, when strict.
            ValueError: a shape that does not fit. Nothing is changed then.
        """
        own = self.state_dict()
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        if strict and (missing or unexpected):
            raise KeyError(
                f"state of {type(self).__name__}: missing {', '.join(missing) or 'nothing'}; "
                f"unexpected {', '.join(unexpected) or 'nothing'}"
            )
        values = {name: asarray(state_dict[name]).detach() for name in own if name in state_dict}
        for name, value in values.items():
            if value.shape != own[name].shape:
                raise ValueError(f"{name}: shape {value.shape} does not fit the module's {own[name].shape}")
        with no_grad():
            for name, value in values.items():
                own[name].copy_(value)
        return _Mismatch(missing, unexpected)

    # ---- All parts at once ------------------------------------------------------------------------------

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Calls `function` on all modules inside, then on this one."""
        for module in self.children():
            module.apply(function)
        function(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Switches layers such as dropout to training, or to evaluation."""
        for module in self.modules():
            object.__setattr__(module, "training", bool(mode))
        return self

    def eval(self) -> Self:
        """Switches layers such as dropout to evaluation."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the parameters' gradients, or makes them zero."""
        for parameter in self.parameters():
            gradient = parameter.grad
            if gradient is not None:
                parameter.grad = None if set_to_none else gradient.detach() * 0

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Converts floating parameters and buffers to a dtype; the only device is the CPU."""
        replaced: dict[int, Parameter] = {}
        for module in self.modules():
            for name, parameter in module._parameters.items():
                if parameter is not None and parameter.is_floating_point():
                    if id(parameter) not in replaced:
                        value = parameter.detach().to(*args, **kwargs)
                        same = value.dtype is parameter.dtype
                        replaced[id(parameter)] = (
                            parameter if same else Parameter(value, requires_grad=parameter.requires_grad)
                        )
                    module._parameters[name] = replaced[id(parameter)]
            for name, buffer in module._buffers.items():
                if buffer is not None and buffer.is_floating_point():
                    module._buffers[name] = buffer.to(*args, **kwargs)
        return self

    def float(self) -> Self:
        return self.to("float32")

    def double(self) -> Self:
        return self.to("float64")

    def half(self) -> Self:
        return self.to("float16")

    def bfloat16(self) -> Self:
        return self.to("bfloat16")

    def cpu(self) -> Self:
        return self

    # ---- Printing ---------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands between the parentheses of the module's line."""
        return ""

    def __repr__(self) -> str:
        lines = []
        for name, module in self._modules.items():
            first, *rest = repr(module).split("\n")
            lines += [f"  ({name}): {first}", *(f"  {line}" for line in rest)]
        extra = self.extra_repr()
        name = type(self).__name__
        if not lines:
            return f"{name}({extra})"
        return "\n".join([f"{name}(", *([f"  {extra}"] if extra else []), *lines, ")"])


class ModuleHook:
    """A registered hook; `remove()` forgets it."""

    def __init__(self, table: dict[int, Callable[..., Any]], hook: Callable[..., Any]) -> None:
        self._table = table
        self._key = id(self)
        table[self._key] = hook

    def remove(self) -> None:
        self._table.pop(self._key, None)
