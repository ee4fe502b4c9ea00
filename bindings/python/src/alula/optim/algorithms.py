"""Stochastic gradient descent, Adam and AdamW."""

from __future__ import annotations

from collections.abc import Iterable
from ctypes import Structure, c_bool, c_double, c_size_t
from typing import Any

from .optimizer import Optimizer


class _SGDOptions(Structure):
    """`alula_sgd_options`"""

    _fields_ = (
        ("struct_size", c_size_t),
        ("learning_rate", c_double),
        ("momentum", c_double),
        ("dampening", c_double),
        ("weight_decay", c_double),
        ("nesterov", c_bool),
        ("maximize", c_bool),
    )


class _AdamOptions(Structure):
    """`alula_adam_options`"""

    _fields_ = (
        ("struct_size", c_size_t),
        ("learning_rate", c_double),
        ("beta1", c_double),
        ("beta2", c_double),
        ("epsilon", c_double),
        ("weight_decay", c_double),
        ("maximize", c_bool),
    )


class SGD(Optimizer):
    """Stochastic gradient descent with momentum, Nesterov's momentum and weight decay.

    >>> import alula
    >>> w = alula.tensor([1.0], requires_grad=True)
    >>> optimizer = alula.optim.SGD([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.item()
    0.0
    """

    _options = _SGDOptions
    _create = "alula_sgd_create"
    _set_options = "alula_sgd_set_options"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def _values(self, group: dict[str, Any]) -> tuple[Any, ...]:
        return (
            float(group["lr"]),
            float(group["momentum"]),
            float(group["dampening"]),
            float(group["weight_decay"]),
            bool(group["nesterov"]),
            bool(group["maximize"]),
        )


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015); weight decay is added to the gradient."""

    _options = _AdamOptions
    _create = "alula_adam_create"
    _set_options = "alula_adam_set_options"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, defaults)

    def _values(self, group: dict[str, Any]) -> tuple[Any, ...]:
        return (
            float(group["lr"]),
            float(group["betas"][0]),
            float(group["betas"][1]),
            float(group["eps"]),
            float(group["weight_decay"]),
            bool(group["maximize"]),
        )


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters themselves (Loshchilov and Hutter, 2019)."""

    _create = "alula_adamw_create"

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, maximize=maximize)
