// Operations whose backward is a callback: first and second order, failures, lifetimes.
#include "check.h"

static int deleted;
static void deleter(void *context) { deleted += context == &deleted; }

// The cube: saved are the input and the result; dx = 3 y / x * g, on purpose with both.
static alula_status cube_backward(alula_tensor **input_grads, size_t input_count,
                                  alula_tensor *const *output_grads, size_t output_count,
                                  alula_tensor *const *saved, size_t saved_count, void *context) {
  alula_tensor *square, *scaled;
  CHECK(input_count == 1 && output_count == 1 && saved_count == 2 && context == &deleted);
  // y / x, without a division: x * x, and y only looked at.
  CHECK(element(saved[1], 0) == element(saved[0], 0) * element(saved[0], 0) * element(saved[0], 0));
  OK(alula_multiply(&square, saved[0], saved[0]));
  OK(alula_add(&scaled, square, square));
  OK(alula_add_(scaled, square));
  OK(alula_multiply(&input_grads[0], scaled, output_grads[0]));
  OK(alula_tensor_release(square));
  OK(alula_tensor_release(scaled));
  return ALULA_OK;
}

static alula_tensor *cube(alula_tensor *x) {
  alula_tensor *square, *y, *saved[2], *out;
  alula_no_grad_begin();
  OK(alula_multiply(&square, x, x));
  OK(alula_multiply(&y, square, x));
  OK(alula_no_grad_end());
  saved[0] = x;
  saved[1] = y;
  OK(alula_custom_op(&out, "cube", &y, 1, &x, 1, saved, 2, cube_backward, &deleted, deleter));
  OK(alula_tensor_release(square));
  OK(alula_tensor_release(y));
  return out;
}

// The identity, whose saved result carries its history: y' = y would be wrong at second order without it.
static alula_status exp_like_backward(alula_tensor **input_grads, size_t input_count,
                                      alula_tensor *const *output_grads, size_t output_count,
                                      alula_tensor *const *saved, size_t saved_count, void *context) {
  (void)input_count, (void)output_count, (void)saved_count, (void)context;
  return alula_multiply(&input_grads[0], output_grads[0], saved[0]);
}

static alula_status failing(alula_tensor **input_grads, size_t input_count, alula_tensor *const *output_grads,
                            size_t output_count, alula_tensor *const *saved, size_t saved_count,
                            void *context) {
  const float two[] = {1, 2};
  (void)input_count, (void)output_count, (void)saved, (void)saved_count, (void)output_grads;
  input_grads[0] = vector(two, 2);
  return context != NULL ? alula_set_last_error(ALULA_INVALID_ARGUMENT, "out of order") : ALULA_OK;
}

static void first_and_second_order(void) {
  const float two = 2;
  alula_tensor *x = vector(&two, 1), *y, *first, *second;
  const char *name;
  OK(alula_tensor_set_requires_grad(x, true));
  y = cube(x);
  CHECK(element(y, 0) == 8);
  OK(alula_tensor_grad_fn(&name, y));
  CHECK(strcmp(name, "cube") == 0);
  OK(alula_grad(&first, &y, NULL, 1, &x, 1, true, true));
  CHECK(element(first, 0) == 12);
  OK(alula_grad(&second, &first, NULL, 1, &x, 1, false, false));
  CHECK(element(second, 0) == 12);
  OK(alula_tensor_release(first));
  OK(alula_tensor_release(second));
  CHECK(deleted == 0);
  // The pass that does not retain the graph gives the context back.
  OK(alula_backward(&y, NULL, 1, false, false));
  CHECK(deleted == 1 && grad_element(x, 0) == 12);
  FAILS(ALULA_AUTOGRAD_ERROR, alula_backward(&y, NULL, 1, false, false));
  OK(alula_tensor_release(y));
  OK(alula_tensor_release(x));
  CHECK(deleted == 1);
}

// With f' = f, as the exponential: the second gradient needs the saved result's history.
static void saved_results_have_history(void) {
  const float one = 1;
  alula_tensor *x = vector(&one, 1), *value = vector(&one, 1), *y, *first, *second;
  OK(alula_tensor_set_requires_grad(x, true));
  OK(alula_custom_op(&y, "exp", &value, 1, &x, 1, &value, 1, exp_like_backward, NULL, NULL));
  OK(alula_grad(&first, &y, NULL, 1, &x, 1, true, true));
  OK(alula_grad(&second, &first, NULL, 1, &x, 1, false, false));
  CHECK(element(first, 0) == 1 && element(second, 0) == 1);
  OK(alula_tensor_release(first));
  OK(alula_tensor_release(second));
  OK(alula_tensor_release(y));
  OK(alula_tensor_release(value));
  OK(alula_tensor_release(x));
}

static void overwritten_values_are_noticed(void) {
  const float two = 2;
  alula_tensor *x = vector(&two, 1), *y;
  OK(alula_tensor_set_requires_grad(x, true));
  y = cube(x);
  alula_no_grad_begin();
  OK(alula_add_(x, x));
  OK(alula_no_grad_end());
  FAILS(ALULA_AUTOGRAD_ERROR, alula_backward(&y, NULL, 1, false, false));
  CHECK(strstr(alula_last_error(), "'cube'") != NULL);
  OK(alula_tensor_release(y));
  OK(alula_tensor_release(x));
  CHECK(deleted == 2);
}

static void failures(void) {
  const float two = 2;
  alula_tensor *x = vector(&two, 1), *y, *out;
  OK(alula_tensor_set_requires_grad(x, true));
  alula_no_grad_begin();
  OK(alula_multiply(&y, x, x));
  OK(alula_no_grad_end());
  OK(alula_custom_op(&out, "mine", &y, 1, &x, 1, NULL, 0, failing, &deleted, NULL));
  SAYS(ALULA_CALLBACK_FAILED, "mine: the callback failed: out of order",
       alula_backward(&out, NULL, 1, true, false));
  OK(alula_tensor_release(out));
  OK(alula_custom_op(&out, "mine", &y, 1, &x, 1, NULL, 0, failing, NULL, NULL));
  SAYS(ALULA_CALLBACK_FAILED, "mine: gradient of shape (2,) for input 0 of shape (1,)",
       alula_backward(&out, NULL, 1, true, false));
  OK(alula_tensor_release(out));
  FAILS(ALULA_INVALID_ARGUMENT, alula_custom_op(&out, "mine", &y, 1, &x, 1, NULL, 0, NULL, &deleted, deleter));
  FAILS(ALULA_INVALID_ARGUMENT, alula_custom_op(&out, NULL, &y, 1, &x, 1, NULL, 0, failing, &deleted, deleter));
  FAILS(ALULA_INVALID_ARGUMENT,
        alula_custom_op(&out, "mine", NULL, 0, &x, 1, NULL, 0, failing, &deleted, deleter));
  CHECK(deleted == 2);

  // Nothing recorded: the context comes back at once.
  alula_no_grad_begin();
  OK(alula_custom_op(&out, "mine", &y, 1, &x, 1, NULL, 0, failing, &deleted, deleter));
  OK(alula_no_grad_end());
  CHECK(deleted == 3);
  OK(alula_tensor_release(out));
  OK(alula_tensor_release(y));
  OK(alula_tensor_release(x));
}

int main(void) {
  first_and_second_order();
  saved_results_have_history();
  overwritten_values_are_noticed();
  failures();
  CHECK(alula_live_handles() == 0);
  return 0;
}
