"""Properties, methods in their several spellings, conversions, printing, the namespace."""

from __future__ import annotations

import copy
import operator
import pickle
from typing import Any

import numpy as np
import pytest

import alula

A = np.array([[3.0, -1.0, 2.0], [0.5, 4.0, -2.5]], np.float32)


def test_properties() -> None:
    x = alula.asarray(A)
    assert x.shape == (2, 3) and x.ndim == x.dim() == 2 and x.size == 6 and x.numel() == 6 and len(x) == 2
    assert x.size() == (2, 3) and x.size(-1) == 3
    assert x.dtype is alula.float32 and x.device == "cpu" and str(x.device) == "cpu" and not x.is_cuda
    assert x.T.shape == x.mT.shape == x.t().shape == (3, 2)
    assert x.nbytes == 24 and x.itemsize == 4 and x.stride() == (3, 1) and x.stride(0) == 3
    assert x.is_contiguous() and not x.T.is_contiguous() and x.T.contiguous().is_contiguous()
    assert alula.asarray(1.5).shape == () and alula.asarray(1.5).size == 1


@pytest.mark.parametrize(
    ("method", "want"),
    [
        (lambda x: x.view(3, 2), A.reshape(3, 2)),
        (lambda x: x.view(-1), A.ravel()),
        (lambda x: x.reshape((6,)), A.ravel()),
        (lambda x: x.flatten(), A.ravel()),
        (lambda x: x.ravel(), A.ravel()),
        (lambda x: x.unsqueeze(0), A[None]),
        (lambda x: x.unsqueeze(-1).squeeze(-1), A),
        (lambda x: x.squeeze(0), A),
        (lambda x: x.permute(1, 0), A.T),
        (lambda x: x.transpose(0, 1), A.T),
        (lambda x: x.expand(4, 2, 3), np.broadcast_to(A, (4, 2, 3))),
        (lambda x: x.repeat(2, 1), np.tile(A, (2, 1))),
        (lambda x: x.repeat_interleave(2, 1), np.repeat(A, 2, 1)),
        (lambda x: x.flip(0), A[::-1]),
        (lambda x: x.roll(1, 1), np.roll(A, 1, 1)),
        (lambda x: x.diagonal(), np.diagonal(A)),
        (lambda x: x.select(1, 2), A[:, 2]),
        (lambda x: alula.stack(x.unbind(1)), A.T),
        (lambda x: alula.cat(x.split(2, 1), 1), A),
        (lambda x: alula.cat(x.chunk(2, 1), 1), A),
        (lambda x: x.sum(), A.sum()),
        (lambda x: x.sum(dim=1, keepdim=True), A.sum(1, keepdims=True)),
        (lambda x: x.sum(axis=(0, 1)), A.sum()),
        (lambda x: x.mean(0), A.mean(0)),
        (lambda x: x.std(0), A.std(0)),
        (lambda x: x.var(1, unbiased=True), A.var(1, ddof=1)),
        (lambda x: x.prod(1), A.prod(1)),
        (lambda x: x.max(), A.max()),
        (lambda x: x.max(1).values, A.max(1)),
        (lambda x: x.min(1)[1], A.argmin(1)),
        (lambda x: x.max(axis=1), A.max(1)),
        (lambda x: x.argmax(), A.argmax()),
        (lambda x: x.argmax(dim=1), A.argmax(1)),
        (lambda x: x.argmin(0), A.argmin(0)),
        (lambda x: x.all(), A.all()),
        (lambda x: (x > 3).any(1), (A > 3).any(1)),
        (lambda x: x.cumsum(1), A.cumsum(1)),
        (lambda x: x.norm(), np.linalg.norm(A)),
        (lambda x: x.sort(1).values, np.sort(A, 1)),
        (lambda x: x.argsort(1, descending=True), np.argsort(-A, 1)),
        (lambda x: x.topk(2).values, -np.sort(-A, 1)[:, :2]),
        (lambda x: x.abs(), np.abs(A)),
        (lambda x: x.clamp(-1, 2), A.clip(-1, 2)),
        (lambda x: x.clip(min=0), A.clip(0)),
        (lambda x: x.square().sqrt(), np.abs(A)),
        (lambda x: x.mul(2).add(1).sub(3).div(2), (A * 2 + 1 - 3) / 2),
        (lambda x: x.pow(2), A**2),
        (lambda x: x.eq(2), A == 2),
        (lambda x: x.ge(2).logical_not(), A < 2),
        (lambda x: x.maximum(alula.zeros(3)), np.maximum(A, 0)),
        (lambda x: x.masked_fill(x < 0, 9), np.where(A < 0, 9, A)),
        (lambda x: x.where(x > 0, 0.0), np.where(A > 0, A, 0)),
        (lambda x: x.tril(), np.tril(A)),
        (lambda x: x.gather(1, alula.tensor([[0, 2], [1, 1]])), np.take_along_axis(A, np.array([[0, 2], [1, 1]]), 1)),
        (lambda x: x.index_select(1, alula.tensor([2, 0])), A[:, [2, 0]]),
        (lambda x: x.nonzero()[0], A.nonzero()[0]),
        (lambda x: x.matmul(x.T), A @ A.T),
        (lambda x: x.mm(x.t()), A @ A.T),
        (lambda x: x.double(), A.astype(np.float64)),
        (lambda x: x.long(), A.astype(np.int64)),
        (lambda x: x.bool(), A.astype(bool)),
        (lambda x: x.to(alula.float16), A.astype(np.float16)),
        (lambda x: x.to("cpu", alula.float64), A.astype(np.float64)),
        (lambda x: x.type_as(alula.zeros(1, dtype="int8")), A.astype(np.int8)),
        (lambda x: x.round(), np.round(A)),
        (lambda x: (x * 0.123).round(decimals=2), np.round(A * np.float32(0.123), 2)),
        (lambda x: x.new_zeros(2), np.zeros(2, np.float32)),
        (lambda x: x.clone().fill_(3), np.full((2, 3), 3.0)),
        (lambda x: x.clone().zero_(), np.zeros((2, 3))),
        (lambda x: x.clone().copy_(alula.arange(3)), np.broadcast_to(np.arange(3.0), (2, 3))),
        (lambda x: x.clone().add_(1).mul_(2), (A + 1) * 2),
        (lambda x: x.clone().masked_fill_(x < 0, 0.0), np.where(A < 0, 0, A)),
        (lambda x: x.softmax(1).log(), A - np.log(np.exp(A).sum(1, keepdims=True))),
    ],
)
def test_methods(method: Any, want: Any) -> None:
    got = method(alula.asarray(A.copy()))
    want = np.asarray(want)
    assert got.shape == want.shape
    assert np.allclose(got.numpy(), want, 1e-5, 1e-6)


@pytest.mark.parametrize(
    "op",
    [
        operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow,
        operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge,
    ],
)  # fmt: skip
def test_arithmetic_operators(op: Any) -> None:
    a = np.array([1.5, 2.0, 3.0], np.float32)
    for left, right in ((a, a[::-1].copy()), (a, 2), (2, a), (a, np.float32(2)), (np.ones(1, np.float32), a)):
        x = alula.asarray(left) if left is a else left
        y = right if left is a else alula.asarray(right)
        got = op(x, y)
        assert isinstance(got, alula.Tensor)
        assert np.allclose(got.numpy(), op(left, right), 1e-6)


@pytest.mark.parametrize("op", [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift])
def test_bit_operators(op: Any) -> None:
    a, b = np.array([12, 5, 7]), np.array([1, 2, 3])
    assert op(alula.asarray(a), alula.asarray(b)).tolist() == op(a, b).tolist()
    assert op(alula.asarray(a), 2).tolist() == op(a, 2).tolist()
    assert op(9, alula.asarray(b)).tolist() == op(9, b).tolist()
    assert (~alula.asarray(a)).tolist() == (~a).tolist()


def test_in_place_operators() -> None:
    x = alula.asarray(np.array([5.0, 7.0]))
    y = x
    x += 1
    x -= alula.ones(2)
    x *= 2
    x /= 4
    x **= 2
    x //= 2
    x %= 2
    assert y is x and x.tolist() == [1, 0]
    n = alula.tensor([6, 3])
    n &= 3
    n |= 4
    n ^= 1
    n <<= 2
    n >>= 1
    assert n.tolist() == [14, 12]
    assert x.__add__("a") is NotImplemented


@pytest.mark.parametrize(("target", "value"), [([1, 2], 0.5), ([True, False], 2), ([1, 2], np.array([0.5, 1.5]))])
def test_in_place_result_does_not_fit(target: list[Any], value: Any) -> None:
    x = alula.tensor(target)
    message = r"add_: the result's dtype \w+ does not fit into \w+; convert the target first"
    with pytest.raises(TypeError, match=message):
        x += value
    assert x.tolist() == target


def test_assignment_converts() -> None:
    x = alula.tensor([1, 2])
    x[0] = 2.75
    assert x.tolist() == [2, 2]


def test_numbers() -> None:
    x = alula.tensor(2.75)
    assert float(x) == 2.75 and int(x) == 2 and bool(x) and complex(x) == 2.75 and round(x) == 3
    assert f"{x:.1f}" == "2.8" and f"{x}" == "tensor(2.75)"
    assert [10, 20, 30][alula.tensor(1)] == 20 and list(range(alula.tensor(3))) == [0, 1, 2]
    assert alula.tensor(2**64 - 1, dtype=alula.uint64).item() == 2**64 - 1
    assert alula.tensor(-(2**63)).item() == -(2**63)
    assert alula.tensor(1 + 2j).item() == 1 + 2j and alula.tensor(True).item() is True
    assert -0.0 + alula.tensor(-0.0) == 0 and np.signbit((alula.tensor([-0.0]) * 1).numpy())[0]
    assert np.signbit(alula.maximum(alula.tensor([-1.0]), -0.0).numpy())[0]
    assert abs(alula.tensor(-3)).item() == 3 and divmod(alula.tensor(7), 2)[1].item() == 1


def test_weak_numbers() -> None:
    half = alula.ones(2, dtype="float16")
    assert (half * 2.5).dtype == alula.float16 and (1 / half).dtype == alula.float16
    assert (alula.ones(2, dtype="int8") + 1).dtype == alula.int8
    assert (alula.ones(2, dtype="int8") + 1.0).dtype == alula.float32
    assert (alula.tensor([True]) + 1).dtype == alula.int64
    assert (half + np.float64(1)).dtype == alula.float64
    assert alula.where(alula.tensor([True]), 1.0, 0).dtype == alula.float32


def test_identity() -> None:
    x = alula.ones(2)
    assert {x: 1}[x] == 1 and x in [x] and hash(x) == hash(x)
    assert alula.is_tensor(x) and not alula.is_tensor(np.ones(2))
    assert (x == None) is False  # noqa: E711


def test_copies() -> None:
    x = alula.tensor([1.0, 2.0], requires_grad=True)
    twin = copy.deepcopy(x)
    assert twin.requires_grad and twin.tolist() == [1, 2] and twin is not x
    for dtype in ("bool", "int8", "uint64", "float16", "bfloat16", "float64", "complex64"):
        y = alula.ones(2, 3, dtype=dtype).T
        z = pickle.loads(pickle.dumps(y))
        assert z.dtype is y.dtype and z.shape == (3, 2)
    assert pickle.loads(pickle.dumps(x)).requires_grad
    assert pickle.loads(pickle.dumps(alula.float32)) is alula.float32
    assert pickle.loads(pickle.dumps(alula.bool)) is alula.bool


# ---- Dtypes ---------------------------------------------------------------------------------------------


def test_dtypes() -> None:
    assert alula.float32 == np.float32 == alula.float32 and alula.float32 != np.float64
    assert np.dtype(alula.int16) == np.int16 and np.zeros(2, alula.float16).dtype == np.float16
    assert alula.bool == "bool" and np.dtype(alula.bool) == np.bool_
    assert alula.long is alula.int64 and alula.float is alula.float32 and alula.half is alula.float16
    assert alula.bfloat16 != np.float16 and alula.bfloat16.itemsize == 2
    assert {alula.float32: 1}[alula.float32] == 1 and hash(alula.int8) == hash(np.dtype(np.int8))
    assert repr(alula.float32) == "alula.float32" and alula.int8.kind == "i"
    with pytest.raises(TypeError, match="bfloat16"):
        np.dtype(alula.bfloat16)
    for name in (np.float64, "float64", float, np.dtype("f8"), alula.float64):
        assert alula.zeros(1, dtype=name).dtype == (alula.float32 if name is float else alula.float64)


def test_bfloat16() -> None:
    x = alula.tensor([1.0, 3.14159, 1e30]).bfloat16()
    assert x.dtype is alula.bfloat16
    assert np.allclose(x.float().numpy(), [1.0, 3.140625, 1e30], 4e-3)
    assert (x + 1).dtype is alula.bfloat16 and (x + alula.ones(3)).dtype is alula.float32
    assert x.tolist()[1] == 3.140625 and repr(x).endswith("dtype=alula.bfloat16)")


def test_inspection() -> None:
    assert alula.finfo(alula.float16).max == 65504 and alula.finfo(alula.complex128).bits == 64
    assert alula.iinfo("int8").min == -128 and alula.finfo(alula.bfloat16).eps == 2**-7
    with pytest.raises(TypeError):
        alula.finfo("int8")
    with pytest.raises(TypeError):
        alula.iinfo("float32")
    assert alula.isdtype(alula.int8, "integral") and alula.isdtype("uint8", ("real floating", alula.uint8))
    assert not alula.isdtype("bool", "numeric")
    assert alula.can_cast("int8", "int16") and not alula.can_cast("float64", "float32")
    for a in alula._dtypes.DTYPES:
        for b in alula._dtypes.DTYPES:
            joined = alula.concat([alula.zeros(1, dtype=a), alula.zeros(1, dtype=b)])
            assert alula.result_type(a, b) is joined.dtype, (a, b)
    assert alula.result_type(alula.int8, 1) is alula.int8 and alula.result_type(alula.int8, 1.0) is alula.float32
    assert alula.result_type(alula.float64, 1j) is alula.complex128


# ---- Printing -------------------------------------------------------------------------------------------


def test_printing() -> None:
    assert repr(alula.tensor([1, 2])) == "tensor([1, 2])"
    assert repr(alula.tensor([1.0, 2.5])) == "tensor([1. , 2.5])"
    assert repr(alula.tensor([True, False])) == "tensor([ True, False])"
    assert repr(alula.tensor(3)) == "tensor(3)"
    assert repr(alula.tensor([1.0], dtype="float64")) == "tensor([1.], dtype=alula.float64)"
    assert repr(alula.tensor([1.0], requires_grad=True)) == "tensor([1.], requires_grad=True)"
    assert repr(alula.tensor([1.0], requires_grad=True) * 2) == "tensor([2.], grad_fn=<multiply>)"
    assert repr(alula.tensor([[1, 2], [3, 4]])) == "tensor([[1, 2],\n        [3, 4]])"
    assert repr(alula.zeros(0)) == "tensor([])"
    assert repr(alula.zeros(0, 3)) == "tensor([], shape=(0, 3))"
    assert repr(alula.tensor([1 / 3])) == "tensor([0.3333])"
    long = repr(alula.arange(2000))
    assert "..." in long and len(long) < 100
    assert f"{alula.tensor([1, 2])}" == "tensor([1, 2])"


# ---- Namespace ------------------------------------------------------------------------------------------


def test_creation() -> None:
    assert alula.zeros(2, 3).shape == alula.zeros((2, 3)).shape == alula.zeros([2, 3]).shape == (2, 3)
    assert alula.ones(size=(2,)).tolist() == [1, 1] and alula.zeros(()).shape == ()
    assert alula.full((2,), 7).dtype == alula.int64 and alula.full((2,), 1.5).tolist() == [1.5, 1.5]
    assert alula.arange(3).tolist() == [0, 1, 2] and alula.arange(1, 6, 2).tolist() == [1, 3, 5]
    assert alula.linspace(0, 1, 3).tolist() == [0, 0.5, 1]
    assert alula.eye(2).tolist() == [[1, 0], [0, 1]]
    assert alula.zeros_like(alula.ones(2, dtype="int8")).dtype == alula.int8
    assert alula.ones(2, requires_grad=True).requires_grad
    assert alula.empty(2, 2).shape == (2, 2)
    with pytest.raises(TypeError, match="color"):
        alula.zeros(2, color=3)


def test_random() -> None:
    alula.manual_seed(5)
    a = [alula.rand(3), alula.randn(2, 2), alula.randint(0, 10, (4,)), alula.randperm(6), alula.normal(1.0, 2.0, (3,))]
    alula.manual_seed(5)
    b = [alula.rand(3), alula.randn(2, 2), alula.randint(0, 10, (4,)), alula.randperm(6), alula.normal(1.0, 2.0, (3,))]
    for x, y in zip(a, b, strict=True):
        assert np.array_equal(x.numpy(), y.numpy())
    assert sorted(a[3].tolist()) == list(range(6)) and alula.randint(5, (2,)).dtype == alula.int64
    assert alula.rand_like(alula.zeros(2, 3)).shape == (2, 3)
    state = alula.get_rng_state()
    first = alula.rand(4).tolist()
    alula.set_rng_state(state)
    assert alula.rand(4).tolist() == first
    generator = alula.Generator().manual_seed(9)
    assert generator.initial_seed() == 9
    assert alula.rand(2, generator=generator).tolist() != alula.rand(2, generator=generator).tolist()
    draws = alula.multinomial(alula.tensor([0.0, 1.0, 3.0]), 1000, replacement=True).numpy()
    assert set(draws.tolist()) == {1, 2} and 650 < (draws == 2).sum() < 850
    assert abs(alula.normal(alula.full((10_000,), 3.0), 2.0).numpy().mean() - 3) < 0.1


def test_functions() -> None:
    x = alula.asarray(A)
    assert alula.allclose(x, A) and alula.array_equal(x, A) and not alula.allclose(x, A + 1)
    assert alula.unsqueeze(x, 0).shape == (1, 2, 3) and alula.transpose(x, 0, 1).shape == (3, 2)
    assert alula.numel(x) == 6 and alula.mm(x, x.T).shape == (2, 2)
    assert [t.shape for t in alula.broadcast_arrays(alula.ones(2, 1), alula.ones(3))] == [(2, 3), (2, 3)]
    assert alula.astype(x, alula.int32).dtype == alula.int32
    assert alula.sqrt(4.0).item() == 2 and alula.maximum(2, [1, 3]).tolist() == [2, 3]


def test_data() -> None:
    from alula.data import DataLoader, TensorDataset, random_split

    dataset = TensorDataset(alula.arange(10.0).reshape(10, 1), alula.arange(10))
    batches = list(DataLoader(dataset, batch_size=4))
    assert [len(y) for _, y in batches] == [4, 4, 2] and batches[0][0].shape == (4, 1)
    assert len(DataLoader(dataset, 4, drop_last=True)) == len(list(DataLoader(dataset, 4, drop_last=True))) == 2
    loader = DataLoader(dataset, 3, shuffle=True, generator=alula.Generator(seed=1))
    passes = [[y.tolist() for _, y in loader] for _ in range(2)]
    assert passes[0] != passes[1] and sorted(i for batch in passes[0] for i in batch) == list(range(10))
    again = DataLoader(dataset, 3, shuffle=True, generator=alula.Generator(seed=1))
    assert [y.tolist() for _, y in again] == passes[0]
    pairs = [(np.full(2, i, np.float32), i) for i in range(5)]
    x, y = next(iter(DataLoader(pairs, 5)))
    assert x.shape == (5, 2) and y.tolist() == [0, 1, 2, 3, 4]
    parts = random_split(dataset, [7, 3])
    assert sorted(int(part[i][1]) for part in parts for i in range(len(part))) == list(range(10))


@pytest.mark.parametrize("order", [2, 3, 0.5, -1, -3, 7])
@pytest.mark.parametrize("values", [[300.0, -400.0], [2.0**-10, 2.0**-9], [60.0, 6e4], [2.0**-14, 2.0**-12]])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_norms_in_half_precision(dtype: str, values: list[float], order: float) -> None:
    """The powers of such numbers leave float16's range, and the norm does not."""
    x = alula.tensor(values).astype(dtype).detach()
    x.requires_grad = True
    sizes = np.abs(x.detach().astype("float64").numpy())
    norm = alula.vector_norm(x, ord=order)
    norm.backward()
    assert norm.dtype == x.dtype and x.grad is not None
    # One rounding each.
    unit = 2.0**-11 if dtype == "float16" else 2.0**-8
    expected = np.sum(sizes**order) ** (1 / order)
    np.testing.assert_allclose(norm.astype("float64").item(), expected, rtol=1.01 * unit)
    slope = np.sign(values) * (sizes / expected) ** (order - 1)
    np.testing.assert_allclose(x.grad.astype("float64").numpy(), slope, rtol=1.01 * unit, atol=2.0**-25)
