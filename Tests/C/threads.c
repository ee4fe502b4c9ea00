// Many threads at once: creating, computing, sharing, releasing, differentiating, failing.
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>

#include "check.h"

enum { thread_count = 8 };
static int rounds = 2000;
static alula_tensor *shared;

static void *work(void *argument) {
  const float own = (float)(intptr_t)argument;
  const int64_t shape[] = {50, 40};
  int i;
  for (i = 0; i < rounds; i++) {
    alula_tensor *x = vector(&own, 1), *y, *z, *big, *sum;
    char message[64];
    OK(alula_tensor_retain(shared));
    OK(alula_tensor_set_requires_grad(x, true));
    OK(alula_multiply(&y, x, x));
    OK(alula_add(&z, y, shared));
    OK(alula_backward(&z, NULL, 1, false, false));
    CHECK(element(z, 0) == own * own + 1 && grad_element(x, 0) == 2 * own);
    OK(alula_full(&big, shape, 2, alula_float(own), ALULA_FLOAT32, ALULA_CPU));
    OK(alula_add(&sum, big, big));
    CHECK(element(sum, 1999) == 2 * own);
    // Errors belong to their thread.
    snprintf(message, sizeof message, "thread %d", (int)own);
    alula_set_last_error(ALULA_INTERNAL_ERROR, message);
    CHECK(strcmp(alula_last_error(), message) == 0);
    // Gradient mode, too.
    alula_set_grad_enabled(i % 2 == 0);
    OK(alula_tensor_release(y));
    OK(alula_multiply(&y, x, x));
    OK(alula_tensor_release(y));
    CHECK(alula_grad_enabled() == (i % 2 == 0));
    alula_set_grad_enabled(true);
    OK(alula_tensor_release(x));
    OK(alula_tensor_release(z));
    OK(alula_tensor_release(big));
    OK(alula_tensor_release(sum));
    OK(alula_tensor_release(shared));
  }
  return NULL;
}

// Handles made by one thread and released by others, of which only one can be the last.
static alula_tensor *contested[512];
static int released[thread_count];

static void *fight(void *argument) {
  const int me = (int)(intptr_t)argument;
  int i;
  for (i = 0; i < 512; i++) released[me] += alula_tensor_release(contested[i]) == ALULA_OK;
  return NULL;
}

// Threads compute with a tensor until one of them releases it under the others.
static void *lose(void *argument) {
  const int me = (int)(intptr_t)argument;
  int i;
  for (i = 0; i < 64; i++) {
    int k;
    for (k = 0;; k++) {
      alula_tensor *out;
      const alula_status status = k % 2 == 0 ? alula_add(&out, contested[i], contested[i])
                                             : alula_sum(&out, contested[i], NULL, 0, false, ALULA_DTYPE_NONE);
      if (status != ALULA_OK) {
        CHECK(status == ALULA_INVALID_HANDLE && out == NULL);
        break;
      }
      CHECK(element(out, 0) == (k % 2 == 0 ? 2 : 1));
      OK(alula_tensor_release(out));
      if (k == 3 && i % thread_count == me) OK(alula_tensor_release(contested[i]));
    }
  }
  return NULL;
}

// Calls on large tensors wait for one another, whoever made them and whoever needs them first.
static alula_tensor *large, *waiting;

static void *chain(void *argument) {
  const int me = (int)(intptr_t)argument;
  int i;
  for (i = 0; i < 8; i++) {
    alula_tensor *square, *sum, *total;
    OK(alula_multiply(&square, large, large));
    OK(alula_add(&sum, square, large));
    if (i % 2 == 0) OK(alula_tensor_release(square));
    if (me % 2 == 0) CHECK(element(waiting, 100 * me) == 4);
    OK(alula_add(&total, sum, waiting));
    CHECK(element(total, 130000 + me) == 10);
    if (i % 2 == 1) {
      CHECK(element(square, 7) == 4);
      OK(alula_tensor_release(square));
    }
    OK(alula_tensor_release(sum));
    OK(alula_tensor_release(total));
  }
  return NULL;
}

static void run(void *(*body)(void *)) {
  pthread_t threads[thread_count];
  intptr_t i;
  for (i = 0; i < thread_count; i++) CHECK(pthread_create(&threads[i], NULL, body, (void *)i) == 0);
  for (i = 0; i < thread_count; i++) CHECK(pthread_join(threads[i], NULL) == 0);
}

// What the library prepares at a first call is guarded in a way that ThreadSanitizer does not see.
static void prepare(void) {
  const int64_t count = 1;
  alula_tensor *one, *sum, *total;
  OK(alula_full(&one, &count, 1, alula_float(1), ALULA_FLOAT32, ALULA_CPU));
  OK(alula_add(&sum, one, one));
  OK(alula_sum(&total, sum, NULL, 0, false, ALULA_DTYPE_NONE));
  CHECK(element(total, 0) == 2);
  OK(alula_tensor_release(one));
  OK(alula_tensor_release(sum));
  OK(alula_tensor_release(total));
}

int main(int argc, char **argv) {
  const float one = 1;
  const int64_t count = 140000;
  int i, total = 0;
  if (argc > 1 && strcmp(argv[1], "--quick") == 0) rounds = 50;
  prepare();
  shared = vector(&one, 1);
  OK(alula_set_num_threads(4));
  run(work);
  OK(alula_tensor_release(shared));

  for (i = 0; i < 512; i++) contested[i] = vector(&one, 1);
  run(fight);
  for (i = 0; i < thread_count; i++) total += released[i];
  CHECK(total == 512);

  for (i = 0; i < 64; i++) contested[i] = vector(&one, 1);
  run(lose);

  OK(alula_full(&large, &count, 1, alula_float(2), ALULA_FLOAT32, ALULA_CPU));
  OK(alula_multiply(&waiting, large, large));
  run(chain);
  OK(alula_tensor_release(large));
  CHECK(element(waiting, 5) == 4);
  OK(alula_tensor_release(waiting));
  CHECK(alula_live_handles() == 0);
  return 0;
}
