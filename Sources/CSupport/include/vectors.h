// Vector instructions that Swift's SIMD types do not reach without a call.
#ifndef ALULA_VECTORS_H
#define ALULA_VECTORS_H

typedef float vector_float8 __attribute__((ext_vector_type(8)));
typedef double vector_double4 __attribute__((ext_vector_type(4)));
typedef int vector_int8 __attribute__((ext_vector_type(8)));

#define VECTOR_FUNCTION static inline __attribute__((always_inline))

#if defined(__clang__)
VECTOR_FUNCTION vector_float8 vector_sqrt8(vector_float8 x) { return __builtin_elementwise_sqrt(x); }
VECTOR_FUNCTION vector_double4 vector_sqrt4(vector_double4 x) { return __builtin_elementwise_sqrt(x); }
/// Towards zero; every element must be within the range of int.
VECTOR_FUNCTION vector_int8 vector_truncate8(vector_float8 x) { return __builtin_convertvector(x, vector_int8); }
#endif

#endif
