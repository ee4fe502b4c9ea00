// Gradients through the tape: accumulation, retained and created graphs, overwritten values, long chains.
#include "check.h"

static alula_tensor *leaf(float value) {
  alula_tensor *x = vector(&value, 1);
  OK(alula_tensor_set_requires_grad(x, true));
  return x;
}

static void accumulates(void) {
  alula_tensor *x = leaf(3), *y, *grad;
  const char *name;
  bool flag;
  OK(alula_tensor_grad(&grad, x));
  CHECK(grad == NULL);
  OK(alula_multiply(&y, x, x));
  OK(alula_tensor_grad_fn(&name, y));
  CHECK(strcmp(name, "multiply") == 0);
  OK(alula_tensor_is_leaf(&flag, y));
  CHECK(!flag);
  OK(alula_backward(&y, NULL, 1, true, false));
  CHECK(grad_element(x, 0) == 6);
  OK(alula_backward(&y, NULL, 1, false, false));
  CHECK(grad_element(x, 0) == 12);
  FAILS(ALULA_AUTOGRAD_ERROR, alula_backward(&y, NULL, 1, false, false));
  OK(alula_tensor_set_grad(x, NULL));
  OK(alula_tensor_grad(&grad, x));
  CHECK(grad == NULL);
  OK(alula_tensor_release(x));
  OK(alula_tensor_release(y));
}

static void differentiates_twice(void) {
  alula_tensor *x = leaf(2), *square, *cube, *first, *second, *third;
  OK(alula_multiply(&square, x, x));
  OK(alula_multiply(&cube, square, x));
  OK(alula_grad(&first, &cube, NULL, 1, &x, 1, true, true));
  CHECK(element(first, 0) == 12);
  OK(alula_grad(&second, &first, NULL, 1, &x, 1, true, true));
  CHECK(element(second, 0) == 12);
  OK(alula_grad(&third, &second, NULL, 1, &x, 1, false, false));
  CHECK(element(third, 0) == 6);
  OK(alula_tensor_release(x));
  OK(alula_tensor_release(square));
  OK(alula_tensor_release(cube));
  OK(alula_tensor_release(first));
  OK(alula_tensor_release(second));
  OK(alula_tensor_release(third));
}

static void uses_seeds(void) {
  const float seed_values[] = {10, 100};
  alula_tensor *x = vector((const float[]){1, 2}, 2), *y, *seed = vector(seed_values, 2),
               *wrong = vector(seed_values, 1);
  OK(alula_tensor_set_requires_grad(x, true));
  OK(alula_multiply(&y, x, x));
  FAILS(ALULA_INVALID_ARGUMENT, alula_backward(&y, NULL, 1, false, false));
  FAILS(ALULA_INVALID_ARGUMENT, alula_backward(&y, &wrong, 1, false, false));
  OK(alula_backward(&y, &seed, 1, false, false));
  CHECK(grad_element(x, 0) == 20 && grad_element(x, 1) == 400);
  OK(alula_tensor_release(x));
  OK(alula_tensor_release(y));
  OK(alula_tensor_release(seed));
  OK(alula_tensor_release(wrong));
}

static void notices_overwritten_values(void) {
  alula_tensor *x = leaf(2), *y, *z, *one = vector((const float[]){1}, 1);
  void *data;
  OK(alula_multiply(&y, x, x));
  OK(alula_multiply(&z, y, y));
  alula_set_grad_enabled(false);
  OK(alula_add_(y, one));
  alula_set_grad_enabled(true);
  FAILS(ALULA_AUTOGRAD_ERROR, alula_backward(&z, NULL, 1, false, false));
  CHECK(strstr(alula_last_error(), "'multiply'") != NULL);
  OK(alula_tensor_release(z));

  // Through a pointer, when told.
  OK(alula_multiply(&z, y, y));
  OK(alula_tensor_data(&data, y));
  ((float *)data)[0] = 7;
  OK(alula_tensor_mark_written(y));
  FAILS(ALULA_AUTOGRAD_ERROR, alula_backward(&z, NULL, 1, false, false));

  // A recorded write into a leaf would lose its gradient.
  FAILS(ALULA_AUTOGRAD_ERROR, alula_add_(x, one));
  OK(alula_tensor_release(x));
  OK(alula_tensor_release(y));
  OK(alula_tensor_release(z));
  OK(alula_tensor_release(one));
}

static void records_when_asked(void) {
  alula_tensor *x = leaf(2), *y, *d;
  bool required;
  CHECK(alula_grad_enabled());
  alula_no_grad_begin();
  alula_no_grad_begin();
  OK(alula_no_grad_end());
  CHECK(!alula_grad_enabled());
  OK(alula_multiply(&y, x, x));
  OK(alula_no_grad_end());
  CHECK(alula_grad_enabled());
  FAILS(ALULA_INVALID_ARGUMENT, alula_no_grad_end());
  OK(alula_tensor_requires_grad(&required, y));
  CHECK(!required);
  FAILS(ALULA_AUTOGRAD_ERROR, alula_backward(&y, NULL, 1, false, false));
  OK(alula_tensor_release(y));

  OK(alula_multiply(&y, x, x));
  OK(alula_tensor_detach(&d, y));
  OK(alula_tensor_requires_grad(&required, d));
  CHECK(!required);
  OK(alula_tensor_release(d));
  OK(alula_tensor_release(y));
  OK(alula_tensor_release(x));
}

// Neither the pass nor the end of a chain of a million nodes may use the stack.
static void long_chain(void) {
  alula_tensor *x = leaf(1), *one = vector((const float[]){1}, 1), *y, *next;
  int i;
  OK(alula_add(&y, x, one));
  for (i = 1; i < 1000000; i++) {
    OK(alula_add(&next, y, one));
    OK(alula_tensor_release(y));
    y = next;
  }
  CHECK(element(y, 0) == 1000001);
  OK(alula_backward(&y, NULL, 1, true, false));
  CHECK(grad_element(x, 0) == 1);
  OK(alula_tensor_release(y));
  OK(alula_tensor_release(x));
  OK(alula_tensor_release(one));
}

int main(int argc, char **argv) {
  accumulates();
  differentiates_twice();
  uses_seeds();
  notices_overwritten_values();
  records_when_asked();
  // Under valgrind a million nodes take minutes.
  if (argc < 2 || strcmp(argv[1], "--quick") != 0) long_chain();
  CHECK(alula_live_handles() == 0);
  return 0;
}
