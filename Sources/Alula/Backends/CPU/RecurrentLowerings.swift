import CSupport
import Synchronization

extension CPUBackend {
  static let recurrentLowerings: [(Operation, Lowering)] = [
    (.lstmSteps, { (call, outputs) throws(AlulaError) in try inFloat32(call, outputs, runLSTM) }),
    (.lstmBackward, { (call, outputs) throws(AlulaError) in try inFloat32(call, outputs, runLSTMBackward) }),
    (.gruSteps, { (call, outputs) throws(AlulaError) in try inFloat32(call, outputs, runGRU) }),
    (.gruBackward, { (call, outputs) throws(AlulaError) in try inFloat32(call, outputs, runGRUBackward) }),
    (.rnnSteps, { (call, outputs) throws(AlulaError) in try inFloat32(call, outputs, runRNN) }),
    (.rnnBackward, { (call, outputs) throws(AlulaError) in try inFloat32(call, outputs, runRNNBackward) }),
  ]

  private static let lstmCell = CellKernel("lstm_cell")
  private static let lstmCellBackward = CellKernel("lstm_cell_backward")
  private static let gruCell = CellKernel("gru_cell")
  private static let gruCellBackward = CellKernel("gru_cell_backward")
  private static let tanhCell = CellKernel("rnn_tanh_cell")
  private static let tanhCellBackward = CellKernel("rnn_tanh_cell_backward")
  private static let reluCell = CellKernel("rnn_relu_cell")
  private static let reluCellBackward = CellKernel("rnn_relu_cell_backward")

  private static func runLSTM(_ call: Call, _ outputs: [Tensor]) throws(AlulaError) {
    let gates = try call[0].contiguous()
    let (out, cells, activations) = (outputs[0], outputs[1], outputs[2])
    let (hidden, cell) = (try call.optional(1)?.contiguous(), try call.optional(2)?.contiguous())
    let layer = try RecurrentLayer(call, lstmCell, states: out, weight: call[3])
    try layer.forward(first: hidden, states: out) { (t, before, product) in
      [
        (.step(activations, t)), .step(cells, t), .step(out, t), .step(gates, t), product,
        before < 0 ? .whole(cell) : .step(cells, before),
      ]
    }
    withExtendedLifetime((gates, hidden, cell)) {}
  }

  private static func runLSTMBackward(_ call: Call, _ outputs: [Tensor]) throws(AlulaError) {
    var arrived: [Tensor?] = []
    for i in 0..<3 { arrived.append(try call.optional(i)?.contiguous()) }
    let (cells, activations) = (try call[3].contiguous(), try call[4].contiguous())
    let cell = try call.optional(5)?.contiguous()
    let (dgates, dhidden, dcell) = (outputs[0], outputs[1], outputs[2])
    clear(dhidden)
    clear(dcell)
    let layer = try RecurrentLayer(call, lstmCellBackward, states: cells, weight: call[6])
    try layer.backward(products: dgates, dhidden, accumulate: false) { (t, before) in
      [
        .step(dgates, t), .whole(dcell), .whole(dhidden), .step(arrived[0], t), .step(arrived[1], t),
        .step(arrived[2], t), .step(activations, t), .step(cells, t),
        before < 0 ? .whole(cell) : .step(cells, before),
      ]
    }
    withExtendedLifetime((arrived, cells, activations, cell)) {}
  }

  private static func runGRU(_ call: Call, _ outputs: [Tensor]) throws(AlulaError) {
    let gates = try call[0].contiguous()
    let (out, activations) = (outputs[0], outputs[1])
    let (hidden, bias) = (try call.optional(1)?.contiguous(), try call.optional(3)?.contiguous())
    let layer = try RecurrentLayer(call, gruCell, states: out, weight: call[2])
    try layer.forward(first: hidden, states: out, bias: bias) { (t, before, product) in
      [
        .step(activations, t), .step(out, t), .step(gates, t), product,
        before < 0 ? .whole(hidden) : .step(out, before),
      ]
    }
    withExtendedLifetime((gates, hidden, bias)) {}
  }

  private static func runGRUBackward(_ call: Call, _ outputs: [Tensor]) throws(AlulaError) {
    var arrived: [Tensor?] = []
    for i in 0..<2 { arrived.append(try call.optional(i)?.contiguous()) }
    let (out, activations) = (try call[2].contiguous(), try call[3].contiguous())
    let hidden = try call.optional(4)?.contiguous()
    let (dgates, dproducts, dhidden) = (outputs[0], outputs[1], outputs[2])
    clear(dhidden)
    let layer = try RecurrentLayer(call, gruCellBackward, states: out, weight: call[5])
    try layer.backward(products: dproducts, dhidden, accumulate: true) { (t, before) in
      [
        .step(dgates, t), .step(dproducts, t), .whole(dhidden), .whole(dhidden), .step(arrived[0], t),
        .step(arrived[1], t), .step(activations, t), before < 0 ? .whole(hidden) : .step(out, before),
      ]
    }
    withExtendedLifetime((arrived, out, activations, hidden)) {}
  }

  private static func runRNN(_ call: Call, _ outputs: [Tensor]) throws(AlulaError) {
    let gates = try call[0].contiguous()
    let out = outputs[0]
    let hidden = try call.optional(1)?.contiguous()
    let layer = try RecurrentLayer(call, call.bool("relu") ? reluCell : tanhCell, states: out, weight: call[2])
    try layer.forward(first: hidden, states: out) { (t, _, product) in [.step(out, t), .step(gates, t), product] }
    withExtendedLifetime((gates, hidden)) {}
  }

  private static func runRNNBackward(_ call: Call, _ outputs: [Tensor]) throws(AlulaError) {
    let (g, out) = (try call[0].contiguous(), try call[1].contiguous())
    let (dgates, dhidden) = (outputs[0], outputs[1])
    clear(dhidden)
    let kernel = call.bool("relu") ? reluCellBackward : tanhCellBackward
    let layer = try RecurrentLayer(call, kernel, states: out, weight: call[2])
    try layer.backward(products: dgates, dhidden, accumulate: false) { (t, _) in
      [.step(dgates, t), .whole(dhidden), .step(g, t), .step(out, t)]
    }
    withExtendedLifetime((g, out)) {}
  }

  private static func clear(_ tensor: Tensor) {
    tensor.data.initializeMemory(as: UInt8.self, repeating: 0, count: tensor.count * tensor.dtype.itemSize)
  }
}
