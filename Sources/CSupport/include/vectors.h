// Vector operations that Swift's SIMD types offer only as generic functions, which may be called instead of
// inlined, and whose specialisations a linker could merge across instruction sets.
#ifndef ALULA_VECTORS_H
#define ALULA_VECTORS_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__clang__)

// Vectors come in two kinds. `vector_T` is as wide as a register: 64 bytes with AVX-512, or else 32, which the
// baseline splits in two. `lanes_T` has as many elements as `vector_float32`, of any size: halves, conversions,
// masks.
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#else
#define VECTOR_BYTES 32
#endif
#define VECTOR(element, lanes) element __attribute__((ext_vector_type(lanes)))
#define VECTOR_FUNCTION static inline __attribute__((always_inline, overloadable))

#define TYPES(element, name)                                             \
  typedef VECTOR(element, VECTOR_BYTES / sizeof(element)) vector_##name; \
  typedef VECTOR(element, VECTOR_BYTES / 4) lanes_##name;
TYPES(int8_t, int8)
TYPES(int16_t, int16)
TYPES(int32_t, int32)
TYPES(int64_t, int64)
TYPES(uint8_t, uint8)
TYPES(uint16_t, uint16)
TYPES(uint32_t, uint32)
TYPES(uint64_t, uint64)
TYPES(float, float32)
TYPES(double, float64)
/// A byte for each element of a vector of 16 or 64 bits.
typedef VECTOR(uint8_t, VECTOR_BYTES / 2) vector_uint16_bytes;
typedef VECTOR(uint8_t, VECTOR_BYTES / 8) vector_uint64_bytes;

/// Asks for the cache line at `address`, which may be any, before it is read.
static inline __attribute__((always_inline)) void prefetch(const void *address) { __builtin_prefetch(address); }

/// The same before the line is written.
static inline __attribute__((always_inline)) void prefetch_to_write(const void *address) {
  __builtin_prefetch(address, 1);
}

/// `x`, which the compiler then does not know how it came about.
static inline __attribute__((always_inline)) intptr_t opaque(intptr_t x) {
  __asm__("" : "+r"(x));
  return x;
}
static inline __attribute__((always_inline)) const void *opaque_address(const void *x) {
  __asm__("" : "+r"(x));
  return x;
}

/// Between what is read before this in the source and what is read after it.
static inline __attribute__((always_inline)) void read_in_order(void) { __asm__ volatile("" : : : "memory"); }

/// `x`, from which is read only after what is read before this in the source: a compiler that loads for the
/// next step of a loop while it computes this one may run out of registers.
static inline __attribute__((always_inline)) const void *address_in_order(const void *x) {
  __asm__ volatile("" : "+r"(x) : : "memory");
  return x;
}

// lanes_A_to_B: each element converted. Integers are cut to the lower bits; floats are cut towards zero
// and must be within the range of the integer.
#define CONVERSION(from, to)                                          \
  VECTOR_FUNCTION lanes_##to lanes_##from##_to_##to(lanes_##from x) { \
    return __builtin_convertvector(x, lanes_##to);                    \
  }
#define CONVERSIONS(from)   \
  CONVERSION(from, int8)    \
  CONVERSION(from, int16)   \
  CONVERSION(from, int32)   \
  CONVERSION(from, int64)   \
  CONVERSION(from, float32) \
  CONVERSION(from, float64)
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
CONVERSION(uint8, uint32)
CONVERSION(uint16, uint32)
CONVERSION(uint32, uint16)
CONVERSION(uint32, uint8)
CONVERSION(uint64, uint32)
CONVERSION(uint16, uint8)
CONVERSION(uint64, uint8)
CONVERSION(float64, uint64)
#define BYTES(name)                                                                 \
  VECTOR_FUNCTION vector_##name##_bytes vector_##name##_to_bytes(vector_##name x) { \
    return __builtin_convertvector(x, vector_##name##_bytes);                       \
  }                                                                                 \
  VECTOR_FUNCTION vector_##name vector_bytes_to_##name(vector_##name##_bytes x) {   \
    return __builtin_convertvector(x, vector_##name);                               \
  }
BYTES(uint16)
BYTES(uint64)

// Where the mask's bits are set, `a`, else `b`.
#define SELECTION(type, mask) \
  VECTOR_FUNCTION type vector_select(mask condition, type a, type b) { return condition ? a : b; }
// Arithmetic. The shifts are by less than an element's width.
#define OPERATION(type, name, expression) \
  VECTOR_FUNCTION type vector_##name(type a, type b) { return expression; }
#define FLOAT_OPERATIONS(type, mask) \
  SELECTION(type, mask)              \
  OPERATION(type, add, a + b)        \
  OPERATION(type, subtract, a - b)   \
  OPERATION(type, multiply, a *b)    \
  OPERATION(type, divide, a / b)     \
  VECTOR_FUNCTION type vector_sqrt(type x) { return __builtin_elementwise_sqrt(x); }
FLOAT_OPERATIONS(vector_float32, vector_int32)
FLOAT_OPERATIONS(vector_float64, vector_int64)
FLOAT_OPERATIONS(lanes_float64, lanes_int64)
#define INTEGER_OPERATIONS(type, mask) \
  SELECTION(type, mask)                \
  OPERATION(type, and, a &b)           \
  OPERATION(type, or, a | b)           \
  OPERATION(type, xor, a ^ b)          \
  OPERATION(type, shift_left, a << b)  \
  OPERATION(type, shift_right, a >> b)
INTEGER_OPERATIONS(vector_int8, vector_int8)
INTEGER_OPERATIONS(vector_uint8, vector_int8)
INTEGER_OPERATIONS(vector_int16, vector_int16)
INTEGER_OPERATIONS(vector_uint16, vector_int16)
INTEGER_OPERATIONS(vector_int32, vector_int32)
INTEGER_OPERATIONS(vector_uint32, vector_int32)
INTEGER_OPERATIONS(vector_int64, vector_int64)
INTEGER_OPERATIONS(vector_uint64, vector_int64)
INTEGER_OPERATIONS(lanes_int16, lanes_int16)
INTEGER_OPERATIONS(lanes_uint16, lanes_int16)
INTEGER_OPERATIONS(lanes_int64, lanes_int64)
INTEGER_OPERATIONS(lanes_uint64, lanes_int64)
#if defined(__FMA__)
VECTOR_FUNCTION vector_float32 vector_fma(vector_float32 a, vector_float32 b, vector_float32 c) {
  return __builtin_elementwise_fma(a, b, c);
}
VECTOR_FUNCTION vector_float64 vector_fma(vector_float64 a, vector_float64 b, vector_float64 c) {
  return __builtin_elementwise_fma(a, b, c);
}
#endif
// Of widths that some kernels keep to in every variant.
typedef VECTOR(float, 8) eight_float32;
typedef VECTOR(int32_t, 8) eight_int32;
typedef VECTOR(float, 16) sixteen_float32;
#if defined(__AVX512F__)
SELECTION(eight_float32, eight_int32)
SELECTION(eight_int32, eight_int32)
#else
VECTOR_FUNCTION sixteen_float32 vector_sqrt(sixteen_float32 x) { return __builtin_elementwise_sqrt(x); }
#endif

#if defined(__AVX512F__)
/// x times two to the power of n, an integer, rounded once.
VECTOR_FUNCTION vector_float32 vector_scale(vector_float32 x, vector_float32 n) {
  typedef float registers __attribute__((vector_size(64)));
  return (vector_float32)__builtin_ia32_scalefps512_mask((registers)x, (registers)n, (registers)x, (uint16_t)-1,
                                                         4);
}
#endif

// vector_pick_of_N: the elements of a row that the lowest bits of each index name; rows are aligned.
#if defined(__AVX512F__)
VECTOR_FUNCTION vector_float32 vector_pick_of_8(const float *rows, intptr_t row, vector_int32 index) {
  typedef float registers __attribute__((vector_size(64)));
  typedef int indices __attribute__((vector_size(64)));
  eight_float32 x = *(const eight_float32 *)(rows + 8 * row);
  sixteen_float32 twice = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7);
  return (vector_float32)__builtin_ia32_permvarsf512((registers)twice, (indices)index);
}
VECTOR_FUNCTION vector_float32 vector_pick_of_32(const float *rows, intptr_t row, vector_int32 index) {
  typedef float registers __attribute__((vector_size(64)));
  typedef int indices __attribute__((vector_size(64)));
  const registers *halves = (const registers *)(rows + 32 * row);
  return (vector_float32)__builtin_ia32_vpermi2varps512(halves[0], (indices)index, halves[1]);
}
#elif defined(__AVX2__)
// Rows at an opaque address become operands in memory, and leave the registers to constants that cannot.
VECTOR_FUNCTION vector_float32 vector_pick_of_8(const float *rows, intptr_t row, vector_int32 index) {
  typedef float registers __attribute__((vector_size(32)));
  typedef int indices __attribute__((vector_size(32)));
  const float *address = (const float *)opaque_address(rows) + 8 * row;
  return (vector_float32)__builtin_ia32_permvarsf256(*(const registers *)address, (indices)index);
}
VECTOR_FUNCTION vector_float32 vector_pick_of_16(const float *rows, intptr_t row, vector_int32 index) {
  typedef float registers __attribute__((vector_size(32)));
  registers low = (registers)vector_pick_of_8(rows, 2 * row, index);
  registers high = (registers)vector_pick_of_8(rows, 2 * row + 1, index);
  return (vector_float32)__builtin_ia32_blendvps256(low, high, (registers)(index << 28));
}
#endif

// The sum of the elements, by halves.
VECTOR_FUNCTION float vector_sum(VECTOR(float, 4) x) {
  VECTOR(float, 2) half = __builtin_shufflevector(x, x, 0, 1) + __builtin_shufflevector(x, x, 2, 3);
  return half[0] + half[1];
}
VECTOR_FUNCTION float vector_sum(eight_float32 x) {
  return vector_sum(__builtin_shufflevector(x, x, 0, 1, 2, 3) + __builtin_shufflevector(x, x, 4, 5, 6, 7));
}
VECTOR_FUNCTION double vector_sum(VECTOR(double, 4) x) {
  VECTOR(double, 2) half = __builtin_shufflevector(x, x, 0, 1) + __builtin_shufflevector(x, x, 2, 3);
  return half[0] + half[1];
}
#if defined(__AVX512F__)
VECTOR_FUNCTION float vector_sum(vector_float32 x) {
  return vector_sum(__builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
                    __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15));
}
VECTOR_FUNCTION double vector_sum(vector_float64 x) {
  return vector_sum(__builtin_shufflevector(x, x, 0, 1, 2, 3) + __builtin_shufflevector(x, x, 4, 5, 6, 7));
}
#endif

// The first `count` elements at an address, fewer than a vector's, and zeros. Where there are masks, also those
// in lanes from `lower` to `upper`, and stores of the first.
#if defined(__AVX512F__)
VECTOR_FUNCTION vector_float32 vector_first_float32(const void *address, intptr_t count) {
  typedef float registers __attribute__((vector_size(64)));
  return (vector_float32)__builtin_ia32_loadups512_mask((const float *)address, (registers){},
                                                        (1 << count) - 1);
}
VECTOR_FUNCTION vector_float64 vector_first_float64(const void *address, intptr_t count) {
  typedef double registers __attribute__((vector_size(64)));
  return (vector_float64)__builtin_ia32_loadupd512_mask((const double *)address, (registers){},
                                                        (1 << count) - 1);
}
VECTOR_FUNCTION vector_float32 vector_window_float32(const void *address, intptr_t lower, intptr_t upper) {
  typedef float registers __attribute__((vector_size(64)));
  typedef int indices __attribute__((vector_size(64)));
  const indices lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  uint16_t mask = __builtin_ia32_cvtd2mask512((lanes >= (int)lower) & (lanes < (int)upper));
  return (vector_float32)__builtin_ia32_loadups512_mask((const float *)address, (registers){}, mask);
}
VECTOR_FUNCTION vector_float64 vector_window_float64(const void *address, intptr_t lower, intptr_t upper) {
  typedef double registers __attribute__((vector_size(64)));
  typedef long long indices __attribute__((vector_size(64)));
  const indices lanes = {0, 1, 2, 3, 4, 5, 6, 7};
  uint8_t mask = __builtin_ia32_cvtq2mask512((lanes >= (long long)lower) & (lanes < (long long)upper));
  return (vector_float64)__builtin_ia32_loadupd512_mask((const double *)address, (registers){}, mask);
}
VECTOR_FUNCTION void vector_store_first(void *address, vector_float32 x, intptr_t count) {
  typedef float registers __attribute__((vector_size(64)));
  __builtin_ia32_storeups512_mask((float *)address, (registers)x, (1 << count) - 1);
}
VECTOR_FUNCTION void vector_store_first(void *address, vector_float64 x, intptr_t count) {
  typedef double registers __attribute__((vector_size(64)));
  __builtin_ia32_storeupd512_mask((double *)address, (registers)x, (1 << count) - 1);
}
#elif defined(__AVX2__)
VECTOR_FUNCTION vector_float32 vector_first_float32(const void *address, intptr_t count) {
  typedef float registers __attribute__((vector_size(32)));
  typedef int indices __attribute__((vector_size(32)));
  const indices lanes = {0, 1, 2, 3, 4, 5, 6, 7};
  return (vector_float32)__builtin_ia32_maskloadps256((const registers *)address, lanes < (int)count);
}
VECTOR_FUNCTION vector_float64 vector_first_float64(const void *address, intptr_t count) {
  typedef double registers __attribute__((vector_size(32)));
  typedef long long indices __attribute__((vector_size(32)));
  const indices lanes = {0, 1, 2, 3};
  return (vector_float64)__builtin_ia32_maskloadpd256((const registers *)address, lanes < (long long)count);
}
VECTOR_FUNCTION vector_float32 vector_window_float32(const void *address, intptr_t lower, intptr_t upper) {
  typedef float registers __attribute__((vector_size(32)));
  typedef int indices __attribute__((vector_size(32)));
  const indices lanes = {0, 1, 2, 3, 4, 5, 6, 7};
  indices mask = (lanes >= (int)lower) & (lanes < (int)upper);
  return (vector_float32)__builtin_ia32_maskloadps256((const registers *)address, mask);
}
VECTOR_FUNCTION vector_float64 vector_window_float64(const void *address, intptr_t lower, intptr_t upper) {
  typedef double registers __attribute__((vector_size(32)));
  typedef long long indices __attribute__((vector_size(32)));
  const indices lanes = {0, 1, 2, 3};
  indices mask = (lanes >= (long long)lower) & (lanes < (long long)upper);
  return (vector_float64)__builtin_ia32_maskloadpd256((const registers *)address, mask);
}
VECTOR_FUNCTION void vector_store_first(void *address, vector_float32 x, intptr_t count) {
  typedef float registers __attribute__((vector_size(32)));
  typedef int indices __attribute__((vector_size(32)));
  const indices lanes = {0, 1, 2, 3, 4, 5, 6, 7};
  __builtin_ia32_maskstoreps256((registers *)address, lanes < (int)count, (registers)x);
}
VECTOR_FUNCTION void vector_store_first(void *address, vector_float64 x, intptr_t count) {
  typedef double registers __attribute__((vector_size(32)));
  typedef long long indices __attribute__((vector_size(32)));
  const indices lanes = {0, 1, 2, 3};
  __builtin_ia32_maskstorepd256((registers *)address, lanes < (long long)count, (registers)x);
}
#else
#define FIRST(element, name)                                                               \
  VECTOR_FUNCTION vector_##name vector_first_##name(const void *address, intptr_t count) { \
    vector_##name x = 0;                                                                   \
    for (intptr_t i = 0; i < count; i++) x[i] = ((const element *)address)[i];             \
    return x;                                                                              \
  }
FIRST(float, float32)
FIRST(double, float64)
#endif

// `by` in the first `count` lanes, else `x`.
#define REPLACEMENT(type, index, element)                                        \
  VECTOR_FUNCTION type vector_replacing_first(type x, type by, intptr_t count) { \
    index lane;                                                                  \
    for (int i = 0; i < (int)(sizeof(lane) / sizeof(lane[0])); i++) lane[i] = i; \
    return lane < (index)(element)count ? by : x;                                \
  }
REPLACEMENT(vector_float32, vector_int32, int32_t)
REPLACEMENT(vector_float64, vector_int64, int64_t)

/// Stores past the caches; the address is a multiple of the vector's size. Other threads see it after a fence.
VECTOR_FUNCTION void vector_stream(void *address, vector_float32 x) {
  __builtin_nontemporal_store(x, (vector_float32 *)address);
}
static inline __attribute__((always_inline)) void vector_stream_fence(void) { __builtin_ia32_sfence(); }

/// All bits of the lanes where x is above the limit or NaN: one comparison, where Swift's operators take two.
VECTOR_FUNCTION vector_int32 vector_is_not_at_most(vector_float32 x, vector_float32 limit) {
  return ~(x <= limit);
}

/// Whether any bit of the vector is set.
VECTOR_FUNCTION bool vector_any(vector_int32 x) { return __builtin_reduce_or(x) != 0; }
VECTOR_FUNCTION bool vector_any(vector_int64 x) { return __builtin_reduce_or(x) != 0; }

#if defined(__F16C__)
// float16 is handled as its bits.
typedef VECTOR(_Float16, VECTOR_BYTES / 4) lanes_half;
VECTOR_FUNCTION lanes_float32 lanes_float16_to_float32(lanes_uint16 x) {
  return __builtin_convertvector((lanes_half)x, lanes_float32);
}
VECTOR_FUNCTION lanes_uint16 lanes_float32_to_float16(lanes_float32 x) {
  return (lanes_uint16) __builtin_convertvector(x, lanes_half);
}
#endif

// transpose_N_T: row i, column j of the target becomes row j, column i of the source, for N rows and columns.
// Steps are in bytes.
VECTOR_FUNCTION void transpose_eight_uint32(void *target, intptr_t target_step, const void *source,
                                            intptr_t source_step) {
  eight_int32 r[8], a[8], b[8];
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
    eight_int32 low = __builtin_shufflevector(b[i], b[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    eight_int32 high = __builtin_shufflevector(b[i], b[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    __builtin_memcpy((char *)target + i * target_step, &low, 32);
    __builtin_memcpy((char *)target + (i + 4) * target_step, &high, 32);
  }
}

VECTOR_FUNCTION void transpose_four_uint64(void *target, intptr_t target_step, const void *source,
                                           intptr_t source_step) {
  typedef VECTOR(uint64_t, 4) four;
  four r[4], a[4], b[4];
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

typedef VECTOR(uint16_t, 8) eight_uint16;

/// Interleaving the upper and the lower half of the rows, three times, is the transposition.
VECTOR_FUNCTION void transpose_registers(eight_uint16 r[8]) {
  eight_uint16 a[8];
  for (int stage = 0; stage < 3; stage++) {
    for (int i = 0; i < 4; i++) {
      a[2 * i] = __builtin_shufflevector(r[i], r[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
      a[2 * i + 1] = __builtin_shufflevector(r[i], r[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    for (int i = 0; i < 8; i++) r[i] = a[i];
  }
}

VECTOR_FUNCTION void transpose_eight_uint16(void *target, intptr_t target_step, const void *source,
                                            intptr_t source_step) {
  eight_uint16 r[8];
  for (int i = 0; i < 8; i++) __builtin_memcpy(&r[i], (const char *)source + i * source_step, 16);
  transpose_registers(r);
  for (int i = 0; i < 8; i++) __builtin_memcpy((char *)target + i * target_step, &r[i], 16);
}

// Pairs of bytes of neighbouring rows are transposed as halfwords, one half of the columns after the other: all
// 16 rows at once would not leave AVX2 a register.
VECTOR_FUNCTION void transpose_sixteen_uint8(void *target, intptr_t target_step, const void *source,
                                             intptr_t source_step) {
#define LOW8 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH8 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
  typedef VECTOR(uint8_t, 16) sixteen;
  for (int half = 0; half < 2; half++) {
    eight_uint16 r[8];
    for (int i = 0; i < 8; i++) {
      sixteen x, y;
      __builtin_memcpy(&x, (const char *)source + 2 * i * source_step, 16);
      __builtin_memcpy(&y, (const char *)source + (2 * i + 1) * source_step, 16);
      r[i] = half == 0 ? (eight_uint16)__builtin_shufflevector(x, y, LOW8)
                       : (eight_uint16)__builtin_shufflevector(x, y, HIGH8);
    }
    transpose_registers(r);
    for (int i = 0; i < 8; i++) __builtin_memcpy((char *)target + (8 * half + i) * target_step, &r[i], 16);
  }
}

#if defined(__AVX512F__)
typedef VECTOR(uint32_t, 16) sixteen_uint32;
typedef VECTOR(uint16_t, 16) sixteen_uint16;

VECTOR_FUNCTION void transpose_sixteen_uint32(void *target, intptr_t target_step, const void *source,
                                              intptr_t source_step) {
#define LOW32 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29
#define HIGH32 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31
#define LOW64 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH64 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW_HALVES 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH_HALVES 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define EVEN128 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27
#define ODD128 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31
  sixteen_uint32 r[16], a[16], b[16];
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
    sixteen_uint32 low01 = __builtin_shufflevector(b[i], b[i + 4], LOW_HALVES);
    sixteen_uint32 low23 = __builtin_shufflevector(b[i + 8], b[i + 12], LOW_HALVES);
    sixteen_uint32 high01 = __builtin_shufflevector(b[i], b[i + 4], HIGH_HALVES);
    sixteen_uint32 high23 = __builtin_shufflevector(b[i + 8], b[i + 12], HIGH_HALVES);
    sixteen_uint32 rows[4] = {
        __builtin_shufflevector(low01, low23, EVEN128), __builtin_shufflevector(low01, low23, ODD128),
        __builtin_shufflevector(high01, high23, EVEN128), __builtin_shufflevector(high01, high23, ODD128)};
    for (int j = 0; j < 4; j++) __builtin_memcpy((char *)target + (4 * j + i) * target_step, &rows[j], 64);
  }
}
#endif

#if defined(__FMA__)
// sum + x y, in the order of the source and into the register of the sum: a compiler that reorders the
// multiplications of a matrix product's tile runs out of registers or makes them wait for what is read.
#define FMA_IN_ORDER(type, instruction)                                       \
  VECTOR_FUNCTION type fma_in_order(type sum, type x, type y) {               \
    __asm__ volatile(instruction " %2, %1, %0" : "+v"(sum) : "v"(x), "v"(y)); \
    return sum;                                                               \
  }
FMA_IN_ORDER(vector_float32, "vfmadd231ps")
FMA_IN_ORDER(vector_float64, "vfmadd231pd")
#endif

#if defined(__AVX512BF16__)
/// The same of pairs of bfloat16 numbers, which lie in each element of `x` and `y`: the sum of both products is
/// added.
VECTOR_FUNCTION sixteen_float32 bfloat16_pairs_fma_in_order(sixteen_float32 sum, sixteen_float32 x,
                                                            sixteen_float32 y) {
  __asm__ volatile("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(x), "v"(y));
  return sum;
}

/// Pairs of the elements of `first` and `second`.
VECTOR_FUNCTION sixteen_uint32 bfloat16_pairs(sixteen_uint16 first, sixteen_uint16 second) {
  return __builtin_convertvector(first, sixteen_uint32) | __builtin_convertvector(second, sixteen_uint32) << 16;
}
#endif

#endif

#endif
