"""Fits the piecewise polynomials of Sources/CSupport/include/tables.h and writes that file; needs mpmath.

Coefficients, lowest degree first, are fitted to the least squares of relative errors at Chebyshev's nodes, one after
the other: each is rounded to float32 before the next are fitted.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import mpmath as mp
import numpy as np

NODES = 60
Function = Callable[[mp.mpf], mp.mpf]


class Table(NamedTuple):
    """A function and how it is cut.

    With a step, piece k reaches half a step to either side of k steps. With a start, the pieces are those of a + start
    by exponent and first bit of the mantissa, numbered by the last three bits of those.
    """

    name: str
    function: Function
    degree: int
    pieces: int = 8
    step: mp.mpf | None = None
    start: mp.mpf = mp.mpf(1)
    #: What errors are relative to.
    unit: Callable[[mp.mpf, mp.mpf], mp.mpf] = lambda _, value: abs(value)
    #: The first coefficients of the piece at 0, whose middle is 0.
    given: tuple[int, ...] = ()
    #: The largest argument: beyond, the function is 1 when rounded, or other formulas take over.
    end: mp.mpf | None = None


def normal_tail(a: mp.mpf) -> mp.mpf:
    """Of the standard normal distribution, what lies below -a."""
    return mp.erfc(a / mp.sqrt(2)) / 2


def logistic_tail(a: mp.mpf) -> mp.mpf:
    """The logistic function at -a."""
    return 1 / (1 + mp.exp(a))


def gelu_slope(a: mp.mpf) -> mp.mpf:
    """The derivative of x Φ(x) at -a."""
    return normal_tail(a) - a * mp.npdf(a)


def scaled_normal_tail(a: mp.mpf) -> mp.mpf:
    return normal_tail(a) * mp.exp(a * a / 2)


def scaled_erfc(a: mp.mpf) -> mp.mpf:
    return mp.erfc(a) * mp.exp(a * a)


def slope_unit(a: mp.mpf, value: mp.mpf) -> mp.mpf:
    """What errors of the slope are relative to: itself, but the tail about 0.75, where it crosses zero."""
    return max(abs(value), normal_tail(a))


#: 32 pieces are two registers of AVX-512; 8 are one of AVX2, which takes three instructions for each coefficient of 16.
AVX512 = [
    Table("tanh", mp.tanh, 6, 32, mp.mpf(19) / 64, given=(0, 1), end=mp.mpf("9.2")),
    Table("erf", mp.erf, 5, 32, mp.mpf(65) / 512, given=(0,), end=31 * mp.mpf(65) / 512),
    Table("normal_tail", normal_tail, 6, 32, mp.mpf(3) / 16, end=mp.mpf("5.9")),
    Table("gelu_slope", gelu_slope, 6, 32, mp.mpf(3) / 16, unit=slope_unit, end=mp.mpf("5.9")),
    Table("logistic_tail", logistic_tail, 6, 32, mp.mpf(1) / 2, end=mp.mpf("15.7")),
]
AVX2 = [
    Table("tanh", mp.tanh, 7, start=mp.mpf(3) / 4, given=(0, 1), end=mp.mpf("9.2")),
    Table("erf", mp.erf, 7, step=mp.mpf(9) / 16, given=(0,), end=7 * mp.mpf(9) / 16),
    Table("normal_tail", normal_tail, 6, 16, mp.mpf(9) / 32, end=mp.mpf("4.35")),
    Table("gelu_slope", gelu_slope, 6, 16, mp.mpf(9) / 32, unit=slope_unit, end=mp.mpf("4.35")),
    Table("logistic_tail", logistic_tail, 6, 16, mp.mpf(3) / 4, end=mp.mpf("11.6")),
]
BOTH = [
    Table("scaled_normal_tail", scaled_normal_tail, 7),
    Table("scaled_erfc", scaled_erfc, 7, start=mp.mpf(3) / 4),
]


def rounded(x: mp.mpf) -> mp.mpf:
    return mp.mpf(float(np.float32(float(x))))


def decimal(x: mp.mpf) -> str:
    """The shortest number that is read as this float32."""
    text = str(np.float32(float(x)))
    return text if "." in text or "e" in text else text + ".0"


def fit(table: Table, center: mp.mpf, low: mp.mpf, high: mp.mpf, given: tuple[int, ...]) -> list[mp.mpf]:
    nodes = [(low + high + (high - low) * mp.cos(mp.pi * (2 * i + 1) / (2 * NODES))) / 2 for i in range(NODES)]
    values = [table.function(center + t) for t in nodes]
    weights = [1 / table.unit(center + t, value) for t, value in zip(nodes, values, strict=True)]
    coefficients = {d: mp.mpf(c) for d, c in enumerate(given)}
    free = [d for d in range(table.degree + 1) if d not in coefficients]
    while free:
        matrix, right = mp.matrix(NODES, len(free)), mp.matrix(NODES, 1)
        for i, (t, value, weight) in enumerate(zip(nodes, values, weights, strict=True)):
            right[i] = weight * (value - sum(c * t**d for d, c in coefficients.items()))
            for j, d in enumerate(free):
                matrix[i, j] = weight * t**d
        # The least squares of an overdetermined system.
        coefficients[free.pop(0)] = rounded(mp.lu_solve(matrix, right)[0])
    return [coefficients[d] for d in range(table.degree + 1)]


def middle(function: Function, low: mp.mpf, high: mp.mpf) -> mp.mpf:
    """The float32 near the middle whose function value is nearest to a float32, relative to it."""
    start = np.float32(float(low + high) / 2)
    candidates = [mp.mpf(float(start)) * (1 + mp.mpf(k) / 2**14) for k in range(-64, 65)]
    values = [(function(c), c) for c in map(rounded, candidates)]
    return min(values, key=lambda pair: abs(rounded(pair[0]) / pair[0] - 1))[1]


def pieces(table: Table) -> tuple[list[list[mp.mpf]], list[mp.mpf]]:
    """The coefficients of each piece, and their middles."""
    if table.step is not None:
        middles = [table.step * k for k in range(table.pieces)]
        bounds = [(c - table.step / 2 if k else mp.mpf(0), c + table.step / 2) for k, c in enumerate(middles)]
    else:
        edges = [mp.mpf(2) ** e * m for e in range(-2, 6) for m in (mp.mpf(1), mp.mpf(3) / 2)]
        first = edges.index(table.start)
        bounds = [(edges[k] - table.start, edges[k + 1] - table.start) for k in range(first, first + table.pieces)]
        # By number: the first has that of the start.
        turn = int(np.float32(float(table.start)).view(np.int32) >> 22) % table.pieces
        bounds = bounds[-turn:] + bounds[:-turn] if turn else bounds
        middles = [mp.mpf(0) if table.given and low == 0 else middle(table.function, low, high) for low, high in bounds]
    rows = [
        fit(table, c, low - c, high - c, table.given if c == 0 else ())
        for c, (low, high) in zip(middles, bounds, strict=True)
    ]
    return rows, middles


def declaration(table: Table) -> str:
    rows, middles = pieces(table)
    lines = [", ".join(f"{decimal(piece[d])}f" for piece in rows) for d in range(table.degree + 1)]
    body = ",\n".join(f"  {{{line}}}" for line in lines)
    text = f"enum {{ {table.name}_degree = {table.degree} }};\n"
    text += f"TABLE({table.name}, {table.degree + 1}, {table.pieces}) = {{\n{body}}};\n"
    if table.step is None:
        text += f"GROWING({table.name}, {decimal(table.start)}f, {{{', '.join(f'{decimal(c)}f' for c in middles)}}})\n"
    else:
        text += f"EQUAL({table.name}, {decimal(table.step)}f)\n"
    if table.end is not None:
        text += f"static const float {table.name}_end = {decimal(table.end)}f;\n"
    return text


TEXT = """// Written by scripts/fit_tables.py: polynomials for pieces of a function, by degree and piece.
#ifndef ALULA_TABLES_H
#define ALULA_TABLES_H

#include "vectors.h"

#if defined(__AVX2__)

#define TABLE(name, count, pieces)                                                                         \\
  static const float name##_table[count][pieces] __attribute__((aligned(64)));                             \\
  /** The coefficient of `degree` for each piece. */                                                       \\
  VECTOR_FUNCTION vector_float32 name##_coefficient(intptr_t degree, vector_int32 piece) {                 \\
    return vector_pick_of_##pieces(name##_table[0], degree, piece);                                        \\
  }                                                                                                        \\
  static const float name##_table[count][pieces]

// Piece k reaches half a step to either side of k steps.
#define EQUAL(name, step)                                                                                  \\
  /** The number of the piece that holds `a`, from 0 to half a step beyond the last. */                    \\
  VECTOR_FUNCTION vector_int32 name##_piece(vector_float32 a) {                                            \\
    return (vector_int32)vector_fma(a, (vector_float32)(1 / step), (vector_float32)0x1.8p23f);             \\
  }                                                                                                        \\
  /** How far `a` is from the middle of its piece. */                                                      \\
  VECTOR_FUNCTION vector_float32 name##_offset(vector_float32 a, vector_int32 piece) {                     \\
    return vector_fma((vector_float32)piece - 0x1.8p23f, (vector_float32)(-step), a);                      \\
  }

// Every other piece is twice as wide: by the exponent of start + a and the first bit of its mantissa.
#define GROWING(name, start, ...)                                                                          \\
  static const float name##_middles[8] __attribute__((aligned(32))) = __VA_ARGS__;                         \\
  /** The number of the piece that holds `a`, from 0 to 15 starts. */                                      \\
  VECTOR_FUNCTION vector_int32 name##_piece(vector_float32 a) { return (vector_int32)(a + start) >> 22; }  \\
  /** How far `a` is from the middle of its piece. */                                                      \\
  VECTOR_FUNCTION vector_float32 name##_offset(vector_float32 a, vector_int32 piece) {                     \\
    return a - vector_pick_of_8(name##_middles, 0, piece);                                                    \\
  }

"""


def main() -> None:
    mp.mp.dps = 40
    text = TEXT
    text += "#if defined(__AVX512F__)\n\n" + "\n".join(map(declaration, AVX512))
    text += "\n#else\n\n" + "\n".join(map(declaration, AVX2))
    text += "\n#endif\n\n" + "\n".join(map(declaration, BOTH))
    text += "\n#endif\n\n#endif\n"
    path = Path(__file__).parents[1] / "Sources/CSupport/include/tables.h"
    path.write_text(text)
    subprocess.run(["clang-format", "-i", str(path)], check=True)


main()
