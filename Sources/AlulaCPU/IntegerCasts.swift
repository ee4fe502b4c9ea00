import CSupport

// Casts from bool and integers. The slot of a cast is 15·source + destination.

func registerIntegerCasts(_ receive: KernelReceiver) {
  registerBoolCasts(receive)
  registerInt8Casts(receive)
  registerInt16Casts(receive)
  registerInt32Casts(receive)
  registerInt64Casts(receive)
  registerUInt8Casts(receive)
  registerUInt16Casts(receive)
  registerUInt32Casts(receive)
  registerUInt64Casts(receive)
}

private func registerBoolCasts(_ receive: KernelReceiver) {
  registerIntegerCasts(
    receive, from: 0,
    bool: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>) in byte(x .!= 0) } },
    bits8: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>) in x } },
    bits16: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>) in lanes_uint8_to_int16(x) } },
    bits32: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>) in lanes_uint8_to_int32(x) } },
    bits64: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>) in lanes_uint8_to_int64(x) } },
    float16: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>) in narrowFloat16(lanes_uint8_to_float32(x)) } },
    bfloat16: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>) in narrowBFloat16(lanes_uint8_to_float32(x)) } },
    float32: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>) in lanes_uint8_to_float32(x) } },
    float64: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>) in lanes_uint8_to_float64(x) } },
    complex64: { n, p, s, _ in
      map(n, p, s, lanes: Floats.scalarCount) { (x: Lanes<UInt8>) in complex(lanes_uint8_to_float32(x)) }
    },
    complex128: { n, p, s, _ in
      map(n, p, s, lanes: Floats.scalarCount) { (x: Lanes<UInt8>) in complex(lanes_uint8_to_float64(x)) }
    })
}

private func registerInt8Casts(_ receive: KernelReceiver) {
  registerIntegerCasts(
    receive, from: 1,
    bool: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int8>) in byte(x .!= 0) } },
    bits8: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int8>) in x } },
    bits16: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int8>) in lanes_int8_to_int16(x) } },
    bits32: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int8>) in lanes_int8_to_int32(x) } },
    bits64: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int8>) in lanes_int8_to_int64(x) } },
    float16: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int8>) in narrowFloat16(lanes_int8_to_float32(x)) } },
    bfloat16: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int8>) in narrowBFloat16(lanes_int8_to_float32(x)) } },
    float32: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int8>) in lanes_int8_to_float32(x) } },
    float64: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int8>) in lanes_int8_to_float64(x) } },
    complex64: { n, p, s, _ in
      map(n, p, s, lanes: Floats.scalarCount) { (x: Lanes<Int8>) in complex(lanes_int8_to_float32(x)) }
    },
    complex128: { n, p, s, _ in
      map(n, p, s, lanes: Floats.scalarCount) { (x: Lanes<Int8>) in complex(lanes_int8_to_float64(x)) }
    })
}

private func registerInt16Casts(_ receive: KernelReceiver) {
  registerIntegerCasts(
    receive, from: 2,
    bool: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int16>) in byte(x .!= 0) } },
    bits8: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int16>) in lanes_int16_to_int8(x) } },
    bits16: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int16>) in x } },
    bits32: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int16>) in lanes_int16_to_int32(x) } },
    bits64: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int16>) in lanes_int16_to_int64(x) } },
    float16: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int16>) in narrowFloat16(lanes_int16_to_float32(x)) } },
    bfloat16: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int16>) in narrowBFloat16(lanes_int16_to_float32(x)) } },
    float32: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int16>) in lanes_int16_to_float32(x) } },
    float64: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int16>) in lanes_int16_to_float64(x) } },
    complex64: { n, p, s, _ in
      map(n, p, s, lanes: Floats.scalarCount) { (x: Lanes<Int16>) in complex(lanes_int16_to_float32(x)) }
    },
    complex128: { n, p, s, _ in
      map(n, p, s, lanes: Floats.scalarCount) { (x: Lanes<Int16>) in complex(lanes_int16_to_float64(x)) }
    })
}

private func registerInt32Casts(_ receive: KernelReceiver) {
  registerIntegerCasts(
    receive, from: 3,
    bool: { n, p, s, _ in map(n, p, s) { (x: Int32s) in byte(x .!= 0) } },
    bits8: { n, p, s, _ in map(n, p, s) { (x: Int32s) in lanes_int32_to_int8(x) } },
    bits16: { n, p, s, _ in map(n, p, s) { (x: Int32s) in lanes_int32_to_int16(x) } },
    bits32: { n, p, s, _ in map(n, p, s) { (x: Int32s) in x } },
    bits64: { n, p, s, _ in map(n, p, s) { (x: Int32s) in lanes_int32_to_int64(x) } },
    float16: { n, p, s, _ in map(n, p, s) { (x: Int32s) in narrowFloat16(lanes_int32_to_float32(x)) } },
    bfloat16: { n, p, s, _ in map(n, p, s) { (x: Int32s) in narrowBFloat16(lanes_int32_to_float32(x)) } },
    float32: { n, p, s, _ in map(n, p, s) { (x: Int32s) in lanes_int32_to_float32(x) } },
    float64: { n, p, s, _ in map(n, p, s) { (x: Int32s) in lanes_int32_to_float64(x) } },
    complex64: { n, p, s, _ in
      map(n, p, s, lanes: Floats.scalarCount) { (x: Int32s) in complex(lanes_int32_to_float32(x)) }
    },
    complex128: { n, p, s, _ in
      map(n, p, s, lanes: Floats.scalarCount) { (x: Int32s) in complex(lanes_int32_to_float64(x)) }
    })
}

private func registerInt64Casts(_ receive: KernelReceiver) {
  registerIntegerCasts(
    receive, from: 4,
    bool: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int64>) in byte(x .!= 0) } },
    bits8: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int64>) in lanes_int64_to_int8(x) } },
    bits16: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int64>) in lanes_int64_to_int16(x) } },
    bits32: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int64>) in lanes_int64_to_int32(x) } },
    bits64: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int64>) in x } },
    float16: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int64>) in narrowFloat16(lanes_int64_to_float32(x)) } },
    bfloat16: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int64>) in narrowBFloat16(lanes_int64_to_float32(x)) } },
    float32: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int64>) in lanes_int64_to_float32(x) } },
    float64: { n, p, s, _ in map(n, p, s) { (x: Lanes<Int64>) in lanes_int64_to_float64(x) } },
    complex64: { n, p, s, _ in
      map(n, p, s, lanes: Floats.scalarCount) { (x: Lanes<Int64>) in complex(lanes_int64_to_float32(x)) }
    },
    complex128: { n, p, s, _ in
      map(n, p, s, lanes: Floats.scalarCount) { (x: Lanes<Int64>) in complex(lanes_int64_to_float64(x)) }
    })
}

private func registerUInt8Casts(_ receive: KernelReceiver) {
  registerIntegerCasts(
    receive, from: 5,
    bool: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>) in byte(x .!= 0) } },
    bits8: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>) in x } },
    bits16: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>) in lanes_uint8_to_int16(x) } },
    bits32: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>) in lanes_uint8_to_int32(x) } },
    bits64: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>) in lanes_uint8_to_int64(x) } },
    float16: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>) in narrowFloat16(lanes_uint8_to_float32(x)) } },
    bfloat16: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>) in narrowBFloat16(lanes_uint8_to_float32(x)) } },
    float32: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>) in lanes_uint8_to_float32(x) } },
    float64: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>) in lanes_uint8_to_float64(x) } },
    complex64: { n, p, s, _ in
      map(n, p, s, lanes: Floats.scalarCount) { (x: Lanes<UInt8>) in complex(lanes_uint8_to_float32(x)) }
    },
    complex128: { n, p, s, _ in
      map(n, p, s, lanes: Floats.scalarCount) { (x: Lanes<UInt8>) in complex(lanes_uint8_to_float64(x)) }
    })
}

private func registerUInt16Casts(_ receive: KernelReceiver) {
  registerIntegerCasts(
    receive, from: 6,
    bool: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt16>) in byte(x .!= 0) } },
    bits8: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt16>) in lanes_uint16_to_int8(x) } },
    bits16: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt16>) in x } },
    bits32: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt16>) in lanes_uint16_to_int32(x) } },
    bits64: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt16>) in lanes_uint16_to_int64(x) } },
    float16: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt16>) in narrowFloat16(lanes_uint16_to_float32(x)) } },
    bfloat16: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt16>) in narrowBFloat16(lanes_uint16_to_float32(x)) } },
    float32: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt16>) in lanes_uint16_to_float32(x) } },
    float64: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt16>) in lanes_uint16_to_float64(x) } },
    complex64: { n, p, s, _ in
      map(n, p, s, lanes: Floats.scalarCount) { (x: Lanes<UInt16>) in complex(lanes_uint16_to_float32(x)) }
    },
    complex128: { n, p, s, _ in
      map(n, p, s, lanes: Floats.scalarCount) { (x: Lanes<UInt16>) in complex(lanes_uint16_to_float64(x)) }
    }
  )
}

private func registerUInt32Casts(_ receive: KernelReceiver) {
  registerIntegerCasts(
    receive, from: 7,
    bool: { n, p, s, _ in map(n, p, s) { (x: UInt32s) in byte(x .!= 0) } },
    bits8: { n, p, s, _ in map(n, p, s) { (x: UInt32s) in lanes_uint32_to_int8(x) } },
    bits16: { n, p, s, _ in map(n, p, s) { (x: UInt32s) in lanes_uint32_to_int16(x) } },
    bits32: { n, p, s, _ in map(n, p, s) { (x: UInt32s) in x } },
    bits64: { n, p, s, _ in map(n, p, s) { (x: UInt32s) in lanes_uint32_to_int64(x) } },
    float16: { n, p, s, _ in map(n, p, s) { (x: UInt32s) in narrowFloat16(lanes_uint32_to_float32(x)) } },
    bfloat16: { n, p, s, _ in map(n, p, s) { (x: UInt32s) in narrowBFloat16(lanes_uint32_to_float32(x)) } },
    float32: { n, p, s, _ in map(n, p, s) { (x: UInt32s) in lanes_uint32_to_float32(x) } },
    float64: { n, p, s, _ in map(n, p, s) { (x: UInt32s) in lanes_uint32_to_float64(x) } },
    complex64: { n, p, s, _ in
      map(n, p, s, lanes: Floats.scalarCount) { (x: UInt32s) in complex(lanes_uint32_to_float32(x)) }
    },
    complex128: { n, p, s, _ in
      map(n, p, s, lanes: Floats.scalarCount) { (x: UInt32s) in complex(lanes_uint32_to_float64(x)) }
    }
  )
}

private func registerUInt64Casts(_ receive: KernelReceiver) {
  registerIntegerCasts(
    receive, from: 8,
    bool: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt64>) in byte(x .!= 0) } },
    bits8: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt64>) in lanes_uint64_to_int8(x) } },
    bits16: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt64>) in lanes_uint64_to_int16(x) } },
    bits32: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt64>) in lanes_uint64_to_int32(x) } },
    bits64: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt64>) in x } },
    float16: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt64>) in narrowFloat16(lanes_uint64_to_float32(x)) } },
    bfloat16: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt64>) in narrowBFloat16(lanes_uint64_to_float32(x)) } },
    float32: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt64>) in lanes_uint64_to_float32(x) } },
    float64: { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt64>) in lanes_uint64_to_float64(x) } },
    complex64: { n, p, s, _ in
      map(n, p, s, lanes: Floats.scalarCount) { (x: Lanes<UInt64>) in complex(lanes_uint64_to_float32(x)) }
    },
    complex128: { n, p, s, _ in
      map(n, p, s, lanes: Floats.scalarCount) { (x: Lanes<UInt64>) in complex(lanes_uint64_to_float64(x)) }
    }
  )
}

private func registerIntegerCasts(
  _ receive: KernelReceiver, from source: Int, bool: ElementwiseKernel, bits8: ElementwiseKernel,
  bits16: ElementwiseKernel, bits32: ElementwiseKernel, bits64: ElementwiseKernel, float16: ElementwiseKernel,
  bfloat16: ElementwiseKernel, float32: ElementwiseKernel, float64: ElementwiseKernel, complex64: ElementwiseKernel,
  complex128: ElementwiseKernel
) {
  registerCasts(
    receive, from: source,
    [
      bool, bits8, bits16, bits32, bits64, bits8, bits16, bits32, bits64, float16, bfloat16, float32, float64,
      complex64, complex128,
    ])
}

/// The casts to all dtypes, in the order of their codes.
func registerCasts(_ receive: KernelReceiver, from source: Int, _ kernels: [ElementwiseKernel]) {
  for (destination, kernel) in kernels.enumerated() {
    register(receive, "cast", slot: source * kernels.count + destination, kernel)
  }
}
