/// All operations, in the order in which they are documented.
public enum Catalog {
  public static let families: [(title: String, operations: [Operation])] = [
    ("Creation", Operation.creation),
    ("Random numbers", Operation.random),
    ("Conversion and copies", Operation.conversion),
    ("Arithmetic", Operation.arithmetic),
    ("Rounding", Operation.rounding),
    ("Exponentials and logarithms", Operation.exponential),
    ("Trigonometry", Operation.trigonometric),
    ("Activations", Operation.activation),
    ("Comparison", Operation.comparison),
    ("Logic and bits", Operation.logic),
    ("Selection", Operation.selection),
    ("Reductions", Operation.reductions),
    ("Cumulative sums and products", Operation.cumulative),
    ("Shape", Operation.shape),
    ("Views", Operation.views),
    ("Joining and repeating", Operation.joining),
    ("Gathering and scattering", Operation.gathering),
    ("Sorting and searching", Operation.sorting),
    ("Matrix products", Operation.matrixProducts),
    ("Linear maps and convolution", Operation.convolution),
    ("Pooling", Operation.pooling),
    ("Softmax", Operation.softmaxFamily),
    ("Normalisation", Operation.normalization),
    ("Losses", Operation.losses),
    ("Losses of classes", Operation.classification),
    ("Embeddings", Operation.embeddings),
    ("Attention", Operation.attention),
    ("Recurrent layers", Operation.recurrent),
  ]

  public static let operations: [Operation] = families.flatMap(\.operations)

  /// The operations that `Operation.apply` calls: on one or two tensors and nothing else, with one result.
  public static let applicable = operations.filter { operation in
    operation.attributes.isEmpty && operation.outputs.count == 1 && (1...2).contains(operation.inputs.count)
      && operation.inputs.allSatisfy { $0.arity == .one }
  }
}
