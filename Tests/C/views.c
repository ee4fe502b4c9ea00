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

  {
    const int64_t lengths[] = {2, 0, 1}, wrong[] = {2, 2};
    alula_tensor *parts[3];
    int64_t shape[2];
    OK(alula_tensor_split(parts, t, lengths, 3, 0));
    OK(alula_tensor_shape(shape, 2, parts[0]));
    CHECK(shape[0] == 2 && shape[1] == 2);
    OK(alula_tensor_shape(shape, 2, parts[1]));
    CHECK(shape[0] == 0 && shape[1] == 2);
    CHECK(element(parts[2], 1) == element(t, 5));
    for (int i = 0; i < 3; i++) OK(alula_tensor_release(parts[i]));
    FAILS(ALULA_INVALID_ARGUMENT, alula_tensor_split(parts, t, wrong, 2, 0));
    CHECK(parts[0] == NULL && parts[1] == NULL);
    FAILS(ALULA_OUT_OF_RANGE, alula_tensor_split(parts, t, lengths, 3, 2));
    FAILS(ALULA_INVALID_ARGUMENT, alula_tensor_split(NULL, t, lengths, 3, 0));
  }

  // The memory outlives the base.
  OK(alula_tensor_release(x));
  CHECK(element(r, 3) == 9);
  OK(alula_tensor_release(r));
  OK(alula_tensor_release(t));
  OK(alula_tensor_release(b));
  CHECK(alula_live_handles() == 0);
  return 0;
}
