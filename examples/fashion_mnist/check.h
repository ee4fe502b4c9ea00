// What both C programs of the example share: errors that end the program, and chains of operations.
#ifndef CHECK_H
#define CHECK_H

#include <alula.h>
#include <stdio.h>
#include <stdlib.h>

// Ends the program with the library's message when a call fails.
#define CHECK(call)                                                           \
  do {                                                                        \
    if ((call) != ALULA_OK) {                                                 \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, alula_last_error()); \
      exit(1);                                                                \
    }                                                                         \
  } while (0)

// x = operation(x, ...): the result takes the place of its first input.
#define CHAIN1(x, operation)        \
  do {                              \
    alula_tensor *result_;          \
    CHECK(operation(&result_, x));  \
    CHECK(alula_tensor_release(x)); \
    x = result_;                    \
  } while (0)
#define CHAIN(x, operation, ...)                \
  do {                                          \
    alula_tensor *result_;                      \
    CHECK(operation(&result_, x, __VA_ARGS__)); \
    CHECK(alula_tensor_release(x));             \
    x = result_;                                \
  } while (0)

// Bytes (count, size) of images as floats of the given shape between 0 and 1.
static alula_tensor *images_from_bytes(const unsigned char *bytes, const int64_t *shape, size_t rank) {
  alula_tensor *x, *scale;
  CHECK(alula_tensor_from_data(&x, bytes, shape, rank, ALULA_UINT8, ALULA_CPU));
  CHECK(alula_tensor_scalar(&scale, alula_float(255), ALULA_FLOAT32, true));
  CHAIN(x, alula_cast, ALULA_FLOAT32);
  CHAIN(x, alula_divide, scale);
  CHECK(alula_tensor_release(scale));
  return x;
}

#endif
