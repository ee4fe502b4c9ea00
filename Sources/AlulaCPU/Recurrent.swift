import CSupport

// One step of recurrent cells, and of their gradients, over rows of a batch. Gates lie side by side in a row. Gradients
// that do not arrive are left out.

func registerRecurrent(_ receive: KernelReceiver) {
  registerRows(
    receive, "lstm_cell",
    float32: { rows, n, data, steps, _ in
      lstm(Floats(), rows, n, data, steps) { i, f, g, o, c in
        (i, f, g, o) = (sigmoid(i), sigmoid(f), tanh(g), sigmoid(o))
        c = fma(f, c, i * g)
        return o * tanh(c)
      }
    },
    float64: { rows, n, data, steps, _ in
      lstm(Doubles(), rows, n, data, steps) { i, f, g, o, c in
        (i, f, g, o) = (sigmoid(i), sigmoid(f), tanh(g), sigmoid(o))
        c = fma(f, c, i * g)
        return o * tanh(c)
      }
    })
  registerRows(
    receive, "lstm_cell_backward",
    float32: { rows, n, data, steps, _ in lstmBackward(Floats(), rows, n, data, steps) { tanh($0) } },
    float64: { rows, n, data, steps, _ in lstmBackward(Doubles(), rows, n, data, steps) { tanh($0) } })
  registerRows(
    receive, "gru_cell",
    float32: { rows, n, data, steps, _ in
      gru(Floats(), rows, n, data, steps) { r, z, n, hidden in
        (r, z) = (sigmoid(r), sigmoid(z))
        n = tanh(fma(r, hidden, n))
      }
    },
    float64: { rows, n, data, steps, _ in
      gru(Doubles(), rows, n, data, steps) { r, z, n, hidden in
        (r, z) = (sigmoid(r), sigmoid(z))
        n = tanh(fma(r, hidden, n))
      }
    })
  registerRows(
    receive, "gru_cell_backward",
    float32: { rows, n, data, steps, _ in gruBackward(Floats(), rows, n, data, steps) },
    float64: { rows, n, data, steps, _ in gruBackward(Doubles(), rows, n, data, steps) })
  registerRows(
    receive, "rnn_tanh_cell",
    float32: { rows, n, data, steps, _ in rnn(Floats(), rows, n, data, steps) { tanh($0) } },
    float64: { rows, n, data, steps, _ in rnn(Doubles(), rows, n, data, steps) { tanh($0) } })
  registerRows(
    receive, "rnn_relu_cell",
    float32: { rows, n, data, steps, _ in
      rnn(Floats(), rows, n, data, steps) { (x: Floats) in x.replacing(with: 0, where: x .< 0) }
    },
    float64: { rows, n, data, steps, _ in
      rnn(Doubles(), rows, n, data, steps) { (x: Doubles) in x.replacing(with: 0, where: x .< 0) }
    })
  registerRows(
    receive, "rnn_tanh_cell_backward",
    float32: { rows, n, data, steps, _ in
      rnnBackward(Floats(), rows, n, data, steps) { (d: Floats, h: Floats) in d * (1 - h * h) }
    },
    float64: { rows, n, data, steps, _ in
      rnnBackward(Doubles(), rows, n, data, steps) { (d: Doubles, h: Doubles) in d * (1 - h * h) }
    })
  registerRows(
    receive, "rnn_relu_cell_backward",
    float32: { rows, n, data, steps, _ in
      rnnBackward(Floats(), rows, n, data, steps) { (d: Floats, h: Floats) in d.replacing(with: 0, where: h .<= 0) }
    },
    float64: { rows, n, data, steps, _ in
      rnnBackward(Doubles(), rows, n, data, steps) { (d: Doubles, h: Doubles) in d.replacing(with: 0, where: h .<= 0) }
    })
}

/// The vector from element i on of gate `gate` of a row; zero for an operand that was left out.
@inline(__always)
private func gate<V: SIMD>(_ row: UnsafeMutableRawPointer?, _ gate: Int, _ n: Int, _ i: Int, _ lanes: Int) -> V
where V.Scalar: FloatingPoint {
  guard let row else { return V.zero }
  return loadVector(row, gate &* n &+ i, lanes, fill: 0, as: V.self)
}

/// Operands: the gates' activations i, f, g, o, the new cell, the hidden state (all written), the inputs' and the
/// recurrent products, and the cell before.
@inline(__always)
private func lstm<V: SIMD>(
  _: V, _ rows: Int, _ n: Int, _ data: RowPointers, _ steps: UnsafePointer<Int>?,
  _ body: (inout V, inout V, inout V, inout V, inout V) -> V
) where V.Scalar: FloatingPoint {
  for row in 0..<rows {
    guard let activations = rowStart(data, steps, 0, row), let cell = rowStart(data, steps, 1, row),
      let hidden = rowStart(data, steps, 2, row)
    else { return }
    let x = rowStart(data, steps, 3, row)
    let product = rowStart(data, steps, 4, row)
    let before = rowStart(data, steps, 5, row)
    forEachVector(n, V.self) { k, lanes in
      var i: V = gate(x, 0, n, k, lanes) + gate(product, 0, n, k, lanes)
      var f: V = gate(x, 1, n, k, lanes) + gate(product, 1, n, k, lanes)
      var g: V = gate(x, 2, n, k, lanes) + gate(product, 2, n, k, lanes)
      var o: V = gate(x, 3, n, k, lanes) + gate(product, 3, n, k, lanes)
      var c: V = gate(before, 0, n, k, lanes)
      let h = body(&i, &f, &g, &o, &c)
      storeVector(i, activations, k, lanes)
      storeVector(f, activations, n &+ k, lanes)
      storeVector(g, activations, 2 &* n &+ k, lanes)
      storeVector(o, activations, 3 &* n &+ k, lanes)
      storeVector(c, cell, k, lanes)
      storeVector(h, hidden, k, lanes)
    }
  }
}

/// Operands: the gates' gradients (written), the cell's gradient (from the next step, then to the one before), the
/// hidden state's gradient from the next step, the gradients of hidden state, cell and activations; the activations, the
/// cell, and the cell before.
@inline(__always)
private func lstmBackward<V: SIMD>(
  _: V, _ rows: Int, _ n: Int, _ data: RowPointers, _ steps: UnsafePointer<Int>?, _ tanh: (V) -> V
) where V.Scalar: FloatingPoint {
  for row in 0..<rows {
    guard let gradients = rowStart(data, steps, 0, row), let carried = rowStart(data, steps, 1, row) else { return }
    let next = rowStart(data, steps, 2, row)
    let (dHidden, dCell) = (rowStart(data, steps, 3, row), rowStart(data, steps, 4, row))
    let (dActivations, activations) = (rowStart(data, steps, 5, row), rowStart(data, steps, 6, row))
    let (cell, before) = (rowStart(data, steps, 7, row), rowStart(data, steps, 8, row))
    forEachVector(n, V.self) { k, lanes in
      let i: V = gate(activations, 0, n, k, lanes)
      let f: V = gate(activations, 1, n, k, lanes)
      let g: V = gate(activations, 2, n, k, lanes)
      let o: V = gate(activations, 3, n, k, lanes)
      let dh: V = gate(next, 0, n, k, lanes) + gate(dHidden, 0, n, k, lanes)
      let bent = tanh(gate(cell, 0, n, k, lanes))
      let fromHidden: V = dh * o * (1 - bent * bent)
      let dc: V = gate(carried, 0, n, k, lanes) + gate(dCell, 0, n, k, lanes) + fromHidden
      let di: V = dc * g + gate(dActivations, 0, n, k, lanes)
      let df: V = dc * gate(before, 0, n, k, lanes) + gate(dActivations, 1, n, k, lanes)
      let dg: V = dc * i + gate(dActivations, 2, n, k, lanes)
      let dO: V = dh * bent + gate(dActivations, 3, n, k, lanes)
      storeVector(di * i * (1 - i), gradients, k, lanes)
      storeVector(df * f * (1 - f), gradients, n &+ k, lanes)
      storeVector(dg * (1 - g * g), gradients, 2 &* n &+ k, lanes)
      storeVector(dO * o * (1 - o), gradients, 3 &* n &+ k, lanes)
      storeVector(dc * f, carried, k, lanes)
    }
  }
}

/// Operands: the activations r, z, n and the hidden part of n (written), the hidden state (written), the inputs' and the
/// recurrent products, and the hidden state before.
@inline(__always)
private func gru<V: SIMD>(
  _: V, _ rows: Int, _ n: Int, _ data: RowPointers, _ steps: UnsafePointer<Int>?,
  _ body: (inout V, inout V, inout V, V) -> Void
) where V.Scalar: FloatingPoint {
  for row in 0..<rows {
    guard let activations = rowStart(data, steps, 0, row), let hidden = rowStart(data, steps, 1, row) else { return }
    let x = rowStart(data, steps, 2, row)
    let product = rowStart(data, steps, 3, row)
    let before = rowStart(data, steps, 4, row)
    forEachVector(n, V.self) { k, lanes in
      var r: V = gate(x, 0, n, k, lanes) + gate(product, 0, n, k, lanes)
      var z: V = gate(x, 1, n, k, lanes) + gate(product, 1, n, k, lanes)
      var new: V = gate(x, 2, n, k, lanes)
      let part: V = gate(product, 2, n, k, lanes)
      body(&r, &z, &new, part)
      storeVector(r, activations, k, lanes)
      storeVector(z, activations, n &+ k, lanes)
      storeVector(new, activations, 2 &* n &+ k, lanes)
      storeVector(part, activations, 3 &* n &+ k, lanes)
      let old: V = gate(before, 0, n, k, lanes)
      storeVector(new + z * (old - new), hidden, k, lanes)
    }
  }
}

/// Operands: the gradients of the inputs' and of the recurrent products, and the part of the gradient that goes
/// straight to the hidden state before (all written); the hidden state's gradient from the next step, the gradients of hidden
/// state and activations; the activations and the hidden state before.
@inline(__always)
private func gruBackward<V: SIMD>(
  _: V, _ rows: Int, _ n: Int, _ data: RowPointers, _ steps: UnsafePointer<Int>?
) where V.Scalar: FloatingPoint {
  for row in 0..<rows {
    guard let inputs = rowStart(data, steps, 0, row), let products = rowStart(data, steps, 1, row),
      let straight = rowStart(data, steps, 2, row)
    else { return }
    let (next, dHidden) = (rowStart(data, steps, 3, row), rowStart(data, steps, 4, row))
    let (dActivations, activations) = (rowStart(data, steps, 5, row), rowStart(data, steps, 6, row))
    let before = rowStart(data, steps, 7, row)
    forEachVector(n, V.self) { k, lanes in
      let r: V = gate(activations, 0, n, k, lanes)
      let z: V = gate(activations, 1, n, k, lanes)
      let new: V = gate(activations, 2, n, k, lanes)
      let part: V = gate(activations, 3, n, k, lanes)
      let dh: V = gate(next, 0, n, k, lanes) + gate(dHidden, 0, n, k, lanes)
      let old: V = gate(before, 0, n, k, lanes)
      let dn: V = (dh * (1 - z) + gate(dActivations, 2, n, k, lanes)) * (1 - new * new)
      let dz: V = (dh * (old - new) + gate(dActivations, 1, n, k, lanes)) * z * (1 - z)
      let dr: V = (dn * part + gate(dActivations, 0, n, k, lanes)) * r * (1 - r)
      storeVector(dr, inputs, k, lanes)
      storeVector(dz, inputs, n &+ k, lanes)
      storeVector(dn, inputs, 2 &* n &+ k, lanes)
      storeVector(dr, products, k, lanes)
      storeVector(dz, products, n &+ k, lanes)
      storeVector(dn * r + gate(dActivations, 3, n, k, lanes), products, 2 &* n &+ k, lanes)
      storeVector(dh * z, straight, k, lanes)
    }
  }
}

/// Operands: the hidden state (written), the inputs' and the recurrent products.
@inline(__always)
private func rnn<V: SIMD>(
  _: V, _ rows: Int, _ n: Int, _ data: RowPointers, _ steps: UnsafePointer<Int>?, _ body: (V) -> V
) where V.Scalar: FloatingPoint {
  for row in 0..<rows {
    guard let hidden = rowStart(data, steps, 0, row) else { return }
    let (x, product) = (rowStart(data, steps, 1, row), rowStart(data, steps, 2, row))
    forEachVector(n, V.self) { k, lanes in
      storeVector(body(gate(x, 0, n, k, lanes) + gate(product, 0, n, k, lanes)), hidden, k, lanes)
    }
  }
}

/// Operands: the gradient before the nonlinearity (written), the hidden state's gradient from the next step and its own,
/// and the hidden state.
@inline(__always)
private func rnnBackward<V: SIMD>(
  _: V, _ rows: Int, _ n: Int, _ data: RowPointers, _ steps: UnsafePointer<Int>?, _ body: (V, V) -> V
) where V.Scalar: FloatingPoint {
  for row in 0..<rows {
    guard let gradients = rowStart(data, steps, 0, row) else { return }
    let (next, dHidden) = (rowStart(data, steps, 1, row), rowStart(data, steps, 2, row))
    let hidden = rowStart(data, steps, 3, row)
    forEachVector(n, V.self) { k, lanes in
      let h: V = gate(hidden, 0, n, k, lanes)
      storeVector(body(gate(next, 0, n, k, lanes) + gate(dHidden, 0, n, k, lanes), h), gradients, k, lanes)
    }
  }
}
