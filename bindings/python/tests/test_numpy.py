"""Exchange with NumPy and DLPack: no copies where none are needed, lifetimes right whichever side dies first."""

from __future__ import annotations

import ctypes
import gc
import struct
import subprocess
import sys
import textwrap
import weakref

import numpy as np
import pytest

import alula

NUMPY_DTYPES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "complex64", "complex128",
]  # fmt: skip


def live() -> int:
    gc.collect()
    return alula.live_handles()


def some(dtype: str, shape: tuple[int, ...] = (2, 3)) -> np.ndarray:
    return (np.arange(np.prod(shape)).reshape(shape) % 5).astype(dtype)


@pytest.mark.parametrize("dtype", NUMPY_DTYPES)
def test_there_and_back(dtype: str) -> None:
    array = some(dtype)
    tensor = alula.asarray(array)
    assert tensor.dtype == array.dtype and tensor.shape == array.shape
    back = np.asarray(tensor)
    assert back.dtype == array.dtype and np.array_equal(back, array)
    assert np.shares_memory(back, array)
    assert tensor.tolist() == array.tolist()


def test_memory_is_shared_both_ways() -> None:
    array = np.zeros((3, 4), np.float32)
    tensor = alula.from_numpy(array)
    array[1, 2] = 5
    assert tensor[1, 2].item() == 5
    tensor[0, 0] = 7
    assert array[0, 0] == 7
    view = np.asarray(tensor)
    view[2, 3] = 9
    assert array[2, 3] == 9


@pytest.mark.parametrize(
    "make",
    [
        lambda a: a.T,
        lambda a: a[::-1, ::-2],
        lambda a: a[:, 1],
        lambda a: a[1:1],
        lambda a: a[1, 1, ...],
        lambda a: np.moveaxis(a[None], 1, 0),
        lambda a: np.asfortranarray(a),
    ],
)
def test_strides(make) -> None:  # type: ignore[no-untyped-def]
    array = make(np.arange(24.0).reshape(4, 6))
    tensor = alula.asarray(array)
    assert np.array_equal(np.asarray(tensor), array)
    assert np.array_equal((tensor + 1).numpy(), array + 1)


def test_array_dies_first() -> None:
    array = np.arange(1000.0)
    gone = weakref.ref(array)
    tensor = alula.from_numpy(array)
    view = tensor[10:20]
    del array
    gc.collect()
    assert gone() is not None
    del tensor
    gc.collect()
    assert gone() is not None and view.tolist() == list(range(10, 20))
    del view
    gc.collect()
    assert gone() is None


def test_tensor_dies_first() -> None:
    before = live()
    tensor = alula.arange(1000.0) * 1
    array = np.asarray(tensor)
    row = array[5:10]
    del tensor, array
    gc.collect()
    filler = [alula.zeros(1000) for _ in range(20)]
    assert row.tolist() == [5, 6, 7, 8, 9]
    del row, filler
    assert live() == before


def test_graph_keeps_arrays() -> None:
    array = np.ones(3)
    gone = weakref.ref(array)
    x = alula.tensor(np.ones(3), requires_grad=True)
    y = (x * alula.from_numpy(array)).sum()
    del array
    gc.collect()
    y.backward()
    assert x.grad is not None and x.grad.tolist() == [1, 1, 1]
    del y
    gc.collect()
    assert gone() is None


def test_read_only_arrays_are_copied_or_refused() -> None:
    array = np.arange(3.0)
    array.flags.writeable = False
    tensor = alula.asarray(array)
    tensor[0] = 9
    assert array[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        alula.from_numpy(array)
    with pytest.raises(ValueError, match="copy"):
        alula.asarray(array, copy=False)


def test_foreign_byte_order_and_misalignment_are_copied() -> None:
    swapped = np.arange(4, dtype=">i4")
    assert alula.asarray(swapped).tolist() == [0, 1, 2, 3]
    raw = np.zeros(17, np.uint8)
    odd = raw[1:].view(np.float64)
    odd[...] = [1.5, 2.5]
    assert alula.asarray(odd).tolist() == [1.5, 2.5]
    fields = np.zeros(3, [("a", np.int8), ("b", np.float32)])
    fields["b"] = [1, 2, 3]
    assert alula.asarray(fields["b"]).tolist() == [1, 2, 3]


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([None]), np.zeros(2, "M8[s]"), np.zeros(2, [("a", int)])])
def test_other_dtypes_are_refused(array: np.ndarray) -> None:
    with pytest.raises(TypeError, match="dtype"):
        alula.asarray(array)


def test_lists_and_numbers() -> None:
    assert alula.asarray([1, 2]).dtype == alula.int64
    assert alula.asarray([1.0, 2]).dtype == alula.float32
    assert alula.asarray([True]).dtype == alula.bool
    assert alula.asarray(1j).dtype == alula.complex64
    assert alula.asarray([np.float64(1)]).dtype == alula.float64
    assert alula.asarray([]).dtype == alula.float32
    assert alula.asarray(range(3)).tolist() == [0, 1, 2]
    assert alula.asarray([alula.tensor([1.0, 2.0]), [3.0, 4.0]]).tolist() == [[1, 2], [3, 4]]
    assert alula.asarray([[1], [2]], dtype="float16").dtype == alula.float16
    assert alula.asarray(2**63, dtype=alula.uint64).item() == 2**63
    with pytest.raises(ValueError):
        alula.asarray([[1, 2], [3]])


def test_copy_means_copy() -> None:
    array = np.zeros(2)
    alula.tensor(array)[0] = 1
    alula.asarray(array, copy=True)[0] = 1
    assert array[0] == 0
    tensor = alula.zeros(2)
    alula.asarray(tensor, copy=True)[0] = 1
    alula.tensor(tensor)[0] = 1
    assert tensor[0].item() == 0
    assert alula.asarray(tensor) is tensor


def test_array_protocol() -> None:
    tensor = alula.asarray([1.0, 2.0])
    assert np.asarray(tensor, np.float64).dtype == np.float64
    assert np.asarray(tensor, copy=True).base is None
    assert np.sum(tensor) == 3
    assert np.concatenate([tensor, np.ones(1)]).tolist() == [1, 2, 1]
    tensor.requires_grad = True
    with pytest.raises(RuntimeError, match="detach"):
        np.asarray(tensor)
    with pytest.raises(TypeError, match="bfloat16"):
        np.asarray(tensor.detach().bfloat16())


def test_operators_mix() -> None:
    tensor = alula.asarray([1.0, 2.0])
    array = np.array([10, 20], np.float32)
    for result in (tensor + array, array + tensor, tensor * np.float32(2), np.float32(2) * tensor, array - tensor):
        assert isinstance(result, alula.Tensor) and result.dtype == alula.float32
    assert (array - tensor).tolist() == [9, 18]
    assert (np.ones(2) + tensor).dtype == alula.float64
    assert ((array > tensor) & (tensor < array)).tolist() == [True, True]
    array += tensor.numpy()
    assert array.tolist() == [11, 22]
    tensor += np.ones(2)
    assert tensor.dtype == alula.float32 and tensor.tolist() == [2, 3]


@pytest.mark.parametrize("dtype", NUMPY_DTYPES)
def test_dlpack(dtype: str) -> None:
    array = some(dtype)
    tensor = alula.from_dlpack(array)
    assert tensor.dtype == array.dtype and np.array_equal(np.asarray(tensor), array)
    assert np.shares_memory(np.asarray(tensor), array)
    back = np.from_dlpack(tensor)
    assert np.shares_memory(back, array)
    turned = np.from_dlpack(tensor.T)
    assert np.array_equal(turned, array.T)


def test_dlpack_lifetimes() -> None:
    before = live()
    array = np.arange(100.0)
    gone = weakref.ref(array)
    tensor = alula.from_dlpack(array)
    del array
    gc.collect()
    assert gone() is not None and tensor[99].item() == 99
    other = np.from_dlpack(tensor)
    del tensor
    gc.collect()
    assert other[50] == 50
    del other
    gc.collect()
    assert gone() is None
    for version in (None, (1, 0)):  # capsules that nobody takes
        capsule = alula.zeros(3).__dlpack__(max_version=version)
        del capsule
        assert live() == before


def test_old_capsules() -> None:
    class Old:
        """A library from before DLPack had versions."""

        def __init__(self, tensor: alula.Tensor) -> None:
            self.tensor = tensor

        def __dlpack__(self) -> object:
            return self.tensor.__dlpack__()

        def __dlpack_device__(self) -> tuple[int, int]:
            return self.tensor.__dlpack_device__()

    before = live()
    source = alula.arange(6.0).reshape(2, 3)
    tensor = alula.from_dlpack(Old(source))
    source[1, 1] = alula.tensor(40.0)
    assert tensor.tolist() == [[0, 1, 2], [3, 40, 5]]
    del source, tensor
    assert live() == before


def test_dlpack_refuses_gradients() -> None:
    with pytest.raises(RuntimeError, match="detach"):
        np.from_dlpack(alula.zeros(2, requires_grad=True))


@pytest.mark.parametrize("step", [1, -1])
def test_writes_over_memory_shared_through_numpy(step: int) -> None:
    expected = np.arange(1000.0)[::step].copy()
    memory = expected.copy()
    expected[1:] += expected[:-1].copy()
    # Two storages that know nothing of each other, over the same bytes.
    target, source = alula.from_numpy(memory[1:]), alula.from_numpy(memory[:-1])
    target += source
    np.testing.assert_array_equal(memory, expected)
    target.copy_(source)
    np.testing.assert_array_equal(memory[1:], expected[:-1])


def test_repeated_elements_are_not_written() -> None:
    row = alula.arange(3.0)
    repeated = alula.broadcast_to(row, (2, 3))
    with pytest.raises(ValueError, match="repeats elements along axis 0"):
        repeated += 1
    assert row.tolist() == [0, 1, 2]


def test_python_lists_of_bytes() -> None:
    buffer = ctypes.create_string_buffer(b"\x01\x02\x03", 3)
    assert alula.asarray(np.frombuffer(buffer, np.uint8)).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "program",
    [
        # What lives to the end is torn down in an order nobody chooses.
        "keep = alula.from_numpy(np.ones(10)); view = keep[2:]",
        "array = np.asarray(alula.ones(10) * 2)",
        "class Cycle: pass\nc = Cycle(); c.me = c; c.t = alula.from_numpy(np.ones(3)); c.a = np.asarray(c.t * 1)",
        "x = alula.ones(3, requires_grad=True); y = (x * 2).sum(); x.register_hook(lambda g: g * 2)",
        "import sys; sys.modules['leak'] = alula.from_numpy(np.ones(3)); alula._keep = sys.modules['leak']",
        "import builtins; builtins.t = alula.from_dlpack(np.ones(3)); builtins.a = np.from_dlpack(alula.ones(3))",
        "import threading\n"
        "def work():\n    while True: (alula.from_numpy(np.ones((64, 64))) @ alula.ones(64, 64)).sum()\n"
        "threading.Thread(target=work, daemon=True).start()\nimport time; time.sleep(0.1)",
        "capsule = alula.ones(3).__dlpack__(max_version=(1, 0)); old = alula.ones(3).__dlpack__()",
    ],
)
def test_shutdown(program: str) -> None:
    code = "import numpy as np, alula\n" + textwrap.dedent(program)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0 and not result.stderr, (result.returncode, result.stderr)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_python_numbers_keep_their_precision(dtype: str) -> None:
    x = np.array([1.0, 3.0], dtype)
    t = alula.asarray(x)
    for result, expected in [
        (t * 0.1, x * 0.1), (0.1 + t, 0.1 + x), (t / 3, x / 3), (t - (1 << 24) - 1, x - (1 << 24) - 1),
        (alula.where(t > 2, t, 0.1), np.where(x > 2, x, np.array(0.1, dtype))), (alula.pow(t, 0.1), x**0.1),
    ]:  # fmt: skip
        assert result.dtype == t.dtype
        np.testing.assert_allclose(np.asarray(result), expected, rtol=1e-15 if dtype == "float64" else 1e-7)
    scaled = alula.asarray(x.copy())
    scaled *= 0.1
    np.testing.assert_array_equal(np.asarray(scaled), x * np.array(0.1, dtype))
    assert (alula.add(0.1, 0.2)).dtype == alula.float32 and alula.asarray([1]).__add__(0.5).dtype == alula.float32


native = pytest.mark.skipif(not alula._native.is_active, reason="only the native class lends buffers")


@native
@pytest.mark.parametrize("dtype", NUMPY_DTYPES)
def test_tensors_are_buffers(dtype: str) -> None:
    array = some(dtype, (3, 4, 5))
    tensor = alula.tensor(array)
    for lent, expected in [
        (tensor, array), (tensor.transpose(0, 2), array.swapaxes(0, 2)), (tensor[1:, ::2], array[1:, ::2]),
        (tensor[2, 1, 3], array[2, 1, 3]), (tensor[:, :0], array[:, :0]),
    ]:  # fmt: skip
        view = memoryview(lent)
        assert (view.shape, view.itemsize, view.readonly) == (expected.shape, array.itemsize, False)
        assert view.nbytes == expected.nbytes
        assert view.tobytes() == expected.tobytes()
        result = np.asarray(view)
        assert result.dtype == array.dtype
        np.testing.assert_array_equal(result, expected)
    assert bytes(tensor) == array.tobytes()


@native
def test_buffers_are_refused() -> None:
    x = alula.ones(2, 3)
    with pytest.raises(BufferError, match="contiguous"):
        struct.unpack_from("f", x.T)  # wants elements one after the other
    with pytest.raises(BufferError, match="requires a gradient"):
        memoryview(alula.ones(2, requires_grad=True))
    with pytest.raises(BufferError, match="bfloat16"):
        memoryview(alula.ones(2, dtype="bfloat16"))
    with pytest.raises(RuntimeError, match="detach"):
        np.asarray(alula.ones(2, requires_grad=True))
    assert repr(alula.ones(2, requires_grad=True)) == "tensor([1., 1.], requires_grad=True)"


@native
def test_what_waits_is_done_before_it_is_lent() -> None:
    a = alula.ones(1 << 19)
    b = (a + 1) * 3
    assert memoryview(b)[12345] == 6
    view = memoryview(a)
    c = a * 2
    view[7] = 100.0  # after the call above, whose elements it does not change
    assert float(c[7]) == 2
    assert float((a * 2)[7]) == 200


@native
def test_a_buffer_keeps_the_memory() -> None:
    before = live()
    array = (alula.ones(1000) * 3).numpy()
    assert (array == 3).all()
    view = memoryview(alula.ones(1000) * 4)
    gc.collect()
    assert view[999] == 4
    del view, array
    assert live() == before


@pytest.mark.parametrize("value", [3, 2.5, True, np.float32(1.5), [1.0, 2.0, 3.0], np.arange(3.0), alula.arange(3.0)])
def test_elements_are_written(value: object) -> None:
    array = np.zeros((4, 3), np.float32)
    x = alula.tensor(array)
    for index in [0, -1, np.s_[1:3], np.s_[:, :], ..., (2, ...), (None, 1), np.s_[::2], np.int64(2), [0, 2]]:
        array[index] = value
        x[index] = value
        np.testing.assert_array_equal(x.numpy(), array)
    y = alula.zeros(3, dtype="int64")
    y[1] = 2.9
    assert y.tolist() == [0, 2, 0]


def test_elements_that_cannot_be_written() -> None:
    x = alula.zeros(2, 3)
    with pytest.raises((TypeError, AttributeError)):
        del x[0]
    with pytest.raises(IndexError):
        x[5] = 1
    with pytest.raises(IndexError):
        x["a"] = 1
    with pytest.raises(ValueError):
        x[0] = alula.ones(4)
    assert x.tolist() == [[0.0] * 3] * 2
    leaf = alula.zeros(3, requires_grad=True)
    with pytest.raises(RuntimeError):
        leaf[0] = 1
    scaled = leaf * 1
    scaled[0] = alula.ones((), requires_grad=True)
    scaled.sum().backward()
    assert leaf.grad.tolist() == [0, 1, 1]
