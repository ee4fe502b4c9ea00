import CSupport

// Element-wise functions of three numbers.

func registerFused(_ receive: KernelReceiver) {
  registerFloats(
    receive, "affine",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats, a: Floats, b: Floats) in fma(x, a, b) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats, a: Floats, b: Floats) in fma(x, a, b) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, a: Floats, b: Floats) in fma(x, a, b) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, a: Doubles, b: Doubles) in fma(x, a, b) } })
  registerSigned(
    receive, "between",
    { n, p, s, _ in
      map(n, p, s) { (x: Int8s, low: Int8s, high: Int8s) in
        let raised = x.replacing(with: low, where: x .< low)
        return raised.replacing(with: high, where: raised .> high)
      }
    },
    { n, p, s, _ in
      map(n, p, s) { (x: Int16s, low: Int16s, high: Int16s) in
        let raised = x.replacing(with: low, where: x .< low)
        return raised.replacing(with: high, where: raised .> high)
      }
    },
    { n, p, s, _ in
      map(n, p, s) { (x: Int32s, low: Int32s, high: Int32s) in
        let raised = x.replacing(with: low, where: x .< low)
        return raised.replacing(with: high, where: raised .> high)
      }
    },
    { n, p, s, _ in
      map(n, p, s) { (x: Int64s, low: Int64s, high: Int64s) in
        let raised = x.replacing(with: low, where: x .< low)
        return raised.replacing(with: high, where: raised .> high)
      }
    })
  registerUnsigned(
    receive, "between",
    { n, p, s, _ in
      map(n, p, s) { (x: UInt8s, low: UInt8s, high: UInt8s) in
        let raised = x.replacing(with: low, where: x .< low)
        return raised.replacing(with: high, where: raised .> high)
      }
    },
    { n, p, s, _ in
      map(n, p, s) { (x: UInt16s, low: UInt16s, high: UInt16s) in
        let raised = x.replacing(with: low, where: x .< low)
        return raised.replacing(with: high, where: raised .> high)
      }
    },
    { n, p, s, _ in
      map(n, p, s) { (x: UInt32s, low: UInt32s, high: UInt32s) in
        let raised = x.replacing(with: low, where: x .< low)
        return raised.replacing(with: high, where: raised .> high)
      }
    },
    { n, p, s, _ in
      map(n, p, s) { (x: UInt64s, low: UInt64s, high: UInt64s) in
        let raised = x.replacing(with: low, where: x .< low)
        return raised.replacing(with: high, where: raised .> high)
      }
    })
  registerFloats(
    receive, "between",
    { n, p, s, _ in
      mapFloat16(n, p, s) { (x: Floats, low: Floats, high: Floats) in
        let raised = x.replacing(with: low, where: x .< low)
        return raised.replacing(with: high, where: raised .> high)
      }
    },
    { n, p, s, _ in
      mapBFloat16(n, p, s) { (x: Floats, low: Floats, high: Floats) in
        let raised = x.replacing(with: low, where: x .< low)
        return raised.replacing(with: high, where: raised .> high)
      }
    },
    { n, p, s, _ in
      map(n, p, s) { (x: Floats, low: Floats, high: Floats) in
        let raised = x.replacing(with: low, where: x .< low)
        return raised.replacing(with: high, where: raised .> high)
      }
    },
    { n, p, s, _ in
      map(n, p, s) { (x: Doubles, low: Doubles, high: Doubles) in
        let raised = x.replacing(with: low, where: x .< low)
        return raised.replacing(with: high, where: raised .> high)
      }
    })
}
