"""Where tensors lie."""

from __future__ import annotations


class Device:
    """A device, such as `Device("cpu")`; equal to its name."""

    __slots__ = ("index", "type")

    def __init__(self, device: str | Device = "cpu") -> None:
        name = str(device)
        if name not in ("cpu", "cpu:0"):
            raise ValueError(f"device {name} is not available; there is 'cpu'")
        self.type = "cpu"
        self.index: int | None = None

    def __str__(self) -> str:
        return self.type

    def __repr__(self) -> str:
        return f"device(type='{self.type}')"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return self.type == other
        return isinstance(other, Device) and self.type == other.type

    def __hash__(self) -> int:
        return hash(self.type)

    def __reduce__(self) -> tuple[type[Device], tuple[str]]:
        return Device, (self.type,)


CPU = Device("cpu")
