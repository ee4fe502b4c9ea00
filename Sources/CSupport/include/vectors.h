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

/// Row i, column j of the target becomes row j, column i of the source, for 8 rows and columns. Steps are in
/// bytes.
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

/// Whether any bit of the vector is set.
VECTOR_FUNCTION bool vector4_uint64_any(vector4_uint64 x) { return __builtin_reduce_or(x) != 0; }

#endif
#endif
