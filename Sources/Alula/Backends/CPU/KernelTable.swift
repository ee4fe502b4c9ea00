import AlulaCPU
import AlulaCPUAVX2
import AlulaCPUAVX512
import CSupport
import Glibc

typealias ElementwiseKernel =
  @convention(c) (
    Int, UnsafePointer<UnsafeMutablePointer<CChar>?>?, UnsafePointer<Int>?, UnsafePointer<Double>?
  ) -> Void

/// The instruction set whose kernels run.
public enum InstructionSet: String, Sendable, CaseIterable {
  case baseline, avx2, avx512

  /// The best that this machine has; `ALULA_ISA` names a lesser one, for tests.
  public static let current: InstructionSet = {
    let available: [InstructionSet] = allCases.filter(\.isAvailable)
    if let name = getenv("ALULA_ISA"), let wanted = available.first(where: { $0.rawValue == String(cString: name) }) {
      return wanted
    }
    return available.last ?? .baseline
  }()

  /// Whether the processor and the operating system support it.
  private var isAvailable: Bool {
    switch self {
    case .baseline: true
    case .avx2: csupport_has_avx2()
    case .avx512: csupport_has_avx512()
    }
  }
}

/// A kernel's addresses by slot: usually the code of a dtype. Rows live as long as the process, so that a copy costs no
/// reference.
struct KernelRow: Sendable {
  // Addresses of functions, which never change.
  private nonisolated(unsafe) let kernels: UnsafeBufferPointer<UnsafeRawPointer?>

  fileprivate init(_ kernels: [UnsafeRawPointer?]) {
    let copy = UnsafeMutableBufferPointer<UnsafeRawPointer?>.allocate(capacity: kernels.count)
    _ = copy.initialize(from: kernels)
    self.kernels = UnsafeBufferPointer(copy)
  }

  fileprivate static let empty = KernelRow([])

  subscript(dtype: DType) -> UnsafeRawPointer? { self[slot: dtype.code] }
  subscript(slot slot: Int) -> UnsafeRawPointer? { slot < kernels.count ? kernels[slot] : nil }
}

/// All kernels of the current instruction set, by name.
final class KernelTable: Sendable {
  static let shared = KernelTable()

  private let rows: [String: KernelRow]

  private init() {
    var rows: [String: [UnsafeRawPointer?]] = [:]
    let receive: KernelReceiver = { name, slot, kernel in
      var row = rows[name.description] ?? []
      while row.count <= slot { row.append(nil) }
      row[slot] = kernel
      rows[name.description] = row
    }
    switch InstructionSet.current {
    case .baseline: AlulaCPU.registerKernels(receive)
    case .avx2: AlulaCPUAVX2.registerKernels(receive)
    case .avx512: AlulaCPUAVX512.registerKernels(receive)
    }
    self.rows = rows.mapValues { KernelRow($0) }
  }

  /// The kernels of that name; an empty row when there are none.
  func row(_ name: String) -> KernelRow { rows[name] ?? .empty }

  /// One kernel as a function of type `F`, which must be its calling convention.
  func function<F>(_ name: String, slot: Int, as type: F.Type) -> F? {
    row(name)[slot: slot].map { unsafeBitCast($0, to: type) }
  }

  /// The kernel that converts elements of one dtype to another.
  func cast(from source: DType, to target: DType) -> ElementwiseKernel? {
    function("cast", slot: source.code * DType.allCases.count + target.code, as: ElementwiseKernel.self)
  }
}
