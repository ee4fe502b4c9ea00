// Statuses and messages, word for word: they name the function, what was given, and what would be right.
#include "check.h"

int main(void) {
  const float values[] = {1, 2, 3, 4, 5, 6};
  const int64_t seven[] = {7}, negative[] = {2, -1, -1}, three[] = {3}, huge[] = {INT64_MAX, 2},
                bad_axes[] = {0, 5};
  const int64_t four[] = {4}, same_axes[] = {0, 0};
  alula_tensor *a = tensor4(values, 2, 3, 0, 0), *b = vector(values, 2), *out, *scalar;
  int64_t shape[2];
  size_t rank;
  alula_scalar item;
  OK(alula_tensor_scalar(&scalar, alula_float(1), ALULA_FLOAT32, false));

  SAYS(ALULA_INVALID_ARGUMENT, "add: shapes (2, 3) and (2,) do not broadcast", alula_add(&out, a, b));
  SAYS(ALULA_INVALID_ARGUMENT, "matmul: inner dimensions differ: (2, 3) @ (2,)", alula_matmul(&out, a, b));
  SAYS(ALULA_INVALID_HANDLE, "add: a tensor is NULL", alula_add(&out, a, NULL));
  SAYS(ALULA_INVALID_HANDLE, "add: not the handle of a living tensor: already released, or never one",
       alula_add(&out, (alula_tensor *)&item, a));
  SAYS(ALULA_INVALID_ARGUMENT, "reshape: shape (2, 3) has 6 elements, (7,) has 7",
       alula_reshape(&out, a, seven, 1));
  FAILS(ALULA_INVALID_ARGUMENT, alula_reshape(&out, a, negative, 3));
  FAILS(ALULA_OUT_OF_RANGE, alula_permute_dims(&out, a, bad_axes, 2));
  FAILS(ALULA_INVALID_ARGUMENT, alula_permute_dims(&out, a, same_axes, 2));
  FAILS(ALULA_INVALID_ARGUMENT, alula_broadcast_to(&out, a, four, 1));
  FAILS(ALULA_INVALID_ARGUMENT, alula_zeros(&out, huge, 2, ALULA_FLOAT32, ALULA_CPU));
  FAILS(ALULA_INVALID_ARGUMENT, alula_zeros(&out, NULL, 2, ALULA_FLOAT32, ALULA_CPU));
  SAYS(ALULA_INVALID_ARGUMENT, "dtype: 99 is no alula_dtype", alula_cast(&out, a, (alula_dtype)99));
  FAILS(ALULA_INVALID_ARGUMENT, alula_zeros(&out, three, 1, ALULA_FLOAT32, (alula_device)7));
  SAYS(ALULA_OUT_OF_RANGE, "sum: axis 3 is out of range for rank 2",
       alula_sum(&out, a, three, 1, false, ALULA_DTYPE_NONE));
  SAYS(ALULA_INVALID_ARGUMENT, "alula_tensor_shape: room for 1 values, but the tensor's rank is 2",
       alula_tensor_shape(shape, 1, a));
  SAYS(ALULA_INVALID_ARGUMENT, "alula_tensor_copy_out: room for 3 bytes, but the tensor has 24",
       alula_tensor_copy_out(shape, 3, a));
  SAYS(ALULA_INVALID_ARGUMENT, "item: a tensor of shape (2, 3) has 6 elements, not 1",
       alula_tensor_item(&item, a));
  SAYS(ALULA_INVALID_ARGUMENT, "alula_tensor_rank: the pointer for the result is NULL",
       alula_tensor_rank(NULL, a));
  SAYS(ALULA_AUTOGRAD_ERROR, "backward: the tensor does not require a gradient and has no graph",
       alula_backward(&scalar, NULL, 1, false, false));
  SAYS(ALULA_INVALID_HANDLE, "alula_optimizer_step: a handle of another type was given as an optimizer",
       alula_optimizer_step((alula_optimizer *)a));

  // By number: the result, or NULL and why.
  {
    int32_t add;
    alula_tensor *sum;
    float values[6];
    OK(alula_operation_number(&add, "add"));
    sum = alula_apply(add, a, a);
    CHECK(sum != NULL);
    OK(alula_tensor_copy_out(values, sizeof values, sum));
    CHECK(values[5] == 12);
    OK(alula_tensor_release(sum));
    CHECK(alula_apply(add, a, NULL) == NULL && alula_last_status() == ALULA_INVALID_HANDLE);
    CHECK(strcmp(alula_last_error(), "add: a tensor is NULL") == 0);
    CHECK(alula_apply(-1, a, a) == NULL && alula_last_status() == ALULA_INVALID_ARGUMENT);
    FAILS(ALULA_INVALID_ARGUMENT, alula_operation_number(&add, "sum"));
    OK(alula_operation_number(&add, "exp"));
    CHECK(alula_apply(add, a, b) == NULL && alula_last_status() == ALULA_INVALID_ARGUMENT);
    FAILS(ALULA_INVALID_HANDLE, alula_optimizer_step((alula_optimizer *)a));
  }

  // A success leaves the message where it is.
  OK(alula_tensor_rank(&rank, a));
  CHECK(strstr(alula_last_error(), "optimizer") != NULL);

  OK(alula_tensor_release(a));
  OK(alula_tensor_release(b));
  OK(alula_tensor_release(scalar));
  CHECK(alula_live_handles() == 0);
  return 0;
}
