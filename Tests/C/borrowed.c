// Memory that belongs to the caller: used in place, given back once.
#include "check.h"

static int deleted;
static void deleter(void *context) { deleted += *(int *)context; }

int main(void) {
  float values[] = {1, 2, 3, 4, 5, 6};
  int one = 1;
  const int64_t shape[] = {2, 3}, reversed[] = {-3, -1}, three[] = {3}, none[] = {0, 3}, huge[] = {3, 1};
  const int64_t far[] = {INT64_MAX / 2, INT64_MAX / 2}, axes[] = {1, 0};
  alula_tensor *x, *view, *sum;

  OK(alula_tensor_borrow(&x, values, shape, NULL, 2, ALULA_FLOAT32, deleter, &one));
  values[5] = 60;
  CHECK(element(x, 5) == 60);
  // A view keeps the memory in use.
  OK(alula_permute_dims(&view, x, axes, 2));
  OK(alula_tensor_release(x));
  CHECK(deleted == 0);
  OK(alula_tensor_release(view));
  CHECK(deleted == 1);

  // Negative strides count from the last element.
  OK(alula_tensor_borrow(&x, values + 5, shape, reversed, 2, ALULA_FLOAT32, deleter, &one));
  CHECK(element(x, 0) == 60 && element(x, 5) == 1);
  OK(alula_add(&sum, x, x));
  CHECK(element(sum, 5) == 2);
  OK(alula_tensor_release(x));
  OK(alula_tensor_release(sum));
  CHECK(deleted == 2);

  // No elements need no memory.
  OK(alula_tensor_borrow(&x, NULL, none, NULL, 2, ALULA_FLOAT32, deleter, &one));
  OK(alula_tensor_release(x));
  CHECK(deleted == 3);

  // A deleter is not called by a function that fails.
  FAILS(ALULA_INVALID_ARGUMENT, alula_tensor_borrow(&x, NULL, three, NULL, 1, ALULA_FLOAT32, deleter, &one));
  FAILS(ALULA_INVALID_ARGUMENT, alula_tensor_borrow(&x, values, huge, far, 2, ALULA_FLOAT32, deleter, &one));
  FAILS(ALULA_INVALID_ARGUMENT,
        alula_tensor_borrow(&x, (char *)values + 1, three, NULL, 1, ALULA_FLOAT32, deleter, &one));
  FAILS(ALULA_INVALID_ARGUMENT,
        alula_tensor_borrow(NULL, values, three, NULL, 1, ALULA_FLOAT32, deleter, &one));
  CHECK(deleted == 3 && x == NULL);

  OK(alula_tensor_borrow(&x, values, three, NULL, 1, ALULA_FLOAT32, NULL, NULL));
  OK(alula_tensor_release(x));
  CHECK(alula_live_handles() == 0);
  return 0;
}
