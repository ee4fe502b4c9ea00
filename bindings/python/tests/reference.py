"""What NumPy and SciPy lack of the catalog's references, written for clarity in float64."""

from __future__ import annotations

import numpy as np
from scipy import special

# ---- Convolution ----------------------------------------------------------------------------------------


def conv2d(x, weight, bias, stride, padding, dilation, groups):
    """Cross-correlation, one output element at a time."""
    (batch, _, height, width), (outputs, depth, *kernel) = x.shape, weight.shape
    size = [
        (extent + 2 * p - d * (k - 1) - 1) // s + 1
        for extent, k, s, p, d in zip((height, width), kernel, stride, padding, dilation, strict=True)
    ]
    padded = np.pad(x, [(0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2])
    out = np.zeros((batch, outputs, *size), np.result_type(x, weight))
    for o in range(outputs):
        channels = slice(o // (outputs // groups) * depth, (o // (outputs // groups) + 1) * depth)
        for i, j in np.ndindex(*size):
            rows = slice(i * stride[0], i * stride[0] + dilation[0] * (kernel[0] - 1) + 1, dilation[0])
            columns = slice(j * stride[1], j * stride[1] + dilation[1] * (kernel[1] - 1) + 1, dilation[1])
            out[:, o, i, j] = np.sum(padded[:, channels, rows, columns] * weight[o], axis=(1, 2, 3))
    return out if bias is None else out + bias[:, None, None]


def conv1d(x, weight, bias, stride, padding, dilation, groups):
    """Cross-correlation of images of one row."""
    out = conv2d(x[:, :, None], weight[:, :, None], bias, (1, *stride), (0, *padding), (1, *dilation), groups)
    return out[:, :, 0]


def conv2d_input_gradient(gradient, weight, input_size, stride, padding, dilation, groups):
    """The transposed map, from conv2d's value on every unit image."""
    shape = (1, weight.shape[1] * groups, *input_size)
    out = np.zeros((gradient.shape[0], *shape[1:]))
    for index in np.ndindex(*shape):
        unit = np.zeros(shape)
        unit[index] = 1
        image = conv2d(unit, weight, None, stride, padding, dilation, groups)
        out[(slice(None), *index[1:])] = np.sum(gradient * image, axis=(1, 2, 3))
    return out


def conv2d_weight_gradient(gradient, x, kernel_size, stride, padding, dilation, groups):
    """The transposed map, from conv2d's value for every unit kernel."""
    shape = (gradient.shape[1], x.shape[1] // groups, *kernel_size)
    out = np.zeros(shape)
    for index in np.ndindex(*shape):
        unit = np.zeros(shape)
        unit[index] = 1
        out[index] = np.sum(gradient * conv2d(x, unit, None, stride, padding, dilation, groups))
    return out


# ---- Shapes and indices ---------------------------------------------------------------------------------


def flatten(x, start_axis, end_axis):
    if x.ndim == 0:
        return x.reshape(1)
    first, last = start_axis % x.ndim, end_axis % x.ndim
    return x.reshape(*x.shape[:first], -1, *x.shape[last + 1 :])


def strided_slice(x, start, length, step):
    return x[np.ix_(*[first + by * np.arange(n) for first, n, by in zip(start, length, step, strict=True)])]


def diagonal_scatter(x, value, offset, axis1, axis2):
    result = x.copy()
    view = np.diagonal(result, offset, axis1, axis2)
    view.flags.writeable = True
    view[...] = value
    return result


def pad(x, pad_width, mode, value):
    widths = np.reshape(pad_width, (-1, 2))
    return np.pad(x, widths, mode, constant_values=value) if mode == "constant" else np.pad(x, widths, mode)


def index_add(x, index, source, axis):
    result = x.copy()
    np.add.at(np.moveaxis(result, axis, 0), index, np.moveaxis(source, axis, 0))
    return result


def _places(x, index, axis):
    """What `index` means along `axis`, and the elements' own positions along the others."""
    places = list(np.indices(index.shape))
    places[axis] = index
    return tuple(places)


def gather(x, index, axis):
    return x[_places(x, index, axis)]


def scatter(x, index, value, axis):
    result = x.copy()
    result[_places(x, index, axis)] = value
    return result


def scatter_add(x, index, value, axis):
    result = x.copy()
    np.add.at(result, _places(x, index, axis), value)
    return result


def masked_select(x, mask):
    x, mask = np.broadcast_arrays(x, mask)
    return x[mask]


# ---- Order ----------------------------------------------------------------------------------------------


def argsort(x, axis, descending):
    if not descending:
        return np.argsort(x, axis=axis, stable=True)
    # Reversed twice, so that equal elements stay in order.
    return x.shape[axis] - 1 - np.flip(np.argsort(np.flip(x, axis), axis=axis, stable=True), axis)


def sort(x, axis, descending):
    return np.take_along_axis(x, argsort(x, axis, descending), axis)


def topk(x, k, axis, largest):
    indices = np.take(argsort(x, axis, largest), np.arange(k), axis)
    return np.take_along_axis(x, indices, axis), indices


# ---- Reductions -----------------------------------------------------------------------------------------


def axes(axis):
    """A reduction's `axis` as NumPy takes it."""
    return None if axis is None else tuple(axis)


def mean(x, axis, keepdims):
    """Without NumPy's warning where there is nothing."""
    total = np.sum(x, axis=axes(axis), keepdims=keepdims)
    return total / (x.size / total.size if total.size else 1.0)


def vector_norm(x, axis, keepdims, ord):
    size = np.abs(x)
    axis = axes(axis)
    if np.isinf(ord):
        return (np.max if ord > 0 else np.min)(size, axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(size != 0, axis=axis, keepdims=keepdims).astype(np.float64)
    return np.sum(size**ord, axis=axis, keepdims=keepdims) ** (1 / ord)


def cumulative(function, initial, x, axis, include_initial):
    axis = 0 if axis is None else axis
    dtype = None
    if x.dtype.kind in "bi":
        dtype = np.int64
    elif x.dtype.kind == "u":
        dtype = np.uint64
    result = function(x, axis=axis, dtype=dtype)
    if not include_initial:
        return result
    start = np.full_like(np.take(result, [0], axis=axis), initial)
    return np.concatenate([start, result], axis=axis)


# ---- Normalisation --------------------------------------------------------------------------------------


def layer_norm(x, weight, bias, normalized_shape, eps):
    over = tuple(range(x.ndim - len(normalized_shape), x.ndim))
    # Twice: eps magnifies what rounding leaves of rows of equal elements.
    distance = x - x.mean(over, keepdims=True)
    distance = distance - distance.mean(over, keepdims=True)
    y = distance / np.sqrt((distance**2).mean(over, keepdims=True) + eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def rms_norm(x, weight, normalized_shape, eps):
    over = tuple(range(x.ndim - len(normalized_shape), x.ndim))
    y = x / np.sqrt((x * x).mean(over, keepdims=True) + eps)
    return y if weight is None else y * weight


def _per_channel(y, weight, bias):
    shape = (-1,) + (1,) * (y.ndim - 2)
    y = y if weight is None else y * weight.reshape(shape)
    return y if bias is None else y + bias.reshape(shape)


def group_norm(x, weight, bias, groups, eps):
    rows = x.reshape(x.shape[0], groups, -1)
    y = (rows - rows.mean(-1, keepdims=True)) / np.sqrt(rows.var(-1, keepdims=True) + eps)
    return _per_channel(y.reshape(x.shape), weight, bias)


def batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps):
    over = (0, *range(2, x.ndim))
    mean, variance = running_mean, running_var
    if training:
        mean, variance = x.mean(over), x.var(over)
        unbiased = x.var(over, ddof=1)
        running_mean = mean if running_mean is None else (1 - momentum) * running_mean + momentum * mean
        running_var = unbiased if running_var is None else (1 - momentum) * running_var + momentum * unbiased
    shape = (-1,) + (1,) * (x.ndim - 2)
    y = (x - mean.reshape(shape)) / np.sqrt(variance.reshape(shape) + eps)
    return _per_channel(y, weight, bias), running_mean, running_var


# ---- Losses ---------------------------------------------------------------------------------------------


def reduce(losses, reduction):
    return {"mean": np.mean, "sum": np.sum, "none": np.asarray}[reduction](losses)


def huber(distance, delta):
    size = np.abs(distance)
    return np.where(size < delta, size**2 / 2, delta * (size - delta / 2))


def kl_div(prediction, target, reduction, log_target):
    if log_target:
        return reduce(np.exp(target) * (target - prediction), reduction)
    return reduce(special.xlogy(target, target) - target * prediction, reduction)


def binary_cross_entropy(p, target, weight, reduction):
    losses = -(target * np.log(p) + (1 - target) * np.log1p(-p))
    return reduce(losses if weight is None else losses * weight, reduction)


def binary_cross_entropy_with_logits(x, target, weight, pos_weight, reduction):
    positive = 1 if pos_weight is None else pos_weight
    losses = positive * target * np.logaddexp(0, -x) + (1 - target) * np.logaddexp(0, x)
    return reduce(losses if weight is None else losses * weight, reduction)


def nll_loss(log_probabilities, target, weight, reduction, ignore_index):
    if log_probabilities.ndim == 1:
        log_probabilities, target = log_probabilities[None], np.asarray(target)[None]
        return nll_loss(log_probabilities, target, weight, "sum" if reduction == "none" else reduction, ignore_index)
    rows = np.moveaxis(log_probabilities, 1, -1)
    counted = target != ignore_index
    safe = np.where(counted, target, 0)
    weights = np.where(counted, 1.0 if weight is None else weight[safe], 0.0)
    losses = -weights * np.take_along_axis(rows, safe[..., None], -1)[..., 0]
    return losses.sum() / weights.sum() if reduction == "mean" else reduce(losses, reduction)


def cross_entropy(logits, target, weight, reduction, ignore_index, smoothing):
    axis = 0 if logits.ndim == 1 else 1
    classes = logits.shape[axis]
    log_probabilities = special.log_softmax(logits, axis=axis)
    shape = (-1,) + (1,) * (logits.ndim - 1 - axis)
    weights = np.ones(classes) if weight is None else weight
    if target.dtype.kind == "f":
        target = (target * (1 - smoothing) + smoothing / classes) * weights.reshape(shape)
        return reduce(-(target * log_probabilities).sum(axis), reduction)
    picked = nll_loss(log_probabilities, target, weight, "none", ignore_index)
    counted = target != ignore_index
    spread = -(log_probabilities * weights.reshape(shape)).sum(axis) * counted
    losses = (1 - smoothing) * picked + smoothing / classes * spread
    if reduction != "mean":
        return reduce(losses, reduction)
    return losses.sum() / weights[np.where(counted, target, 0)][counted].sum()


# ---- Similarity and attention ---------------------------------------------------------------------------


def cosine_similarity(a, b, axis, eps):
    a, b = np.broadcast_arrays(a, b)
    norms = np.linalg.norm(a, axis=axis) * np.linalg.norm(b, axis=axis)
    return (a * b).sum(axis) / np.maximum(norms, eps)


def attention(q, k, v, mask, causal, scale):
    scores = q @ np.swapaxes(k, -1, -2) * (scale or 1 / np.sqrt(q.shape[-1]))
    if causal:
        scores = np.where(np.tril(np.ones(scores.shape[-2:], bool)), scores, -np.inf)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    with np.errstate(invalid="ignore"):
        weights = special.softmax(scores, axis=-1) if scores.size else scores
    return np.where(np.isneginf(scores).all(-1, keepdims=True), 0, weights) @ v


# ---- Recurrent layers -----------------------------------------------------------------------------------


def _steps(x, hidden, weight_ih, weight_hh, bias_ih, bias_hh, reverse):
    """The inputs' products in the order of the steps, the first hidden state, and the function of the other product."""
    inputs = x @ weight_ih.T + (0 if bias_ih is None else bias_ih)
    first = np.zeros((x.shape[1], weight_hh.shape[1])) if hidden is None else hidden
    recurrent = lambda h: h @ weight_hh.T + (0 if bias_hh is None else bias_hh)
    return (inputs[::-1] if reverse else inputs), first, recurrent


def _in_time(states, first, reverse):
    return np.stack(states[::-1] if reverse else states) if states else np.zeros((0, *first.shape))


def lstm(x, weight_ih, weight_hh, hidden, cell, bias_ih, bias_hh, reverse):
    inputs, h, recurrent = _steps(x, hidden, weight_ih, weight_hh, bias_ih, bias_hh, reverse)
    c = np.zeros_like(h) if cell is None else cell
    states = []
    for row in inputs:
        i, f, g, o = np.split(row + recurrent(h), 4, -1)
        c = special.expit(f) * c + special.expit(i) * np.tanh(g)
        h = special.expit(o) * np.tanh(c)
        states.append(h)
    return _in_time(states, h, reverse), h, c


def gru(x, weight_ih, weight_hh, hidden, bias_ih, bias_hh, reverse):
    inputs, h, recurrent = _steps(x, hidden, weight_ih, weight_hh, bias_ih, bias_hh, reverse)
    states = []
    for row in inputs:
        (xr, xz, xn), (hr, hz, hn) = np.split(row, 3, -1), np.split(recurrent(h), 3, -1)
        z = special.expit(xz + hz)
        h = (1 - z) * np.tanh(xn + special.expit(xr + hr) * hn) + z * h
        states.append(h)
    return _in_time(states, h, reverse), h


def rnn(x, weight_ih, weight_hh, hidden, bias_ih, bias_hh, nonlinearity, reverse):
    inputs, h, recurrent = _steps(x, hidden, weight_ih, weight_hh, bias_ih, bias_hh, reverse)
    states = []
    for row in inputs:
        h = row + recurrent(h)
        h = np.tanh(h) if nonlinearity == "tanh" else np.maximum(h, 0)
        states.append(h)
    return _in_time(states, h, reverse), h


# ---- Pooling --------------------------------------------------------------------------------------------
def _windows(x, kernel_size, stride, padding, dilation=(1, 1)):
    """For each position of a window in the last two axes, the pixels (row, column) under it, and the divisor."""
    stride = kernel_size if stride is None else tuple(stride) * (2 // len(stride))
    extents = x.shape[-2:]
    size = [
        (extent + 2 * p - d * (k - 1) - 1) // s + 1
        for extent, k, s, p, d in zip(extents, kernel_size, stride, padding, dilation, strict=True)
    ]
    for position in np.ndindex(*size):
        start = [i * s - p for i, s, p in zip(position, stride, padding, strict=True)]
        axes = [range(b, b + d * k, d) for b, k, d in zip(start, kernel_size, dilation, strict=True)]
        pixels = [(r, c) for r in axes[0] for c in axes[1] if 0 <= r < extents[0] and 0 <= c < extents[1]]
        ends = [min(b + k, extent + p) for b, k, extent, p in zip(start, kernel_size, extents, padding, strict=True)]
        yield tuple(size), position, pixels, (ends[0] - start[0]) * (ends[1] - start[1])


def max_pool2d(x, kernel_size, stride, padding, dilation):
    """The first greatest pixel of each window, and its flat index."""
    size = next(_windows(x, kernel_size, stride, padding, dilation))[0]
    values, indices = np.zeros((*x.shape[:-2], *size), x.dtype), np.zeros((*x.shape[:-2], *size), np.int64)
    for _, (i, j), pixels, _ in _windows(x, kernel_size, stride, padding, dilation):
        for plane in np.ndindex(*x.shape[:-2]):
            r, c = max(pixels, key=lambda pixel: x[(*plane, *pixel)])
            values[(*plane, i, j)], indices[(*plane, i, j)] = x[(*plane, r, c)], r * x.shape[-1] + c
    return values, indices


def max_pool1d(x, kernel_size, stride, padding, dilation):
    """Images of one row."""
    stride = kernel_size if stride is None else stride
    values, indices = max_pool2d(x[..., None, :], (1, *kernel_size), (1, *stride), (0, *padding), (1, *dilation))
    return values[..., 0, :], indices[..., 0, :]


def max_pool2d_scatter(x, indices, output_size):
    """Elements added to the pixels at their indices."""
    out = np.zeros((*x.shape[:-2], output_size[0] * output_size[1]))
    for plane in np.ndindex(*x.shape[:-2]):
        np.add.at(out[plane], indices[plane].ravel(), x[plane].ravel())
    return out.reshape(*x.shape[:-2], *output_size)


def max_pool2d_gather(x, indices):
    """The pixels at the indices."""
    flat = np.take_along_axis(
        x.reshape(*x.shape[:-2], -1), indices.reshape(*indices.shape[:-2], -1).astype(np.int64), axis=-1
    )
    return flat.reshape(indices.shape)


def avg_pool2d(x, kernel_size, stride, padding, count_include_pad):
    """The mean of each window; its divisor counts padding, but nothing beyond it."""
    size = next(_windows(x, kernel_size, stride, padding))[0]
    out = np.zeros((*x.shape[:-2], *size))
    for _, (i, j), pixels, divisor in _windows(x, kernel_size, stride, padding):
        for r, c in pixels:
            out[..., i, j] += x[..., r, c] / (divisor if count_include_pad else len(pixels))
    return out


def avg_pool1d(x, kernel_size, stride, padding, count_include_pad):
    """Images of one row."""
    stride = kernel_size if stride is None else stride
    return avg_pool2d(x[..., None, :], (1, *kernel_size), (1, *stride), (0, *padding), count_include_pad)[..., 0, :]


def avg_pool2d_input_gradient(
    gradient,
    input_size,
    kernel_size,
    stride,
    padding,
    count_include_pad,
):
    """Each element in equal shares over its window."""
    out = np.zeros((*gradient.shape[:-2], *input_size))
    for _, (i, j), pixels, divisor in _windows(out, kernel_size, stride, padding):
        for r, c in pixels:
            out[..., r, c] += gradient[..., i, j] / (divisor if count_include_pad else len(pixels))
    return out
