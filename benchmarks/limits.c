/* What the machine can do: limits THREADS reads what to measure, a line each, and answers each with a line: the
   peak of fused multiply-adds of float32 or float64 in GFLOP/s, or the bandwidth of c = a + b on arrays beyond
   the caches in GB/s. Build with -O3 -march=native -pthread. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_THREADS = 64, ELEMENTS = 1 << 24, STEPS = 4000000 };

typedef struct {
  double (*work)(int part);
  int part;
  double amount;
} job;

static int threads = 1;
static float *a, *b, *c;
static volatile float sink;

#ifdef __AVX512F__
enum { VECTOR_BYTES = 64 };
#else
enum { VECTOR_BYTES = 32 };
#endif
typedef float floats __attribute__((vector_size(VECTOR_BYTES)));
typedef double doubles __attribute__((vector_size(VECTOR_BYTES)));

/* Twelve independent chains hide the latency of two units. */
#define FMA_LOOP(vector)                                               \
  vector x = (vector){0} + 1.0000001f, y = (vector){0} + 1e-9f, s[12]; \
  for (int i = 0; i < 12; i++) s[i] = (vector){0} + i * 0.1f;          \
  for (int n = 0; n < STEPS; n++)                                      \
    for (int i = 0; i < 12; i++) s[i] = s[i] * x + y;                  \
  for (int i = 1; i < 12; i++) s[0] += s[i];                           \
  sink = (float)s[0][0];                                               \
  return 2.0 * 12 * STEPS * (double)(sizeof(vector) / sizeof(x[0]));

static double fma32(int part) {
  (void)part;
  FMA_LOOP(floats)
}

static double fma64(int part) {
  (void)part;
  FMA_LOOP(doubles)
}

static double stream(int part) {
  long lanes = VECTOR_BYTES / 4, count = ELEMENTS / lanes;
  long start = count / threads * part, end = count / threads * (part + 1);
  const floats *x = (const floats *)a, *y = (const floats *)b;
  floats *z = (floats *)c;
  for (long i = start; i < end; i++) z[i] = x[i] + y[i];
  return 12.0 * (double)((end - start) * lanes);
}

static void *run_job(void *argument) {
  job *j = argument;
  j->amount = j->work(j->part);
  return NULL;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* In units of 1e9 per second. */
static double rate(double (*work)(int)) {
  pthread_t ids[MAX_THREADS];
  job jobs[MAX_THREADS];
  double start = now(), amount = 0;
  for (int i = 0; i < threads; i++) {
    jobs[i] = (job){work, i, 0};
    pthread_create(&ids[i], NULL, run_job, &jobs[i]);
  }
  for (int i = 0; i < threads; i++) {
    pthread_join(ids[i], NULL);
    amount += jobs[i].amount;
  }
  return amount / (now() - start) / 1e9;
}

int main(int argc, char **argv) {
  threads = argc > 1 ? atoi(argv[1]) : 1;
  if (threads < 1 || threads > MAX_THREADS) return 1;
  a = aligned_alloc(64, 4l * ELEMENTS), b = aligned_alloc(64, 4l * ELEMENTS),
  c = aligned_alloc(64, 4l * ELEMENTS);
  if (a == NULL || b == NULL || c == NULL) return 1;
  for (long i = 0; i < ELEMENTS; i++) a[i] = b[i] = c[i] = 1;
  char line[32];
  while (fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\n")] = 0;
    double (*work)(int) = strcmp(line, "float32") == 0     ? fma32
                          : strcmp(line, "float64") == 0   ? fma64
                          : strcmp(line, "bandwidth") == 0 ? stream
                                                           : NULL;
    if (work == NULL) return 1;
    printf("%.2f\n", rate(work));
    fflush(stdout);
  }
  return 0;
}
