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

/// Whether any bit of the vector is set.
VECTOR_FUNCTION bool vector4_uint64_any(vector4_uint64 x) { return __builtin_reduce_or(x) != 0; }

#endif
#endif
