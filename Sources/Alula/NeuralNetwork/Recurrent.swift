// Recurrent layers: one layer and one direction over whole sequences. The inputs' product is one matrix product over all
// steps; the steps are primitives, which return what their gradients need.

extension Operation {
  static let recurrent = [lstm, gru, rnn]

  private static let weights: [Input] = [
    .value("x"), .value("weight_ih", "What the inputs are multiplied by: a row per gate and unit."),
    .value("weight_hh", "What the hidden state before is multiplied by: a row per gate and unit."),
  ]

  private static let biases: [Input] = [
    .optional("bias_ih", "One number per gate and unit."), .optional("bias_hh", "Likewise."),
  ]

  private static let reverse: Attribute = .bool(
    "reverse", default: false, "Whether to go from the last step to the first.")

  public static let lstm = Operation(
    "lstm",
    "Long short-term memory over x of shape (T, N, I): the hidden states (T, N, H), and the last hidden state and cell (N, H).\n"
      + "With the gates i, f, g, o, in this order in the rows of the weights, each the sum of weight_ih x + bias_ih and weight_hh h + "
      + "bias_hh: c ← sigmoid(f) c + sigmoid(i) tanh(g) and h ← sigmoid(o) tanh(c). The first h and c are zeros when left out.",
    source: .pytorch,
    inputs: weights + [.optional("hidden", "Shape (N, H)."), .optional("cell", "Shape (N, H).")] + biases,
    attributes: [reverse], outputs: ["out", "last_hidden", "last_cell"], dtypes: .floating, promotion: .common,
    body: .composite { (c) throws(AlulaError) in
      let units = try c.checkRecurrent(gates: 4, states: 2)
      let gates = try c.inputProduct(states: 2, addingRecurrentBias: true)
      if c[0].shape[0] == 0 { return try c.withoutSteps(units, states: 2) }
      let found = try lstmSteps([gates, c.optional(3), c.optional(4), c[2]], [.bool(c.bool("reverse"))])
      return [found[0], try c.last(found[0]), try c.last(found[1])]
    },
    gradient: .composed,
    samples: [
      Sample(
        .normal(3, 2, 4), .normal(20, 4), .normal(20, 5), .normal(2, 5), .normal(2, 5), .normal(20), .normal(20)),
      Sample(
        .normal(2, 3, 2), .normal(12, 2), .normal(12, 3), nil, nil, nil, nil, attributes: ["reverse": .bool(true)]),
      Sample(.normal(2, 19, 2), .normal(36, 2), .normal(36, 9), nil, .normal(19, 9), .normal(36), nil),
      Sample(.normal(0, 2, 3), .normal(16, 3), .normal(16, 4), .normal(2, 4), .normal(2, 4), nil, nil),
    ],
    reference: "reference.lstm(x, weight_ih, weight_hh, hidden, cell, bias_ih, bias_hh, reverse)")

  public static let gru = Operation(
    "gru",
    "Gated recurrent units over x of shape (T, N, I): the hidden states (T, N, H) and the last of them (N, H).\nWith the gates r, "
      + "z, n, in this order in the rows of the weights: r and z are sigmoids of weight_ih x + bias_ih + weight_hh h + bias_hh, "
      + "n is tanh(weight_ih x + bias_ih + r (weight_hh h + bias_hh)), and h ← (1 - z) n + z h. The first h is zero when left out.",
    source: .pytorch, inputs: weights + [.optional("hidden", "Shape (N, H).")] + biases,
    attributes: [reverse], outputs: ["out", "last_hidden"], dtypes: .floating, promotion: .common,
    body: .composite { (c) throws(AlulaError) in
      let units = try c.checkRecurrent(gates: 3, states: 1)
      let gates = try c.inputProduct(states: 1, addingRecurrentBias: false)
      if c[0].shape[0] == 0 { return try c.withoutSteps(units, states: 1) }
      let found = try gruSteps([gates, c.optional(3), c[2], c.optional(5)], [.bool(c.bool("reverse"))])
      return [found[0], try c.last(found[0])]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(3, 2, 4), .normal(15, 4), .normal(15, 5), .normal(2, 5), .normal(15), .normal(15)),
      Sample(.normal(2, 3, 2), .normal(9, 2), .normal(9, 3), nil, nil, nil, attributes: ["reverse": .bool(true)]),
      Sample(.normal(2, 19, 2), .normal(27, 2), .normal(27, 9), nil, nil, .normal(27)),
    ],
    reference: "reference.gru(x, weight_ih, weight_hh, hidden, bias_ih, bias_hh, reverse)")

  public static let rnn = Operation(
    "rnn",
    "A recurrent layer over x of shape (T, N, I): the hidden states (T, N, H) and the last of them (N, H).\nh ← f(weight_ih x + "
      + "bias_ih + weight_hh h + bias_hh). The first h is zero when left out.",
    source: .pytorch, inputs: weights + [.optional("hidden", "Shape (N, H).")] + biases,
    attributes: [.choice("nonlinearity", ["tanh", "relu"], "The function f."), reverse],
    outputs: ["out", "last_hidden"], dtypes: .floating, promotion: .common,
    body: .composite { (c) throws(AlulaError) in
      let units = try c.checkRecurrent(gates: 1, states: 1)
      let gates = try c.inputProduct(states: 1, addingRecurrentBias: true)
      if c[0].shape[0] == 0 { return try c.withoutSteps(units, states: 1) }
      let attributes: [AttributeValue] = [.bool(c.string("nonlinearity") == "relu"), .bool(c.bool("reverse"))]
      let out = try rnnSteps.first(Operands(gates, c.optional(3), c[2]), attributes)
      return [out, try c.last(out)]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(3, 2, 4), .normal(5, 4), .normal(5, 5), .normal(2, 5), .normal(5), .normal(5)),
      Sample(
        .normal(2, 3, 2), .normal(9, 2), .normal(9, 9), nil, nil, nil,
        attributes: ["reverse": .bool(true), "nonlinearity": .string("relu")]),
    ],
    reference: "reference.rnn(x, weight_ih, weight_hh, hidden, bias_ih, bias_hh, nonlinearity, reverse)")
}

extension Call {
  /// The number of hidden units, after a check of all shapes.
  fileprivate func checkRecurrent(gates: Int, states: Int) throws(AlulaError) -> Int {
    let name = operation.name
    let (x, first, second) = (self[0].layout.shape, self[1].layout.shape, self[2].layout.shape)
    guard x.count == 3 else { throw .invalidArgument("\(name): x of shape \(x); (T, N, I) is expected") }
    let units = second.count == 2 ? second[1] : 0
    guard second.count == 2, units <= Int.max / gates, second[0] == gates * units, first == [gates * units, x[2]] else {
      throw .invalidArgument(
        "\(name): weights of shapes \(first) and \(second) for x of shape \(x); (\(gates) H, \(x[2])) and (\(gates) H, H) are expected"
      )
    }
    for i in 3..<(3 + states) {
      if let state = optional(i), state.layout.shape != [x[1], units] {
        throw .invalidArgument(
          "\(name): \(operation.inputs[i].name) of shape \(state.layout.shape); \(Dims([x[1], units])) is expected")
      }
    }
    for i in (states + 3)...(states + 4) {
      if let bias = optional(i), bias.layout.shape != [gates * units] {
        throw .invalidArgument(
          "\(name): \(operation.inputs[i].name) of shape \(bias.layout.shape); \(Dims([gates * units])) is expected")
      }
    }
    return units
  }

  /// weight_ih x + bias_ih for all steps, plus the other bias where no gate needs it apart.
  fileprivate func inputProduct(states: Int, addingRecurrentBias: Bool) throws(AlulaError) -> Tensor {
    var bias = optional(3 + states)
    if addingRecurrentBias, let other = optional(4 + states) {
      if let own = bias { bias = try own + other } else { bias = other }
    }
    return try Operation.linear.first(Operands(self[0], self[1], bias))
  }

  /// The results for no steps at all.
  fileprivate func withoutSteps(_ units: Int, states: Int) throws(AlulaError) -> [Tensor] {
    let shape = [self[0].shape[1], units]
    var results = [try Tensor.zeros(shape: [0] + shape, dtype: self[0].dtype)]
    for i in 3..<(3 + states) {
      if let state = optional(i) {
        results.append(state)
      } else {
        results.append(try Tensor.zeros(shape: shape, dtype: self[0].dtype))
      }
    }
    return results
  }

  /// What stands at the step that was made last.
  fileprivate func last(_ states: Tensor) throws(AlulaError) -> Tensor {
    try states.at([.integer(bool("reverse") ? 0 : states.shape[0] - 1)])
  }
}
