// Two threads write to one tensor: ThreadSanitizer must say so, or it does not look into the library.
#include <pthread.h>

#include "../check.h"

static alula_tensor *x;

static void *work(void *argument) {
  int i;
  for (i = 0; i < 1000; i++) OK(alula_add_(x, x));
  return argument;
}

int main(void) {
  const float zero = 0;
  pthread_t threads[2];
  int i;
  x = vector(&zero, 1);
  for (i = 0; i < 2; i++) CHECK(pthread_create(&threads[i], NULL, work, NULL) == 0);
  for (i = 0; i < 2; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  return 0;
}
