// Hooks see gradients, replace them, fail, and are freed once.
#include "check.h"

static int calls, deleted;
static void deleter(void *context) { deleted += context == &calls; }

static alula_status look(alula_tensor **replacement, alula_tensor *gradient, void *context) {
  CHECK(context == &calls && *replacement == NULL);
  CHECK(element(gradient, 0) == 6);
  calls++;
  return ALULA_OK;
}

static alula_status twice(alula_tensor **replacement, alula_tensor *gradient, void *context) {
  (void)context;
  return alula_add(replacement, gradient, gradient);
}

static alula_status refuse(alula_tensor **replacement, alula_tensor *gradient, void *context) {
  (void)context;
  OK(alula_add(replacement, gradient, gradient));
  return alula_set_last_error(ALULA_INVALID_ARGUMENT, "not today");
}

static alula_status wrong_shape(alula_tensor **replacement, alula_tensor *gradient, void *context) {
  const float values[] = {1, 2};
  (void)gradient, (void)context;
  *replacement = vector(values, 2);
  return ALULA_OK;
}

static alula_status garbage(alula_tensor **replacement, alula_tensor *gradient, void *context) {
  (void)gradient;
  *replacement = context;
  return ALULA_OK;
}

static alula_tensor *square(alula_tensor *x) {
  alula_tensor *y;
  OK(alula_multiply(&y, x, x));
  return y;
}

int main(void) {
  const float three = 3;
  uint64_t id, second;
  alula_tensor *x = vector(&three, 1), *y, *z;
  FAILS(ALULA_AUTOGRAD_ERROR, alula_tensor_register_hook(&id, x, look, &calls, deleter));
  FAILS(ALULA_INVALID_ARGUMENT, alula_tensor_register_hook(&id, x, NULL, &calls, deleter));
  CHECK(deleted == 0 && id == 0);
  OK(alula_tensor_set_requires_grad(x, true));

  // On a leaf, in order of registration.
  OK(alula_tensor_register_hook(&id, x, look, &calls, deleter));
  OK(alula_tensor_register_hook(&second, x, twice, &calls, deleter));
  y = square(x);
  OK(alula_backward(&y, NULL, 1, true, false));
  CHECK(calls == 1 && grad_element(x, 0) == 12);
  OK(alula_tensor_remove_hook(x, second));
  FAILS(ALULA_OUT_OF_RANGE, alula_tensor_remove_hook(x, second));
  CHECK(deleted == 1);
  OK(alula_backward(&y, NULL, 1, true, false));
  CHECK(calls == 2 && grad_element(x, 0) == 18);

  // A failing hook fails the pass, with its words.
  OK(alula_tensor_register_hook(&second, x, refuse, &calls, deleter));
  SAYS(ALULA_CALLBACK_FAILED, "hook: the callback failed: not today", alula_backward(&y, NULL, 1, true, false));
  OK(alula_tensor_remove_hook(x, second));
  OK(alula_tensor_register_hook(&second, x, wrong_shape, NULL, NULL));
  FAILS(ALULA_CALLBACK_FAILED, alula_backward(&y, NULL, 1, true, false));
  OK(alula_tensor_remove_hook(x, second));
  OK(alula_tensor_register_hook(&second, x, garbage, &calls, NULL));
  FAILS(ALULA_CALLBACK_FAILED, alula_backward(&y, NULL, 1, true, false));
  OK(alula_tensor_remove_hook(x, second));
  CHECK(deleted == 2);
  OK(alula_tensor_release(y));

  // On a result: its replacement goes on.
  OK(alula_tensor_set_grad(x, NULL));
  OK(alula_tensor_remove_hook(x, id));
  CHECK(deleted == 3);
  y = square(x);
  OK(alula_tensor_register_hook(NULL, y, twice, &calls, deleter));
  OK(alula_add(&z, y, y));
  OK(alula_backward(&z, NULL, 1, false, false));
  CHECK(grad_element(x, 0) == 24);
  OK(alula_tensor_release(z));
  CHECK(deleted == 3);
  OK(alula_tensor_release(y));
  CHECK(deleted == 4);
  OK(alula_tensor_release(x));
  CHECK(alula_live_handles() == 0);
  return 0;
}
