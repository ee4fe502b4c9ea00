import CSupport

// Distributions over Philox's stream. Elements come in the order of the stream's words, so that an array cut into
// chunks at multiples of a group (32 elements from 32 bits each, 16 from 64) is the same as one made in one go.

func registerRandom(_ receive: KernelReceiver) {
  register(receive, "random_bits", 7, randomBits)
  register(receive, "random_bits", 8, randomBits64)
  register(receive, "random_uniform", 11, uniformFloat)
  register(receive, "random_uniform", 12, uniformDouble)
  register(receive, "random_integers", 4, integers)
  register(receive, "random_normal", 11, normalFloat)
  register(receive, "random_normal", 12, normalDouble)
  register(receive, "random_bernoulli", 11, bernoulli)
  register(receive, "dropout", 11, dropoutFloat)
  register(receive, "dropout", 12, dropoutDouble)
}

private func register(_ receive: KernelReceiver, _ name: StaticString, _ slot: Int, _ kernel: random_kernel) {
  receive(name, slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

private func register(_ receive: KernelReceiver, _ name: StaticString, _ slot: Int, _ kernel: random_map_kernel) {
  receive(name, slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

// MARK: - Bits

private let randomBits: random_kernel = { out, count, key, group, _ in
  guard let out else { return }
  forEachGroup(count, perGroup: 32, key, group) { i, words in
    storeGroup(words, out + i &* 4, byteCount: (count &- i) &* 4)
  }
}

private let randomBits64: random_kernel = { out, count, key, group, _ in
  guard let out else { return }
  forEachGroup(count, perGroup: 16, key, group) { i, words in
    storeGroup(words, out + i &* 8, byteCount: (count &- i) &* 8)
  }
}

// MARK: - Uniform

// Parameters: the low end, the width of the interval, the largest value below the high end (which rounding must not
// reach), and the number of random bits: no more than the dtype in which the value ends up has.
private let uniformFloat: random_kernel = { out, count, key, group, parameters in
  guard let out, let parameters else { return }
  let low = SIMD16<Float>(repeating: Float(parameters[0]))
  let width = SIMD16<Float>(repeating: Float(parameters[1] / Double(UInt64(1) &<< UInt64(parameters[3]))))
  let highest = SIMD16<Float>(repeating: Float(parameters[2]))
  let shift = SIMD16<UInt32>(repeating: 32 &- UInt32(parameters[3]))
  forEachGroup(count, perGroup: 32, key, group) { i, words in
    var a = floats(unsafeBitCast(words.0, to: SIMD16<UInt32>.self) &>> shift) * width + low
    var b = floats(unsafeBitCast(words.1, to: SIMD16<UInt32>.self) &>> shift) * width + low
    a.replace(with: highest, where: a .> highest)
    b.replace(with: highest, where: b .> highest)
    storeGroup((a, b), out + i &* 4, byteCount: (count &- i) &* 4)
  }
}

private let uniformDouble: random_kernel = { out, count, key, group, parameters in
  guard let out, let parameters else { return }
  let low = SIMD8<Double>(repeating: parameters[0])
  let width = SIMD8<Double>(repeating: parameters[1] * 0x1p-53)
  let highest = SIMD8<Double>(repeating: parameters[2])
  forEachGroup(count, perGroup: 16, key, group) { i, words in
    var a = doubles(words.0 &>> 11) * width + low
    var b = doubles(words.1 &>> 11) * width + low
    a.replace(with: highest, where: a .> highest)
    b.replace(with: highest, where: b .> highest)
    storeGroup((a, b), out + i &* 8, byteCount: (count &- i) &* 8)
  }
}

// MARK: - Integers

// Parameters: the bits of the lowest value and of the number of values, as int64. The upper half of the product of
// 64 random bits with that number is biased by no more than 2⁻⁶⁴ of it.
private let integers: random_kernel = { out, count, key, group, parameters in
  guard let out, let parameters else { return }
  let low = parameters[0].bitPattern
  let range = parameters[1].bitPattern
  forEachGroup(count, perGroup: 16, key, group) { i, words in
    withUnsafeBytes(of: words) { words in
      var k = 0
      while k < 16, i &+ k < count {
        let word = words.load(fromByteOffset: k &* 8, as: UInt64.self)
        (out + (i &+ k) &* 8).storeBytes(of: low &+ word.multipliedFullWidth(by: range).high, as: UInt64.self)
        k &+= 1
      }
    }
  }
}

// MARK: - Bernoulli

/// Ones with the probabilities in the input, else zeros.
private let bernoulli: random_map_kernel = { out, input, count, key, group, _ in
  guard let out, let input else { return }
  forEachGroup(count, perGroup: 32, key, group) { i, words in
    if i &+ 32 <= count {
      let one = SIMD16<Float>(repeating: 1)
      let a = floats(unsafeBitCast(words.0, to: SIMD16<UInt32>.self) &>> 8) * 0x1p-24
      let b = floats(unsafeBitCast(words.1, to: SIMD16<UInt32>.self) &>> 8) * 0x1p-24
      var x = SIMD16<Float>.zero
      var y = SIMD16<Float>.zero
      x.replace(with: one, where: a .< (input + i &* 4).loadUnaligned(as: SIMD16<Float>.self))
      y.replace(with: one, where: b .< (input + (i &* 4 &+ 64)).loadUnaligned(as: SIMD16<Float>.self))
      storeGroup((x, y), out + i &* 4, byteCount: 128)
    } else {
      forEachWord(words, count &- i) { k, word in
        let p = (input + (i &+ k) &* 4).loadUnaligned(as: Float.self)
        (out + (i &+ k) &* 4).storeBytes(of: Float(word &>> 8) * 0x1p-24 < p ? 1 : 0, as: Float.self)
      }
    }
  }
}

// MARK: - Dropout

// Parameters: the scale of what stays, and the number, of 2³², below which a random word drops its element.

private let dropoutFloat: random_map_kernel = { out, input, count, key, group, parameters in
  guard let out, let input, let parameters else { return }
  let scale = SIMD16<Float>(repeating: Float(parameters[0]))
  let threshold = SIMD16<UInt32>(repeating: UInt32(parameters[1]))
  forEachGroup(count, perGroup: 32, key, group) { i, words in
    if i &+ 32 <= count {
      var a = (input + i &* 4).loadUnaligned(as: SIMD16<Float>.self) * scale
      var b = (input + (i &* 4 &+ 64)).loadUnaligned(as: SIMD16<Float>.self) * scale
      a.replace(with: 0, where: unsafeBitCast(words.0, to: SIMD16<UInt32>.self) .< threshold)
      b.replace(with: 0, where: unsafeBitCast(words.1, to: SIMD16<UInt32>.self) .< threshold)
      storeGroup((a, b), out + i &* 4, byteCount: 128)
    } else {
      forEachWord(words, count &- i) { k, word in
        let x = (input + (i &+ k) &* 4).loadUnaligned(as: Float.self)
        let kept = word >= UInt32(parameters[1])
        (out + (i &+ k) &* 4).storeBytes(of: kept ? x * Float(parameters[0]) : 0, as: Float.self)
      }
    }
  }
}

private let dropoutDouble: random_map_kernel = { out, input, count, key, group, parameters in
  guard let out, let input, let parameters else { return }
  forEachGroup(count, perGroup: 32, key, group) { i, words in
    forEachWord(words, min(count &- i, 32)) { k, word in
      let x = (input + (i &+ k) &* 8).loadUnaligned(as: Double.self)
      let kept = word >= UInt32(parameters[1])
      (out + (i &+ k) &* 8).storeBytes(of: kept ? x * parameters[0] : 0, as: Double.self)
    }
  }
}

/// `body(k, word)` for the first `count` words of a group.
@inline(__always)
private func forEachWord(
  _ words: (SIMD8<UInt64>, SIMD8<UInt64>), _ count: Int, _ body: (Int, UInt32) -> Void
) {
  withUnsafeBytes(of: words) { words in
    var k = 0
    while k < count {
      body(k, words.load(fromByteOffset: k &* 4, as: UInt32.self))
      k &+= 1
    }
  }
}
