// Checks for the C programs: a failed one prints where and why, and ends the program.
#ifndef CHECK_H
#define CHECK_H

#include <alula.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) \
  ((condition) ? (void)0 : (printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition), exit(1)))

// The call succeeds.
#define OK(call) check_status(ALULA_OK, (call), __FILE__, __LINE__, #call)

// The call fails with that status and a message.
#define FAILS(status, call) check_status(status, (call), __FILE__, __LINE__, #call)

// The call fails with that status and exactly that message.
#define SAYS(status, text, call) (FAILS(status, call), check_text(text, alula_last_error(), __FILE__, __LINE__))

static void check_status(alula_status wanted, alula_status got, const char *file, int line, const char *call) {
  if (got == wanted && (got == ALULA_OK || alula_last_error()[0] != 0)) return;
  printf("%s:%d: %s: %s instead of %s (%s)\n", file, line, call, alula_status_name(got),
         alula_status_name(wanted), got == ALULA_OK ? "no error" : alula_last_error());
  exit(1);
}

static inline void check_text(const char *wanted, const char *got, const char *file, int line) {
  if (strcmp(wanted, got) == 0) return;
  printf("%s:%d: says\n  %s\ninstead of\n  %s\n", file, line, got, wanted);
  exit(1);
}

// A float32 tensor of up to four axes; extents end with the first 0.
static inline alula_tensor *tensor4(const float *values, int64_t a, int64_t b, int64_t c, int64_t d) {
  const int64_t shape[4] = {a, b, c, d};
  size_t rank = 0;
  alula_tensor *out;
  while (rank < 4 && shape[rank] > 0) rank++;
  OK(alula_tensor_from_data(&out, values, shape, rank, ALULA_FLOAT32, ALULA_CPU));
  return out;
}

static inline alula_tensor *vector(const float *values, int64_t count) {
  return tensor4(values, count, 0, 0, 0);
}

// The i-th element, in row-major order, as float32.
static inline float element(alula_tensor *tensor, int64_t i) {
  alula_tensor *converted;
  int64_t count;
  float *values, result;
  OK(alula_tensor_count(&count, tensor));
  CHECK(i >= 0 && i < count);
  OK(alula_cast(&converted, tensor, ALULA_FLOAT32));
  values = malloc((size_t)count * sizeof *values);
  OK(alula_tensor_copy_out(values, (size_t)count * sizeof *values, converted));
  result = values[i];
  free(values);
  OK(alula_tensor_release(converted));
  return result;
}

// The i-th element of a leaf's gradient.
static inline float grad_element(alula_tensor *leaf, int64_t i) {
  alula_tensor *gradient;
  float result;
  OK(alula_tensor_grad(&gradient, leaf));
  CHECK(gradient != NULL);
  result = element(gradient, i);
  OK(alula_tensor_release(gradient));
  return result;
}

#endif
