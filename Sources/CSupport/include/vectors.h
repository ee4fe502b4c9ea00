// Vector operations that Swift's SIMD types offer only as generic functions, which may be called instead of
// inlined, and whose specialisations a linker could merge across instruction sets.
#ifndef ALULA_VECTORS_H
#define ALULA_VECTORS_H

#include <stdbool.h>
#include <stdint.h>

#define VECTOR(element, lanes) __attribute__((ext_vector_type(lanes))) element
#define VECTOR_FUNCTION static inline __attribute__((always_inline))

typedef VECTOR(int8_t, 8) vector8_int8;
typedef VECTOR(int16_t, 8) vector8_int16;
typedef VECTOR(int32_t, 8) vector8_int32;
typedef VECTOR(int64_t, 8) vector8_int64;
typedef VECTOR(uint8_t, 8) vector8_uint8;
typedef VECTOR(uint16_t, 8) vector8_uint16;
typedef VECTOR(uint32_t, 8) vector8_uint32;
typedef VECTOR(uint64_t, 8) vector8_uint64;
typedef VECTOR(float, 8) vector8_float32;
typedef VECTOR(double, 8) vector8_float64;
typedef VECTOR(uint8_t, 4) vector4_uint8;
typedef VECTOR(uint64_t, 4) vector4_uint64;
typedef VECTOR(double, 4) vector4_float64;
typedef VECTOR(uint8_t, 16) vector16_uint8;
typedef VECTOR(uint16_t, 16) vector16_uint16;
typedef VECTOR(int32_t, 4) vector4_int32;
typedef VECTOR(int64_t, 4) vector4_int64;
typedef VECTOR(int16_t, 16) vector16_int16;
typedef VECTOR(int8_t, 32) vector32_int8;
typedef VECTOR(uint8_t, 32) vector32_uint8;

#if defined(__clang__)

// vectorN_A_to_B: each element converted. Integers are cut to the lower bits; floats are cut towards zero
// and must be within the range of the integer.
#define CONVERSION(lanes, from, to)                                                                 \
  VECTOR_FUNCTION vector##lanes##_##to vector##lanes##_##from##_to_##to(vector##lanes##_##from x) { \
    return __builtin_convertvector(x, vector##lanes##_##to);                                        \
  }
#define CONVERSIONS(from)      \
  CONVERSION(8, from, int8)    \
  CONVERSION(8, from, int16)   \
  CONVERSION(8, from, int32)   \
  CONVERSION(8, from, int64)   \
  CONVERSION(8, from, float32) \
  CONVERSION(8, from, float64)
CONVERSIONS(int8)
CONVERSIONS(int16)
CONVERSIONS(int32)
CONVERSIONS(int64)
CONVERSIONS(uint8)
CONVERSIONS(uint16)
CONVERSIONS(uint32)
CONVERSIONS(uint64)
CONVERSIONS(float32)
CONVERSIONS(float64)

// Where the mask's bits are set, `a`, else `b`.
#define SELECTION(lanes, type, mask)                                                          \
  VECTOR_FUNCTION vector##lanes##_##type vector##lanes##_##type##_select(                     \
      vector##lanes##_##mask condition, vector##lanes##_##type a, vector##lanes##_##type b) { \
    return condition ? a : b;                                                                 \
  }
SELECTION(8, float32, int32)
SELECTION(8, int32, int32)
SELECTION(8, uint32, int32)
SELECTION(8, float64, int64)
SELECTION(8, int64, int64)
SELECTION(8, uint64, int64)
SELECTION(8, int16, int16)
SELECTION(8, uint16, int16)
SELECTION(4, float64, int64)
SELECTION(4, int64, int64)
SELECTION(4, uint64, int64)
SELECTION(16, int16, int16)
SELECTION(16, uint16, int16)
SELECTION(32, int8, int8)
SELECTION(32, uint8, int8)

// Arithmetic. The shifts are by less than an element's width.
#define OPERATION(lanes, type, name, expression)                                                     \
  VECTOR_FUNCTION vector##lanes##_##type vector##lanes##_##type##_##name(vector##lanes##_##type a,   \
                                                                         vector##lanes##_##type b) { \
    return expression;                                                                               \
  }
#define FLOAT_OPERATIONS(lanes, type)     \
  OPERATION(lanes, type, add, a + b)      \
  OPERATION(lanes, type, subtract, a - b) \
  OPERATION(lanes, type, multiply, a *b)  \
  OPERATION(lanes, type, divide, a / b)
FLOAT_OPERATIONS(8, float32)
FLOAT_OPERATIONS(8, float64)
FLOAT_OPERATIONS(4, float64)
#define BIT_OPERATIONS(lanes, type)          \
  OPERATION(lanes, type, and, a &b)          \
  OPERATION(lanes, type, or, a | b)          \
  OPERATION(lanes, type, xor, a ^ b)         \
  OPERATION(lanes, type, shift_left, a << b) \
  OPERATION(lanes, type, shift_right, a >> b)
BIT_OPERATIONS(8, int32)
BIT_OPERATIONS(8, uint32)
BIT_OPERATIONS(8, int64)
BIT_OPERATIONS(8, uint64)
BIT_OPERATIONS(4, int64)
BIT_OPERATIONS(4, uint64)
BIT_OPERATIONS(8, int16)
BIT_OPERATIONS(8, uint16)
BIT_OPERATIONS(16, int16)
BIT_OPERATIONS(16, uint16)
BIT_OPERATIONS(32, int8)
BIT_OPERATIONS(32, uint8)
#if defined(__FMA__)
VECTOR_FUNCTION vector8_float32 vector8_float32_fma(vector8_float32 a, vector8_float32 b, vector8_float32 c) {
  return __builtin_elementwise_fma(a, b, c);
}
VECTOR_FUNCTION vector4_float64 vector4_float64_fma(vector4_float64 a, vector4_float64 b, vector4_float64 c) {
  return __builtin_elementwise_fma(a, b, c);
}
#endif

// Between masks, halves and the vectors they go with.
CONVERSION(8, uint8, uint32)
CONVERSION(8, uint16, uint32)
CONVERSION(8, uint32, uint16)
CONVERSION(8, uint32, uint8)
CONVERSION(8, uint64, uint32)
CONVERSION(8, uint16, uint8)
CONVERSION(8, uint64, uint8)
CONVERSION(4, uint64, uint8)
CONVERSION(4, uint8, uint64)
CONVERSION(16, uint16, uint8)
CONVERSION(16, uint8, uint16)

VECTOR_FUNCTION vector8_float32 vector8_float32_sqrt(vector8_float32 x) {
  return __builtin_elementwise_sqrt(x);
}
VECTOR_FUNCTION vector4_float64 vector4_float64_sqrt(vector4_float64 x) {
  return __builtin_elementwise_sqrt(x);
}

#if defined(__F16C__)
// float16 is handled as its bits.
typedef VECTOR(_Float16, 8) vector8_half;
VECTOR_FUNCTION vector8_float32 vector8_float16_to_float32(vector8_uint16 x) {
  return __builtin_convertvector((vector8_half)x, vector8_float32);
}
VECTOR_FUNCTION vector8_uint16 vector8_float32_to_float16(vector8_float32 x) {
  return (vector8_uint16) __builtin_convertvector(x, vector8_half);
}
#endif

// vectorN_T_transpose: row i, column j of the target becomes row j, column i of the source, for N rows and
// columns. Steps are in bytes.
VECTOR_FUNCTION void vector8_uint32_transpose(void *target, intptr_t target_step, const void *source,
                                              intptr_t source_step) {
  vector8_uint32 r[8], a[8], b[8];
  for (int i = 0; i < 8; i++) __builtin_memcpy(&r[i], (const char *)source + i * source_step, 32);
  for (int i = 0; i < 8; i += 2) {
    a[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    a[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int i = 0; i < 8; i += 4) {
    b[i] = __builtin_shufflevector(a[i], a[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
    b[i + 1] = __builtin_shufflevector(a[i], a[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    b[i + 2] = __builtin_shufflevector(a[i + 1], a[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
    b[i + 3] = __builtin_shufflevector(a[i + 1], a[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
  }
  for (int i = 0; i < 4; i++) {
    vector8_uint32 low = __builtin_shufflevector(b[i], b[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    vector8_uint32 high = __builtin_shufflevector(b[i], b[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    __builtin_memcpy((char *)target + i * target_step, &low, 32);
    __builtin_memcpy((char *)target + (i + 4) * target_step, &high, 32);
  }
}

VECTOR_FUNCTION void vector4_uint64_transpose(void *target, intptr_t target_step, const void *source,
                                              intptr_t source_step) {
  vector4_uint64 r[4], a[4], b[4];
  for (int i = 0; i < 4; i++) __builtin_memcpy(&r[i], (const char *)source + i * source_step, 32);
  for (int i = 0; i < 4; i += 2) {
    a[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 4, 2, 6);
    a[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 5, 3, 7);
  }
  for (int i = 0; i < 2; i++) {
    b[i] = __builtin_shufflevector(a[i], a[i + 2], 0, 1, 4, 5);
    b[i + 2] = __builtin_shufflevector(a[i], a[i + 2], 2, 3, 6, 7);
  }
  for (int i = 0; i < 4; i++) __builtin_memcpy((char *)target + i * target_step, &b[i], 32);
}

#if defined(__AVX512F__)
typedef VECTOR(float, 16) vector16_float32;
typedef VECTOR(uint32_t, 16) vector16_uint32;

VECTOR_FUNCTION void vector16_uint32_transpose(void *target, intptr_t target_step, const void *source,
                                               intptr_t source_step) {
#define LOW32 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29
#define HIGH32 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31
#define LOW64 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH64 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW_HALVES 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH_HALVES 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define EVEN128 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27
#define ODD128 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31
  vector16_uint32 r[16], a[16], b[16];
  for (int i = 0; i < 16; i++) __builtin_memcpy(&r[i], (const char *)source + i * source_step, 64);
  for (int i = 0; i < 16; i += 2) {
    a[i] = __builtin_shufflevector(r[i], r[i + 1], LOW32);
    a[i + 1] = __builtin_shufflevector(r[i], r[i + 1], HIGH32);
  }
  for (int i = 0; i < 16; i += 4) {
    b[i] = __builtin_shufflevector(a[i], a[i + 2], LOW64);
    b[i + 1] = __builtin_shufflevector(a[i], a[i + 2], HIGH64);
    b[i + 2] = __builtin_shufflevector(a[i + 1], a[i + 3], LOW64);
    b[i + 3] = __builtin_shufflevector(a[i + 1], a[i + 3], HIGH64);
  }
  for (int i = 0; i < 4; i++) {
    vector16_uint32 low01 = __builtin_shufflevector(b[i], b[i + 4], LOW_HALVES);
    vector16_uint32 low23 = __builtin_shufflevector(b[i + 8], b[i + 12], LOW_HALVES);
    vector16_uint32 high01 = __builtin_shufflevector(b[i], b[i + 4], HIGH_HALVES);
    vector16_uint32 high23 = __builtin_shufflevector(b[i + 8], b[i + 12], HIGH_HALVES);
    vector16_uint32 rows[4] = {
        __builtin_shufflevector(low01, low23, EVEN128), __builtin_shufflevector(low01, low23, ODD128),
        __builtin_shufflevector(high01, high23, EVEN128), __builtin_shufflevector(high01, high23, ODD128)};
    for (int j = 0; j < 4; j++) __builtin_memcpy((char *)target + (4 * j + i) * target_step, &rows[j], 64);
  }
}
#endif

#if defined(__AVX512BF16__)
/// sum + the products of pairs of bfloat16 numbers, which lie in each element of `x` and `y`.
VECTOR_FUNCTION vector16_float32 vector16_bfloat16_pairs_fma(vector16_float32 sum, vector16_float32 x,
                                                             vector16_float32 y) {
  typedef VECTOR(__bf16, 32) pairs;
  return __builtin_ia32_dpbf16ps_512(sum, (pairs)x, (pairs)y);
}

/// Pairs of the elements of `first` and `second`.
VECTOR_FUNCTION vector16_uint32 vector16_uint16_pairs(vector16_uint16 first, vector16_uint16 second) {
  return __builtin_convertvector(first, vector16_uint32) | __builtin_convertvector(second, vector16_uint32)
                                                               << 16;
}
#endif

/// Whether any bit of the vector is set.
VECTOR_FUNCTION bool vector4_uint64_any(vector4_uint64 x) { return __builtin_reduce_or(x) != 0; }

#endif
#endif
