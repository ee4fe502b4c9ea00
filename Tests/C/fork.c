// A process that forks while its threads compute: parent and children go on.
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int done;

static int is_done(void) {
  int result;
  pthread_mutex_lock(&lock);
  result = done;
  pthread_mutex_unlock(&lock);
  return result;
}

static void compute(int rounds) {
  const int64_t shape[] = {400, 400};
  int i;
  for (i = 0; i < rounds; i++) {
    alula_tensor *x, *y, *seed, *wrong;
    OK(alula_full(&x, shape, 2, alula_float(1), ALULA_FLOAT32, ALULA_CPU));
    OK(alula_tensor_set_requires_grad(x, true));
    OK(alula_full(&seed, shape, 2, alula_float(3), ALULA_FLOAT32, ALULA_CPU));
    OK(alula_multiply(&y, x, x));
    OK(alula_backward(&y, &seed, 1, false, false));
    CHECK(element(y, 159999) == 1 && grad_element(x, 159999) == 6);
    FAILS(ALULA_INVALID_ARGUMENT, alula_reshape(&wrong, y, shape, 1));
    OK(alula_tensor_release(seed));
    OK(alula_tensor_release(x));
    OK(alula_tensor_release(y));
  }
}

static void *loop(void *argument) {
  (void)argument;
  while (!is_done()) compute(1);
  return NULL;
}

int main(int argc, char **argv) {
  const int children = argc > 1 && strcmp(argv[1], "--quick") == 0 ? 3 : 40;
  pthread_t threads[3];
  int i, status;
  OK(alula_set_num_threads(3));
  compute(1);
  for (i = 0; i < 3; i++) CHECK(pthread_create(&threads[i], NULL, loop, NULL) == 0);
  for (i = 0; i < children; i++) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      // A child that hangs is ended, and seen, by the alarm.
      alarm(60);
      compute(3);
      _exit(0);
    }
    compute(1);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  pthread_mutex_lock(&lock);
  done = 1;
  pthread_mutex_unlock(&lock);
  for (i = 0; i < 3; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  return 0;
}
