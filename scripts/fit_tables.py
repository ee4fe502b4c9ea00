"""Fits the piecewise polynomials of Sources/CSupport/include/tables.h and writes that file; needs mpmath.

Piece k of a function reaches half a step to either side of k steps. Its coefficients, lowest degree first, are fitted
to the least squares of relative errors at Chebyshev's nodes, one after the other: each is rounded to float32 before
the next are fitted.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import mpmath as mp
import numpy as np

PIECES = 32
NODES = 60
Function = Callable[[mp.mpf], mp.mpf]


def normal_tail(a: mp.mpf) -> mp.mpf:
    """Of the standard normal distribution, what lies below -a."""
    return mp.erfc(a / mp.sqrt(2)) / 2


def logistic_tail(a: mp.mpf) -> mp.mpf:
    """The logistic function at -a."""
    return 1 / (1 + mp.exp(a))


def gelu_slope(a: mp.mpf) -> mp.mpf:
    """The derivative of x Φ(x) at -a."""
    return normal_tail(a) - a * mp.npdf(a)


def relative(_: mp.mpf, value: mp.mpf) -> mp.mpf:
    return abs(value)


#: Name, function, step, degree, what errors are relative to, coefficients that are given.
TABLES: list[tuple[str, Function, mp.mpf, int, Callable[[mp.mpf, mp.mpf], mp.mpf], dict[int, mp.mpf]]] = [
    ("tanh", mp.tanh, mp.mpf(19) / 64, 6, relative, {0: mp.mpf(0), 1: mp.mpf(1)}),
    ("erf", mp.erf, mp.mpf(1) / 8, 5, relative, {0: mp.mpf(0)}),
    ("normal_tail", normal_tail, mp.mpf(3) / 16, 6, relative, {}),
    ("logistic_tail", logistic_tail, mp.mpf(1) / 2, 6, relative, {}),
    # It crosses zero at 0.75.
    ("gelu_slope", gelu_slope, mp.mpf(3) / 16, 6, lambda a, value: max(abs(value), normal_tail(a)), {}),
]


def rounded(x: mp.mpf) -> mp.mpf:
    return mp.mpf(float(np.float32(float(x))))


def decimal(x: mp.mpf) -> str:
    """The shortest number that is read as this float32."""
    text = str(np.float32(float(x)))
    return text if "." in text or "e" in text else text + ".0"


def fit(function: Function, center: mp.mpf, low: mp.mpf, high: mp.mpf, degree: int, scale, given) -> list[mp.mpf]:
    nodes = [(low + high + (high - low) * mp.cos(mp.pi * (2 * i + 1) / (2 * NODES))) / 2 for i in range(NODES)]
    values = [function(center + t) for t in nodes]
    weights = [1 / scale(center + t, value) for t, value in zip(nodes, values, strict=True)]
    coefficients = dict(given)
    free = [d for d in range(degree + 1) if d not in coefficients]
    while free:
        matrix, right = mp.matrix(NODES, len(free)), mp.matrix(NODES, 1)
        for i, (t, value, weight) in enumerate(zip(nodes, values, weights, strict=True)):
            right[i] = weight * (value - sum(c * t**d for d, c in coefficients.items()))
            for j, d in enumerate(free):
                matrix[i, j] = weight * t**d
        # The least squares of an overdetermined system.
        coefficients[free.pop(0)] = rounded(mp.lu_solve(matrix, right)[0])
    return [coefficients[d] for d in range(degree + 1)]


def table(name: str, function: Function, step: mp.mpf, degree: int, scale, given) -> str:
    pieces = [
        fit(function, step * k, mp.mpf(0) if k == 0 else -step / 2, step / 2, degree, scale, given if k == 0 else {})
        for k in range(PIECES)
    ]
    rows = [", ".join(f"{decimal(piece[d])}f" for piece in pieces) for d in range(degree + 1)]
    body = ",\n".join(f"  {{{row}}}" for row in rows)
    return f"TABLE({name}, {degree + 1}) = {{\n{body}}};\nCOEFFICIENT({name})\n"


def main() -> None:
    mp.mp.dps = 40
    text = """// Written by scripts/fit_tables.py: polynomials for 32 pieces of a function, by degree and piece.
// A permutation of two registers looks up the coefficients of a whole vector.
#ifndef ALULA_TABLES_H
#define ALULA_TABLES_H

#include "vectors.h"

#if defined(__AVX512F__)

#define TABLE(name, count) static const float name##_table[count][32] __attribute__((aligned(64)))
#define COEFFICIENT(name)                                                                                    \\
  /** Of `degree` for the pieces whose numbers are the lowest five bits of each index. */                    \\
  VECTOR_FUNCTION vector_float32 name##_coefficient(intptr_t degree, vector_int32 index) {                   \\
    typedef float registers __attribute__((vector_size(64)));                                                \\
    typedef int indices __attribute__((vector_size(64)));                                                    \\
    const registers *row = (const registers *)name##_table[degree];                                          \\
    return (vector_float32)__builtin_ia32_vpermi2varps512(row[0], (indices)index, row[1]);                   \\
  }

"""
    text += "\n".join(table(*row) for row in TABLES)
    text += "\n#endif\n\n#endif\n"
    path = Path(__file__).parents[1] / "Sources/CSupport/include/tables.h"
    path.write_text(text)
    subprocess.run(["clang-format", "-i", str(path)], check=True)


main()
