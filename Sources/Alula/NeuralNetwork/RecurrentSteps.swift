// The steps of recurrent layers, given the product of inputs and weights. Their results are the states after each step
// and the gates' activations, in terms of which the gradients are written, so that these can be differentiated again.

extension Operation {
  private static let reverse: Attribute = .bool("reverse", "Whether to go from the last step to the first.")
  private static let onlyUnrecorded: Gradient = .unsupported("it runs only where no further gradient is recorded")

  // MARK: - LSTM

  static let lstmSteps: Operation = .init(
    "lstm", "Hidden states, cells and activations (T, N, 4 H).",
    source: .alula,
    inputs: [.value("gates"), .optional("hidden"), .optional("cell"), .value("weight")], attributes: [reverse],
    outputs: ["out", "cells", "activations"], dtypes: .floating, promotion: .common,
    body: .primitive { (c) throws(AlulaError) in
      let gates = c[0].layout.shape
      let states = TensorSpec(c[0].dtype, [gates[0], gates[1], c[3].shape[1]])
      return [states, states, TensorSpec(c[0].dtype, gates)]
    },
    gradient: .rule(saves: [.input(1), .input(2), .input(3), .outputs]) { (c) throws(AlulaError) in
      let (hidden, cell, weight) = (try c.optionalInput(1), try c.optionalInput(2), try c.input(3))
      let (out, cells, activations) = (try c.output(0), try c.output(1), try c.output(2))
      let arrived = try (0..<3).map { (i) throws(AlulaError) in c.hasGradient(i) ? try c.gradient(i) : nil }
      let reverse = c.bool("reverse")
      let found =
        GradientMode.isEnabled
        ? try lstmGradients(arrived, cells, activations, cell, weight, reverse)
        : try lstmBackward(Operands(arrived + [cells, activations, cell, weight]), [.bool(reverse)])
      return [
        found[0], hidden == nil ? nil : found[1], cell == nil ? nil : found[2],
        c.needsGradient(3) ? try weightGradient(found[0], out, hidden, reverse) : nil,
      ]
    },
    samples: [], reference: nil)

  static let lstmBackward: Operation = .init(
    "lstm_backward", "The gradients of the gates before their nonlinearities, and of the first states.",
    source: .alula,
    inputs: [
      .optional("dout"), .optional("dcells"), .optional("dactivations"), .any("cells"), .any("activations"),
      .optional("cell"), .any("weight"),
    ], attributes: [reverse], outputs: ["dgates", "dhidden", "dcell"], dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in
      let states = TensorSpec(c[3].dtype, [c[3].shape[1], c[3].shape[2]])
      return [TensorSpec(c[4].dtype, c[4].layout.shape), states, states]
    },
    gradient: onlyUnrecorded, samples: [], reference: nil)

  private static func lstmGradients(
    _ arrived: [Tensor?], _ cells: Tensor, _ activations: Tensor, _ cell: Tensor?, _ weight: Tensor, _ reverse: Bool
  ) throws(AlulaError) -> [Tensor] {
    let zero = try Tensor.zeros(shape: Array(cells.shape.dropFirst()), dtype: cells.dtype)
    var (dh, dc) = (zero, zero)
    var gradients: [Tensor] = []
    for t in steps(cells.shape[0], reverse).reversed() {
      let gates = try activations.at([.integer(t)]).parts(4)
      let (i, f, g, o) = (gates[0], gates[1], gates[2], gates[3])
      let bent = try cells.at([.integer(t)]).tanh()
      if let d = arrived[0] { dh = try dh + d.at([.integer(t)]) }
      if let d = arrived[1] { dc = try dc + d.at([.integer(t)]) }
      dc = try dc + dh * o * (1 - bent * bent)
      let before = try previous(t, cells, cell ?? zero, reverse)
      var parts = [try dc * g, try dc * before, try dc * i, try dh * bent]
      if let d = arrived[2] {
        for (k, extra) in try d.at([.integer(t)]).parts(4).enumerated() { parts[k] = try parts[k] + extra }
      }
      let gradient = try Tensor.concat(
        [parts[0] * i * (1 - i), parts[1] * f * (1 - f), parts[2] * (1 - g * g), parts[3] * o * (1 - o)], axis: -1)
      gradients.append(gradient)
      dc = try dc * f
      dh = try gradient.matmul(weight)
    }
    return [try stacked(gradients, reverse), dh, dc]
  }

  // MARK: - GRU

  static let gruSteps: Operation = .init(
    "gru", "Hidden states, and the activations r, z, n and the hidden part of n (T, N, 4 H).",
    source: .alula,
    inputs: [.value("gates"), .optional("hidden"), .value("weight"), .optional("bias")], attributes: [reverse],
    outputs: ["out", "activations"], dtypes: .floating, promotion: .common,
    body: .primitive { (c) throws(AlulaError) in
      let (gates, units) = (c[0].layout.shape, c[2].shape[1])
      return [
        TensorSpec(c[0].dtype, [gates[0], gates[1], units]), TensorSpec(c[0].dtype, [gates[0], gates[1], 4 * units]),
      ]
    },
    gradient: .rule(saves: [.input(1), .input(2), .outputs]) { (c) throws(AlulaError) in
      let (hidden, weight) = (try c.optionalInput(1), try c.input(2))
      let (out, activations) = (try c.output(0), try c.output(1))
      let arrived = try (0..<2).map { (i) throws(AlulaError) in c.hasGradient(i) ? try c.gradient(i) : nil }
      let reverse = c.bool("reverse")
      let found =
        GradientMode.isEnabled
        ? try gruGradients(arrived, out, activations, hidden, weight, reverse)
        : try gruBackward(Operands(arrived + [out, activations, hidden, weight]), [.bool(reverse)])
      return [
        found[0], hidden == nil ? nil : found[2],
        c.needsGradient(2) ? try weightGradient(found[1], out, hidden, reverse) : nil,
        // Summed to the bias's shape centrally.
        c.needsGradient(3) ? found[1] : nil,
      ]
    },
    samples: [], reference: nil)

  static let gruBackward: Operation = .init(
    "gru_backward", "The gradients of the inputs' and the hidden states' products, and of the first state.",
    source: .alula,
    inputs: [
      .optional("dout"), .optional("dactivations"), .any("out"), .any("activations"), .optional("hidden"),
      .any("weight"),
    ], attributes: [reverse], outputs: ["dgates", "dproducts", "dhidden"], dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in
      let out = c[2].layout.shape
      let gates = TensorSpec(c[2].dtype, [out[0], out[1], 3 * out[2]])
      return [gates, gates, TensorSpec(c[2].dtype, [out[1], out[2]])]
    },
    gradient: onlyUnrecorded, samples: [], reference: nil)

  private static func gruGradients(
    _ arrived: [Tensor?], _ out: Tensor, _ activations: Tensor, _ hidden: Tensor?, _ weight: Tensor, _ reverse: Bool
  ) throws(AlulaError) -> [Tensor] {
    let zero = try Tensor.zeros(shape: Array(out.shape.dropFirst()), dtype: out.dtype)
    var dh = zero
    var (inputs, products): ([Tensor], [Tensor]) = ([], [])
    for t in steps(out.shape[0], reverse).reversed() {
      let gates = try activations.at([.integer(t)]).parts(4)
      let (r, z, n, part) = (gates[0], gates[1], gates[2], gates[3])
      if let d = arrived[0] { dh = try dh + d.at([.integer(t)]) }
      let extra = try arrived[1]?.at([.integer(t)]).parts(4)
      func plus(_ value: Tensor, _ k: Int) throws(AlulaError) -> Tensor {
        guard let extra else { return value }
        return try value + extra[k]
      }
      let before = try previous(t, out, hidden ?? zero, reverse)
      let dn = try plus(dh * (1 - z), 2) * (1 - n * n)
      let dz = try plus(dh * (before - n), 1) * z * (1 - z)
      let dr = try plus(dn * part, 0) * r * (1 - r)
      inputs.append(try .concat([dr, dz, dn], axis: -1))
      let product = try Tensor.concat([dr, dz, plus(dn * r, 3)], axis: -1)
      products.append(product)
      dh = try dh * z + product.matmul(weight)
    }
    return [try stacked(inputs, reverse), try stacked(products, reverse), dh]
  }

  // MARK: - RNN

  static let rnnSteps: Operation = .init(
    "rnn", "Hidden states.",
    source: .alula, inputs: [.value("gates"), .optional("hidden"), .value("weight")],
    attributes: [.bool("relu", "Whether the nonlinearity is not tanh."), reverse],
    dtypes: .floating, promotion: .common,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(c[0].dtype, c[0].layout.shape)] },
    gradient: .rule(saves: [.input(1), .input(2), .output(0)]) { (c) throws(AlulaError) in
      let (hidden, weight, out) = (try c.optionalInput(1), try c.input(2), try c.output(0))
      let (relu, reverse) = (c.bool("relu"), c.bool("reverse"))
      let g = try c.gradient
      let found =
        GradientMode.isEnabled
        ? try rnnGradients(g, out, weight, relu, reverse)
        : try rnnBackward([g, out, weight], [.bool(relu), .bool(reverse)])
      return [
        found[0], hidden == nil ? nil : found[1],
        c.needsGradient(2) ? try weightGradient(found[0], out, hidden, reverse) : nil,
      ]
    },
    samples: [], reference: nil)

  static let rnnBackward: Operation = .init(
    "rnn_backward", "The gradients of the sums before the nonlinearity, and of the first state.",
    source: .alula, inputs: [.value("dout"), .any("out"), .any("weight")],
    attributes: [.bool("relu", "Whether the nonlinearity is not tanh."), reverse], outputs: ["dgates", "dhidden"],
    dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in
      let out = c[1].layout.shape
      return [TensorSpec(c[1].dtype, out), TensorSpec(c[1].dtype, [out[1], out[2]])]
    },
    gradient: onlyUnrecorded, samples: [], reference: nil)

  private static func rnnGradients(_ g: Tensor, _ out: Tensor, _ weight: Tensor, _ relu: Bool, _ reverse: Bool)
    throws(AlulaError) -> [Tensor]
  {
    var dh = try Tensor.zeros(shape: Array(out.shape.dropFirst()), dtype: out.dtype)
    var gradients: [Tensor] = []
    for t in steps(out.shape[0], reverse).reversed() {
      let h = try out.at([.integer(t)])
      dh = try dh + g.at([.integer(t)])
      let gradient = relu ? try h.greater(h.number(0)).where(dh, dh.number(0)) : try dh * (1 - h * h)
      gradients.append(gradient)
      dh = try gradient.matmul(weight)
    }
    return [try stacked(gradients, reverse), dh]
  }

  // MARK: - What they share

  /// The steps in the order in which they are made.
  private static func steps(_ count: Int, _ reverse: Bool) -> [Int] {
    reverse ? Array((0..<count).reversed()) : Array(0..<count)
  }

  /// The state before step t.
  private static func previous(_ t: Int, _ states: Tensor, _ first: Tensor, _ reverse: Bool) throws(AlulaError)
    -> Tensor
  {
    let before = reverse ? t + 1 : t - 1
    return before >= 0 && before < states.shape[0] ? try states.at([.integer(before)]) : first
  }

  /// Gradients of the steps, the last one first, in the order of time.
  private static func stacked(_ gradients: [Tensor], _ reverse: Bool) throws(AlulaError) -> Tensor {
    try .stack(reverse ? gradients : gradients.reversed())
  }

  /// The gradient of the weight that meets the states before each step: one product over all steps but the first, and one
  /// for the first state.
  private static func weightGradient(_ gradients: Tensor, _ out: Tensor, _ first: Tensor?, _ reverse: Bool)
    throws(AlulaError) -> Tensor
  {
    let (count, rows, units) = (out.shape[0], gradients.shape[2], out.shape[2])
    let later = try gradients.narrow(axis: 0, start: reverse ? 0 : 1, length: count - 1).reshape(shape: [
      (count - 1) * out.shape[1], rows,
    ])
    let states = try out.narrow(axis: 0, start: reverse ? 1 : 0, length: count - 1).reshape(shape: [
      (count - 1) * out.shape[1], units,
    ])
    let sum = try later.matrixTranspose().matmul(states)
    guard let first else { return sum }
    return try sum + gradients.at([.integer(reverse ? count - 1 : 0)]).matrixTranspose().matmul(first)
  }
}

extension Tensor {
  /// Equal parts of the last axis.
  fileprivate func parts(_ count: Int) throws(AlulaError) -> [Tensor] {
    let length = shape[rank - 1] / count
    return try split(lengths: Array(repeating: length, count: count), axis: -1)
  }
}
