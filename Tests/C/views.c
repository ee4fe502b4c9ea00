// Views share their base's memory, keep it alive, and see its writes.
#include "check.h"

int main(void) {
  const float values[] = {0, 1, 2, 3, 4, 5};
  const int64_t axes[] = {1, 0}, flat[] = {6}, wide[] = {4, 2, 3};
  int64_t shape[3], strides[3];
  alula_tensor *x = tensor4(values, 2, 3, 0, 0), *t, *r, *b, *nine;
  void *base, *seen;

  OK(alula_permute_dims(&t, x, axes, 2));
  OK(alula_reshape(&r, x, flat, 1));
  OK(alula_broadcast_to(&b, x, wide, 3));
  OK(alula_tensor_shape(shape, 2, t));
  OK(alula_tensor_strides(strides, 2, t));
  CHECK(shape[0] == 3 && shape[1] == 2 && strides[0] == 1 && strides[1] == 3);
  OK(alula_tensor_strides(strides, 3, b));
  CHECK(strides[0] == 0 && strides[1] == 3 && strides[2] == 1);
  CHECK(element(t, 1) == 3 && element(r, 4) == 4 && element(b, 6 * 3 + 5) == 5);
  OK(alula_tensor_data(&base, x));
  OK(alula_tensor_data(&seen, t));
  CHECK(base == seen);

  OK(alula_tensor_scalar(&nine, alula_float(9), ALULA_FLOAT32, false));
  OK(alula_tensor_assign_(x, nine));
  CHECK(element(t, 5) == 9 && element(b, 0) == 9);
  OK(alula_tensor_release(nine));

  // The memory outlives the base.
  OK(alula_tensor_release(x));
  CHECK(element(r, 3) == 9);
  OK(alula_tensor_release(r));
  OK(alula_tensor_release(t));
  OK(alula_tensor_release(b));
  CHECK(alula_live_handles() == 0);
  return 0;
}
