"""Saving and loading: the format of safetensors, whole files or none, clear errors."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

import alula
from alula import nn

DTYPES = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
]


def test_round_trip(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        f"{d}.{i}": (rng.standard_normal(s) * 5).astype(d) for d in DTYPES for i, s in enumerate([(2, 3), (), (0, 4)])
    }
    alula.save(arrays, tmp_path / "x.safetensors")
    loaded = alula.load(tmp_path / "x.safetensors")
    assert list(loaded) == list(arrays)
    for name, array in arrays.items():
        assert loaded[name].dtype == array.dtype and np.array_equal(loaded[name].numpy(), array)
    half = alula.tensor([1.5, -2.0, 3e38]).bfloat16()
    alula.save_file({"half": half}, tmp_path / "b.safetensors")
    assert alula.load_file(tmp_path / "b.safetensors")["half"].tolist() == half.tolist()


def test_others_read_ours(tmp_path: Path) -> None:
    x = alula.arange(6.0).reshape(2, 3)
    alula.save_file({"x": x, "turned": x.T}, tmp_path / "x.safetensors", metadata={"who": "alula"})
    theirs = safetensors.numpy.load_file(tmp_path / "x.safetensors")
    assert np.array_equal(theirs["x"], x.numpy()) and np.array_equal(theirs["turned"], x.numpy().T)


def test_we_read_others(tmp_path: Path) -> None:
    arrays = {"a": np.arange(5, dtype=np.int32), "é": np.eye(3, dtype=np.float16)}
    safetensors.numpy.save_file(arrays, tmp_path / "x.safetensors", metadata={"format": "pt"})
    ours = alula.load(tmp_path / "x.safetensors")
    assert set(ours) == set(arrays)
    for name, array in arrays.items():
        assert np.array_equal(ours[name].numpy(), array)


def test_modules(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    path = tmp_path / "model.safetensors"
    alula.save(model, path)
    other = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    other.load_state_dict(alula.load(path))
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        assert np.array_equal(a.detach().numpy(), b.detach().numpy())


def test_nested(tmp_path: Path) -> None:
    value: dict[Any, Any] = {
        "step": 3, "lr": 0.1, "none": None, "flag": True, "name": "ü",
        "state": {0: {"m": alula.ones(2)}, 1: {}}, "list": [alula.zeros(1), (1, 2.5)], "dtype": alula.float16,
    }  # fmt: skip
    path = tmp_path / "nested.safetensors"
    alula.save(value, path)
    loaded = alula.load(path)
    assert {k: v for k, v in loaded.items() if k not in ("state", "list")} == {
        k: v for k, v in value.items() if k not in ("state", "list")
    }
    assert loaded["state"][0]["m"].tolist() == [1, 1] and loaded["state"][1] == {}
    assert loaded["list"][0].tolist() == [0] and loaded["list"][1] == (1, 2.5)
    assert set(alula.load_file(path)) == {"state.0.m", "list.0"}
    with pytest.raises(TypeError, match="object"):
        alula.save({"x": object()}, path)


def test_failed_writes_leave_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    alula.save({"x": alula.ones(2)}, path)
    with pytest.raises((NotImplementedError, TypeError, ValueError)):
        alula.save({"x": alula.ones(2, dtype=alula.complex128)}, path)
    assert alula.load(path)["x"].tolist() == [1, 1]
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.safetensors"]
    with pytest.raises(OSError, match="nowhere"):
        alula.save({"x": alula.ones(2)}, tmp_path / "nowhere" / "x.safetensors")
    with pytest.raises(OSError):
        alula.load(tmp_path / "missing.safetensors")
    with pytest.raises(OSError):
        alula.load(tmp_path)


def damaged(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def entry(dtype: str = "F32", shape: Any = (1,), offsets: Any = (0, 4)) -> bytes:
    return json.dumps({"x": {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 7,
        damaged(b"{}", length=2**63),
        damaged(b"{}", length=100),
        damaged(b"[]"),
        damaged(b"{"),
        damaged(b"\xff\xfe"),
        damaged(b"[" * 100_000),
        damaged(entry(), b"\x00" * 3),
        damaged(entry(), b"\x00" * 5),
        damaged(entry(offsets=(4, 0)), b"\x00" * 4),
        damaged(entry(offsets=(-4, 0)), b"\x00" * 4),
        damaged(entry(shape=(2**40, 2**40)), b"\x00" * 4),
        damaged(entry(shape=(-1,)), b"\x00" * 4),
        damaged(entry(shape=(1.5,)), b"\x00" * 4),
        damaged(entry(dtype="F99"), b"\x00" * 4),
        damaged(entry(shape=[1] * 100), b"\x00" * 4),
    ],
)
def test_damaged_files(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises((OSError, NotImplementedError, ValueError)):
        alula.load(path)


def test_names(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zero"):
        alula.save({"a\0b": alula.ones(1)}, tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match="zero"):
        alula.load("a\0b")


SAVES_FOR_EVER = """
import sys, itertools
import alula
for i in itertools.count(2):
    alula.save({"x": alula.full((1 << 18,), float(i))}, sys.argv[1])
    print(i, flush=True)
"""


def test_a_killed_process_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    alula.save({"x": alula.full((1 << 18,), 1.0)}, path)
    delays = np.random.default_rng(0).uniform(0, 0.02, 12)
    for delay in delays:
        with subprocess.Popen([sys.executable, "-c", SAVES_FOR_EVER, path], stdout=subprocess.PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(delay)
            process.kill()
        values = np.asarray(alula.load(path)["x"])
        assert values.shape == (1 << 18,) and values[0] > 1 and (values == values[0]).all()
