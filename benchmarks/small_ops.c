/* What one call costs from C: nanoseconds of operations on four elements, plain and recorded; of a product of
 * 32 × 32 elements; and of a training step of two layers of 16 units, batch 8, with SGD. */
#define _POSIX_C_SOURCE 200809L
#include <alula.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CALLS = 200000, ROUNDS = 9 };

static alula_tensor *a, *b, *leaf, *matrix, *inputs, *targets, *weights[2];
static alula_optimizer *sgd;

static void check(alula_status status) {
  if (status == ALULA_OK) return;
  fprintf(stderr, "%s\n", alula_last_error());
  exit(1);
}

static void add(void) {
  alula_tensor *out;
  check(alula_add(&out, a, b));
  alula_tensor_release(out);
}

static void add_recorded(void) {
  alula_tensor *out;
  check(alula_add(&out, leaf, b));
  alula_tensor_release(out);
}

static void add_in_place(void) { check(alula_add_(a, b)); }

static void sum(void) {
  alula_tensor *out;
  check(alula_sum(&out, a, NULL, 0, false, ALULA_DTYPE_NONE));
  alula_tensor_release(out);
}

static void add_and_backward(void) {
  alula_tensor *out, *total;
  check(alula_add(&out, leaf, b));
  check(alula_sum(&total, out, NULL, 0, false, ALULA_DTYPE_NONE));
  check(alula_backward(&total, NULL, 1, false, false));
  alula_tensor_release(out);
  alula_tensor_release(total);
}

static void matmul(void) {
  alula_tensor *out;
  check(alula_matmul(&out, matrix, matrix));
  alula_tensor_release(out);
}

static void training_step(void) {
  alula_tensor *sums, *hidden, *logits, *loss;
  check(alula_linear(&sums, inputs, weights[0], NULL));
  check(alula_relu(&hidden, sums));
  check(alula_linear(&logits, hidden, weights[1], NULL));
  check(alula_cross_entropy(&loss, logits, targets, NULL, "mean", -100, 0));
  check(alula_backward(&loss, NULL, 1, false, false));
  check(alula_optimizer_step(sgd));
  check(alula_optimizer_zero_grad(sgd));
  alula_tensor *all[] = {sums, hidden, logits, loss};
  for (int i = 0; i < 4; i++) alula_tensor_release(all[i]);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int ascending(const void *x, const void *y) {
  double difference = *(const double *)x - *(const double *)y;
  return (difference > 0) - (difference < 0);
}

/* Nanoseconds per call: the median of some rounds. */
static double time_calls(void (*call)(void), int calls) {
  double rounds[ROUNDS];
  for (int r = 0; r < ROUNDS; r++) {
    double start = now();
    for (int i = 0; i < calls; i++) call();
    rounds[r] = (now() - start) / calls;
  }
  qsort(rounds, ROUNDS, sizeof *rounds, ascending);
  return rounds[ROUNDS / 2];
}

int main(int argc, char **argv) {
  int calls = argc > 1 ? atoi(argv[1]) : CALLS;
  const float values[] = {1, 2, 3, 4};
  const int64_t shape[] = {4};
  check(alula_tensor_from_data(&a, values, shape, 1, ALULA_FLOAT32, ALULA_CPU));
  check(alula_tensor_from_data(&b, values, shape, 1, ALULA_FLOAT32, ALULA_CPU));
  check(alula_tensor_from_data(&leaf, values, shape, 1, ALULA_FLOAT32, ALULA_CPU));
  check(alula_tensor_set_requires_grad(leaf, true));
  float many[1024];
  int64_t classes[8];
  for (int i = 0; i < 1024; i++) many[i] = (float)(i * 7 % 13 - 6) / 24;
  for (int i = 0; i < 8; i++) classes[i] = 2 * i;
  const int64_t square[] = {32, 32}, batch[] = {8, 16}, layer[] = {16, 16}, count[] = {8};
  check(alula_tensor_from_data(&matrix, many, square, 2, ALULA_FLOAT32, ALULA_CPU));
  check(alula_tensor_from_data(&inputs, many, batch, 2, ALULA_FLOAT32, ALULA_CPU));
  check(alula_tensor_from_data(&targets, classes, count, 1, ALULA_INT64, ALULA_CPU));
  for (int i = 0; i < 2; i++) {
    check(alula_tensor_from_data(&weights[i], many + 256 * i, layer, 2, ALULA_FLOAT32, ALULA_CPU));
    check(alula_tensor_set_requires_grad(weights[i], true));
  }
  alula_sgd_options options = ALULA_SGD_OPTIONS_INIT;
  check(alula_sgd_create(&sgd, weights, 2, &options));
  printf("{\"add\": %.1f", time_calls(add, calls));
  printf(", \"add_recorded\": %.1f", time_calls(add_recorded, calls));
  printf(", \"add_in_place\": %.1f", time_calls(add_in_place, calls));
  printf(", \"sum\": %.1f", time_calls(sum, calls));
  printf(", \"add_and_backward\": %.1f", time_calls(add_and_backward, calls));
  printf(", \"matmul_32\": %.1f", time_calls(matmul, calls));
  printf(", \"training_step\": %.1f}\n", time_calls(training_step, calls / 10 + 1));
  alula_optimizer_release(sgd);
  alula_tensor *all[] = {a, b, leaf, matrix, inputs, targets, weights[0], weights[1]};
  for (int i = 0; i < 8; i++) alula_tensor_release(all[i]);
  return 0;
}
