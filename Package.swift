// swift-tools-version: 6.2
import PackageDescription

// Kernels are compiled once per instruction set from the same sources (the later targets' sources
// are symbolic links). Their inputs were validated by the engine, so they run unchecked.
// The inliner's limits are lifted and similar functions kept apart, so that no hot loop has a call in it.
let kernelFlags = [
  "-Ounchecked",
  "-Xllvm", "-sil-inline-removed-call-benefit=100000", "-Xllvm", "-sil-inline-overall-caller-block-limit=100000",
  "-Xllvm", "-swiftmergefunc-threshold=0",
]

#if arch(x86_64)
  // Processors without prefetchw skip it.
  let avx2Flags = ["-Xcc", "-mavx2", "-Xcc", "-mfma", "-Xcc", "-mf16c", "-Xcc", "-mprfchw"]
  let avx512Flags =
    avx2Flags
    + ["avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512bf16", "amx-tile", "amx-bf16"].flatMap {
      ["-Xcc", "-m\($0)"]
    }
#else
  let avx2Flags: [String] = []
  let avx512Flags: [String] = []
#endif

// The compiler proves exclusive access where it can; the run-time check of the rest costs 6 % of a small call.
let engineFlags = ["-enforce-exclusivity=unchecked"]

let package = Package(
  name: "alula",
  products: [
    .library(name: "Alula", targets: ["Alula"]),
    .library(name: "alula", type: .dynamic, targets: ["AlulaC"]),
    .executable(name: "alula-catalog", targets: ["alula-catalog"]),
  ],
  targets: [
    .systemLibrary(name: "CAlula", path: "include"),
    .target(name: "CSupport", cSettings: [.unsafeFlags(["-std=c11"])]),
    .target(
      name: "AlulaCPU", dependencies: ["CSupport"],
      swiftSettings: [.unsafeFlags(kernelFlags)]),
    .target(
      name: "AlulaCPUAVX2", dependencies: ["CSupport"],
      swiftSettings: [.unsafeFlags(kernelFlags + avx2Flags), .define("FMA")]),
    .target(
      name: "AlulaCPUAVX512", dependencies: ["CSupport"],
      swiftSettings: [.unsafeFlags(kernelFlags + avx512Flags), .define("FMA"), .define("AVX512")]),
    .target(
      name: "Alula", dependencies: ["AlulaCPU", "AlulaCPUAVX2", "AlulaCPUAVX512", "CSupport"],
      swiftSettings: [.unsafeFlags(engineFlags)]),
    .target(
      name: "AlulaC", dependencies: ["Alula", "CAlula", "CSupport"],
      exclude: ["exports.map"],
      swiftSettings: [.unsafeFlags(engineFlags)],
      linkerSettings: [
        .unsafeFlags([
          "-static-stdlib",
          "-Xlinker", "--version-script=\(Context.packageDirectory)/Sources/AlulaC/exports.map",
          "-Xlinker", "--gc-sections", "-Xlinker", "-s",
          // The number is ALULA_ABI_VERSION: programs are bound to it.
          "-Xlinker", "-soname=libalula.so.1",
        ])
      ]),
    .executableTarget(name: "alula-catalog", dependencies: ["Alula"]),
    .target(name: "CTestSupport", path: "Tests/CTestSupport"),
    .testTarget(name: "AlulaTests", dependencies: ["Alula", "CSupport", "CTestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
