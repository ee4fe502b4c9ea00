// Optimizers fit a line, go on from a checkpoint, and refuse what they cannot use.
#include <math.h>

#include "check.h"

enum { sgd, adam, adamw };

static alula_optimizer *created(int kind, alula_tensor **parameters, size_t count) {
  alula_optimizer *out;
  if (kind == sgd) {
    alula_sgd_options options = ALULA_SGD_OPTIONS_INIT;
    options.learning_rate = 0.1;
    options.momentum = 0.9;
    options.nesterov = true;
    OK(alula_sgd_create(&out, parameters, count, &options));
  } else {
    alula_adam_options options = ALULA_ADAM_OPTIONS_INIT;
    options.learning_rate = 0.1;
    OK(kind == adam ? alula_adam_create(&out, parameters, count, &options)
                    : alula_adamw_create(&out, parameters, count, &options));
  }
  return out;
}

// The mean square error of slope * x + offset, as an operation sequence.
static alula_tensor *loss_of(alula_tensor **parameters, alula_tensor *x, alula_tensor *y) {
  alula_tensor *scaled, *line, *error, *square, *minus, *sum, *mean, *factor;
  OK(alula_multiply(&scaled, parameters[0], x));
  OK(alula_add(&line, scaled, parameters[1]));
  OK(alula_tensor_scalar(&minus, alula_float(-1), ALULA_FLOAT32, false));
  OK(alula_multiply(&error, y, minus));
  OK(alula_add_(error, line));
  OK(alula_multiply(&square, error, error));
  OK(alula_sum(&sum, square, NULL, 0, false, ALULA_DTYPE_NONE));
  OK(alula_tensor_scalar(&factor, alula_float(1.0 / 8), ALULA_FLOAT32, false));
  OK(alula_multiply(&mean, sum, factor));
  OK(alula_tensor_release(scaled));
  OK(alula_tensor_release(line));
  OK(alula_tensor_release(error));
  OK(alula_tensor_release(square));
  OK(alula_tensor_release(minus));
  OK(alula_tensor_release(sum));
  OK(alula_tensor_release(factor));
  return mean;
}

static float steps(alula_optimizer *optimizer, alula_tensor **parameters, alula_tensor *x, alula_tensor *y,
                   int count) {
  float value = 0;
  int i;
  for (i = 0; i < count; i++) {
    alula_tensor *loss = loss_of(parameters, x, y);
    OK(alula_backward(&loss, NULL, 1, false, false));
    OK(alula_optimizer_step(optimizer));
    OK(alula_optimizer_zero_grad(optimizer));
    value = element(loss, 0);
    OK(alula_tensor_release(loss));
  }
  return value;
}

static void fits(int kind) {
  const float xs[] = {-4, -3, -2, -1, 1, 2, 3, 4}, ys[] = {-7, -5, -3, -1, 3, 5, 7, 9};
  const float zero = 0;
  const char *path = "optimizers-state.safetensors";
  alula_tensor *x = vector(xs, 8), *y = vector(ys, 8);
  alula_tensor *p[2], *q[2], *grad;
  alula_optimizer *a, *b;
  alula_tensor_map *state;
  double rate;
  size_t count;
  p[0] = vector(&zero, 1);
  p[1] = vector(&zero, 1);
  OK(alula_tensor_set_requires_grad(p[0], true));
  OK(alula_tensor_set_requires_grad(p[1], true));
  a = created(kind, p, 2);
  OK(alula_optimizer_learning_rate(&rate, a));
  CHECK(rate == 0.1);
  (void)steps(a, p, x, y, 20);
  OK(alula_tensor_grad(&grad, p[0]));
  CHECK(grad == NULL);

  // A copy that starts from the checkpoint takes the same steps.
  OK(alula_copy(&q[0], p[0]));
  OK(alula_copy(&q[1], p[1]));
  OK(alula_tensor_detach(&grad, q[0]));
  OK(alula_tensor_release(q[0]));
  q[0] = grad;
  OK(alula_tensor_detach(&grad, q[1]));
  OK(alula_tensor_release(q[1]));
  q[1] = grad;
  OK(alula_tensor_set_requires_grad(q[0], true));
  OK(alula_tensor_set_requires_grad(q[1], true));
  b = created(kind, q, 2);
  OK(alula_optimizer_state(&state, a));
  OK(alula_tensor_map_count(&count, state));
  CHECK(count == (kind == sgd ? 4 : 6));
  OK(alula_safetensors_save(state, path));
  OK(alula_tensor_map_release(state));
  OK(alula_safetensors_load(&state, path));
  OK(alula_optimizer_load_state(b, state));
  OK(alula_tensor_map_release(state));
  remove(path);
  CHECK(steps(a, p, x, y, 100) == steps(b, q, x, y, 100));
  OK(alula_optimizer_set_learning_rate(a, 0.01));
  CHECK(steps(a, p, x, y, 300) < 0.01f);
  CHECK(fabsf(element(p[0], 0) - 2) < 0.05f && fabsf(element(p[1], 0) - 1) < 0.05f);

  OK(alula_optimizer_release(a));
  FAILS(ALULA_INVALID_HANDLE, alula_optimizer_step(a));
  OK(alula_optimizer_release(b));
  OK(alula_tensor_release(p[0]));
  OK(alula_tensor_release(p[1]));
  OK(alula_tensor_release(q[0]));
  OK(alula_tensor_release(q[1]));
  OK(alula_tensor_release(x));
  OK(alula_tensor_release(y));
}

// Options change between steps, and the momentum stays.
static void changes(void) {
  const float one = 1;
  alula_tensor *x = vector(&one, 1), *grad = vector(&one, 1);
  alula_sgd_options options = ALULA_SGD_OPTIONS_INIT;
  alula_adam_options betas = ALULA_ADAM_OPTIONS_INIT;
  alula_optimizer *descent, *adam;
  OK(alula_tensor_set_requires_grad(x, true));
  OK(alula_tensor_set_grad(x, grad));
  options.learning_rate = 1;
  OK(alula_sgd_create(&descent, &x, 1, &options));
  OK(alula_optimizer_step(descent));
  options.momentum = 0.5;
  OK(alula_sgd_set_options(descent, &options));
  OK(alula_optimizer_step(descent));
  options.learning_rate = 2;
  OK(alula_sgd_set_options(descent, &options));
  OK(alula_optimizer_step(descent));
  CHECK(element(x, 0) == 1 - 1 - 1 - 2 * 1.5f);
  options.momentum = -1;
  FAILS(ALULA_INVALID_ARGUMENT, alula_sgd_set_options(descent, &options));
  FAILS(ALULA_INVALID_ARGUMENT, alula_adam_set_options(descent, &betas));

  OK(alula_adamw_create(&adam, &x, 1, NULL));
  betas.beta1 = 0.5;
  OK(alula_adam_set_options(adam, &betas));
  OK(alula_adam_set_options(adam, NULL));
  betas.beta2 = 1;
  FAILS(ALULA_INVALID_ARGUMENT, alula_adam_set_options(adam, &betas));
  FAILS(ALULA_INVALID_ARGUMENT, alula_sgd_set_options(adam, NULL));
  FAILS(ALULA_INVALID_HANDLE, alula_sgd_set_options(NULL, NULL));
  OK(alula_optimizer_release(descent));
  OK(alula_optimizer_release(adam));
  OK(alula_tensor_release(x));
  OK(alula_tensor_release(grad));
}

static void clips(void) {
  alula_tensor *x = vector((const float[]){0, 0}, 2), *grad = vector((const float[]){3, 4}, 2);
  double norm;
  OK(alula_tensor_set_requires_grad(x, true));
  OK(alula_tensor_set_grad(x, grad));
  OK(alula_clip_grad_norm(&norm, &x, 1, 1, 2));
  CHECK(fabs(norm - 5) < 1e-6 && fabsf(grad_element(x, 0) - 0.6f) < 1e-5f);
  FAILS(ALULA_INVALID_ARGUMENT, alula_clip_grad_norm(&norm, &x, 1, -1, 2));
  OK(alula_tensor_release(x));
  OK(alula_tensor_release(grad));
}

static void refuses(void) {
  const float one = 1;
  const int64_t shape[] = {1};
  alula_tensor *x = vector(&one, 1), *twice[2], *whole;
  alula_optimizer *optimizer;
  alula_sgd_options options = ALULA_SGD_OPTIONS_INIT;
  alula_adam_options betas = ALULA_ADAM_OPTIONS_INIT;
  twice[0] = twice[1] = x;
  FAILS(ALULA_INVALID_ARGUMENT, alula_sgd_create(&optimizer, twice, 2, NULL));
  OK(alula_zeros(&whole, shape, 1, ALULA_INT64, ALULA_CPU));
  FAILS(ALULA_INVALID_DTYPE, alula_sgd_create(&optimizer, &whole, 1, NULL));
  options.learning_rate = NAN;
  FAILS(ALULA_INVALID_ARGUMENT, alula_sgd_create(&optimizer, &x, 1, &options));
  options.learning_rate = 0.1;
  options.nesterov = true;
  FAILS(ALULA_INVALID_ARGUMENT, alula_sgd_create(&optimizer, &x, 1, &options));
  // An older program's structure ends before the field that it does not know.
  options.struct_size = offsetof(alula_sgd_options, nesterov);
  OK(alula_sgd_create(&optimizer, &x, 1, &options));
  FAILS(ALULA_INVALID_ARGUMENT, alula_optimizer_set_learning_rate(optimizer, -1));
  OK(alula_optimizer_release(optimizer));
  betas.beta1 = 1;
  FAILS(ALULA_INVALID_ARGUMENT, alula_adam_create(&optimizer, &x, 1, &betas));
  CHECK(optimizer == NULL);
  FAILS(ALULA_INVALID_HANDLE, alula_optimizer_step((alula_optimizer *)x));
  OK(alula_tensor_release(whole));
  OK(alula_tensor_release(x));
}

int main(void) {
  fits(sgd);
  fits(adam);
  fits(adamw);
  changes();
  clips();
  refuses();
  CHECK(alula_live_handles() == 0);
  return 0;
}
