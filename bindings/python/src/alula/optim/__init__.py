"""Optimizers, by PyTorch's names."""

from . import lr_scheduler
from .algorithms import SGD, Adam, AdamW
from .optimizer import Optimizer

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "lr_scheduler"]
