/// All operations, in the order in which they are documented.
public enum Catalog {
  public static let families: [(title: String, operations: [Operation])] = [
    ("Creation", Operation.creation),
    ("Random numbers", Operation.random),
    ("Conversion and copies", Operation.conversion),
    ("Arithmetic", Operation.arithmetic),
    ("Reductions", Operation.reductions),
    ("Shape", Operation.shape),
    ("Views", Operation.views),
    ("Joining and repeating", Operation.joining),
    ("Gathering and scattering", Operation.gathering),
    ("Sorting and searching", Operation.sorting),
    ("Matrix products", Operation.matrixProducts),
    ("Linear maps and convolution", Operation.convolution),
    ("Pooling", Operation.pooling),
  ]

  public static let operations: [Operation] = families.flatMap(\.operations)
}
