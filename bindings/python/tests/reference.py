"""What NumPy and SciPy lack of the catalog's references, written for clarity in float64."""

from __future__ import annotations

import numpy as np


# ---- Convolution ----------------------------------------------------------------------------------------


def conv2d(x, weight, bias, stride, padding, dilation, groups):  # noqa: ANN001, ANN201
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


def conv1d(x, weight, bias, stride, padding, dilation, groups):  # noqa: ANN001, ANN201
    """Cross-correlation of images of one row."""
    out = conv2d(
        x[:, :, None], weight[:, :, None], bias, (1, *stride), (0, *padding), (1, *dilation), groups
    )
    return out[:, :, 0]


def conv2d_input_gradient(gradient, weight, input_size, stride, padding, dilation, groups):  # noqa: ANN001, ANN201
    """The transposed map, from conv2d's value on every unit image."""
    shape = (1, weight.shape[1] * groups, *input_size)
    out = np.zeros((gradient.shape[0], *shape[1:]))
    for index in np.ndindex(*shape):
        unit = np.zeros(shape)
        unit[index] = 1
        image = conv2d(unit, weight, None, stride, padding, dilation, groups)
        out[(slice(None), *index[1:])] = np.sum(gradient * image, axis=(1, 2, 3))
    return out


def conv2d_weight_gradient(gradient, x, kernel_size, stride, padding, dilation, groups):  # noqa: ANN001, ANN201
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
# ---- Pooling --------------------------------------------------------------------------------------------
def _windows(x, kernel_size, stride, padding, dilation=(1, 1)):  # noqa: ANN001, ANN202
    """For each position of a window in the last two axes, the pixels (row, column) that lie under it, and the divisor."""
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
        ends = [
            min(b + k, extent + p) for b, k, extent, p in zip(start, kernel_size, extents, padding, strict=True)
        ]
        yield tuple(size), position, pixels, (ends[0] - start[0]) * (ends[1] - start[1])
def max_pool2d(x, kernel_size, stride, padding, dilation):  # noqa: ANN001, ANN201
    """The first greatest pixel of each window, and its flat index."""
    size = next(_windows(x, kernel_size, stride, padding, dilation))[0]
    values, indices = np.zeros((*x.shape[:-2], *size), x.dtype), np.zeros((*x.shape[:-2], *size), np.int64)
    for _, (i, j), pixels, _ in _windows(x, kernel_size, stride, padding, dilation):
        for plane in np.ndindex(*x.shape[:-2]):
            r, c = max(pixels, key=lambda pixel: x[(*plane, *pixel)])
            values[(*plane, i, j)], indices[(*plane, i, j)] = x[(*plane, r, c)], r * x.shape[-1] + c
    return values, indices
def max_pool1d(x, kernel_size, stride, padding, dilation):  # noqa: ANN001, ANN201
    """Images of one row."""
    stride = kernel_size if stride is None else stride
    values, indices = max_pool2d(
        x[..., None, :], (1, *kernel_size), (1, *stride), (0, *padding), (1, *dilation)
    )
    return values[..., 0, :], indices[..., 0, :]
def max_pool2d_scatter(x, indices, output_size):  # noqa: ANN001, ANN201
    """Elements added to the pixels at their indices."""
    out = np.zeros((*x.shape[:-2], output_size[0] * output_size[1]))
    for plane in np.ndindex(*x.shape[:-2]):
        np.add.at(out[plane], indices[plane].ravel(), x[plane].ravel())
    return out.reshape(*x.shape[:-2], *output_size)
def max_pool2d_gather(x, indices):  # noqa: ANN001, ANN201
    """The pixels at the indices."""
    flat = np.take_along_axis(
        x.reshape(*x.shape[:-2], -1), indices.reshape(*indices.shape[:-2], -1).astype(np.int64), axis=-1
    )
    return flat.reshape(indices.shape)
def avg_pool2d(x, kernel_size, stride, padding, count_include_pad):  # noqa: ANN001, ANN201
    """The mean of each window; its divisor counts padding, but nothing beyond it."""
    size = next(_windows(x, kernel_size, stride, padding))[0]
    out = np.zeros((*x.shape[:-2], *size))
    for _, (i, j), pixels, divisor in _windows(x, kernel_size, stride, padding):
        for r, c in pixels:
            out[..., i, j] += x[..., r, c] / (divisor if count_include_pad else len(pixels))
    return out
def avg_pool1d(x, kernel_size, stride, padding, count_include_pad):  # noqa: ANN001, ANN201
    """Images of one row."""
    stride = kernel_size if stride is None else stride
    return avg_pool2d(x[..., None, :], (1, *kernel_size), (1, *stride), (0, *padding), count_include_pad)[..., 0, :]
def avg_pool2d_input_gradient(  # noqa: ANN201
    gradient, input_size, kernel_size, stride, padding, count_include_pad  # noqa: ANN001
    """Each element in equal shares over its window."""
    out = np.zeros((*gradient.shape[:-2], *input_size))
    for _, (i, j), pixels, divisor in _windows(out, kernel_size, stride, padding):
        for r, c in pixels:
            out[..., r, c] += gradient[..., i, j] / (divisor if count_include_pad else len(pixels))
    return out
