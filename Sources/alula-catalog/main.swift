// Prints or writes everything that is generated from the operation catalog.
//
//   alula-catalog write DIRECTORY    writes all generated files below a checkout's root
//   alula-catalog paths              lists them
//   alula-catalog NAME               prints one of them

import Alula
import Glibc

let outputs: [(name: String, path: String, text: () -> String)] = [
  ("swift", "Sources/Alula/Operations/Generated/Functions.swift", swiftFunctions),
  ("header", "include/alula_ops.h", cHeader),
  ("exports", "Sources/AlulaC/Generated/OperationExports.swift", cExports),
  ("python", "bindings/python/src/alula/_operations.py", pythonFunctions),
  ("tests", "bindings/python/tests/catalog.json", testCatalog),
  ("table", "docs/operations.md", operationTable),
  ("fuzz", "Tests/C/fuzz_operations.c", cFuzz),
]

func fail(_ message: String) -> Never {
  let line = "alula-catalog: \(message)\n"
  write(STDERR_FILENO, line, line.utf8.count)
  exit(2)
}

let arguments = CommandLine.arguments.dropFirst()
switch (arguments.first, arguments.count) {
case ("write", 2):
  for output in outputs {
    let path = "\(arguments.last ?? ".")/\(output.path)"
    guard let file = fopen(path, "w") else { fail("cannot write \(path)") }
    fputs(output.text(), file)
    fclose(file)
  }
case ("paths", 1):
  for output in outputs { print(output.path) }
case (let name?, 1):
  guard let output = outputs.first(where: { $0.name == name }) else { fail("no output is called \(name)") }
  print(output.text(), terminator: "")
default:
  fail("usage: alula-catalog write DIRECTORY | \(outputs.map(\.name).joined(separator: " | "))")
}
