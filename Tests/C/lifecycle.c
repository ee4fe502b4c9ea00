// Tensors come to life, are shared, and die; handles that are not alive are recognised.
#include "check.h"

static void creates_and_releases(void) {
  const float values[] = {1, 2, 3, 4, 5, 6};
  alula_tensor *x = tensor4(values, 2, 3, 0, 0);
  alula_dtype dtype;
  alula_device device;
  size_t rank;
  int64_t count, shape[2], strides[2];
  void *data;
  OK(alula_tensor_dtype(&dtype, x));
  OK(alula_tensor_device(&device, x));
  OK(alula_tensor_rank(&rank, x));
  OK(alula_tensor_count(&count, x));
  OK(alula_tensor_shape(shape, 2, x));
  OK(alula_tensor_strides(strides, 2, x));
  OK(alula_tensor_data(&data, x));
  CHECK(dtype == ALULA_FLOAT32 && device == ALULA_CPU && rank == 2 && count == 6);
  CHECK(shape[0] == 2 && shape[1] == 3 && strides[0] == 3 && strides[1] == 1);
  CHECK(memcmp(data, values, sizeof values) == 0);
  CHECK((uintptr_t)data % 64 == 0);
  OK(alula_tensor_release(x));
}

static void counts_references(void) {
  const size_t before = alula_live_handles();
  alula_tensor *x = vector((const float[]){1}, 1);
  OK(alula_tensor_retain(x));
  OK(alula_tensor_release(x));
  CHECK(element(x, 0) == 1);
  CHECK(alula_live_handles() == before + 1);
  OK(alula_tensor_release(x));
  CHECK(alula_live_handles() == before);
}

static void recognises_dead_handles(void) {
  alula_tensor *x = vector((const float[]){1}, 1), *y;
  size_t rank;
  int local = 0;
  OK(alula_tensor_release(NULL));
  OK(alula_tensor_release(x));
  FAILS(ALULA_INVALID_HANDLE, alula_tensor_release(x));
  FAILS(ALULA_INVALID_HANDLE, alula_tensor_retain(x));
  FAILS(ALULA_INVALID_HANDLE, alula_tensor_rank(&rank, x));
  // Another tensor in its slot does not bring the old handle back.
  y = vector((const float[]){2}, 1);
  CHECK(y != x);
  FAILS(ALULA_INVALID_HANDLE, alula_tensor_rank(&rank, x));
  FAILS(ALULA_INVALID_HANDLE, alula_tensor_rank(&rank, (alula_tensor *)&local));
  FAILS(ALULA_INVALID_HANDLE, alula_tensor_rank(&rank, (alula_tensor *)UINTPTR_MAX));
  FAILS(ALULA_INVALID_HANDLE, alula_tensor_rank(&rank, NULL));
  CHECK(rank == 0);
  OK(alula_tensor_release(y));
}

static void tells_types_apart(void) {
  alula_tensor *x = vector((const float[]){1}, 1);
  SAYS(ALULA_INVALID_HANDLE, "alula_generator_release: a handle of another type was given as a generator",
       alula_generator_release((alula_generator *)x));
  CHECK(element(x, 0) == 1);
  OK(alula_tensor_release(x));
}

static void sets_out_on_failure(void) {
  alula_tensor *out = (alula_tensor *)&out;
  const int64_t shape[] = {-1};
  FAILS(ALULA_INVALID_ARGUMENT, alula_zeros(&out, shape, 1, ALULA_FLOAT32, ALULA_CPU));
  CHECK(out == NULL);
  out = (alula_tensor *)&out;
  FAILS(ALULA_INVALID_HANDLE, alula_add(&out, NULL, NULL));
  CHECK(out == NULL);
  FAILS(ALULA_INVALID_ARGUMENT, alula_zeros(NULL, NULL, 0, ALULA_FLOAT32, ALULA_CPU));
}

static void returns_memory(void) {
  const int64_t shape[] = {1000, 1000};
  int64_t before, during, after, peak, cached;
  alula_tensor *x;
  OK(alula_memory_usage(&before, NULL, NULL));
  alula_memory_reset_peak();
  OK(alula_zeros(&x, shape, 2, ALULA_FLOAT64, ALULA_CPU));
  OK(alula_memory_usage(&during, &peak, &cached));
  CHECK(during - before == 8000000 && peak >= during);
  OK(alula_tensor_release(x));
  OK(alula_memory_usage(&after, &peak, &cached));
  CHECK(after == before && peak >= during && cached >= 8000000);
  alula_memory_trim();
  OK(alula_memory_usage(NULL, NULL, &cached));
  CHECK(cached < 8000000);
}

static void settings(void) {
  const int32_t threads = alula_num_threads();
  CHECK(threads >= 1);
  OK(alula_set_num_threads(3));
  CHECK(alula_num_threads() == 3);
  FAILS(ALULA_INVALID_ARGUMENT, alula_set_num_threads(0));
  FAILS(ALULA_INVALID_ARGUMENT, alula_set_num_threads(100000));
  CHECK(alula_num_threads() == 3);
  OK(alula_set_num_threads(threads));
  CHECK(alula_abi_version() == ALULA_ABI_VERSION);
  CHECK(strcmp(alula_version(), "0.1.0") == 0);
  CHECK(alula_dtype_size(ALULA_COMPLEX128) == 16 && alula_dtype_size((alula_dtype)99) == 0);
  CHECK(strcmp(alula_dtype_name(ALULA_BFLOAT16), "bfloat16") == 0);
  CHECK(strcmp(alula_dtype_name((alula_dtype)-7), "invalid") == 0);
  CHECK(strcmp(alula_status_name(ALULA_OUT_OF_RANGE), "ALULA_OUT_OF_RANGE") == 0);
}

static void scalars(void) {
  alula_tensor *x;
  alula_scalar value;
  OK(alula_tensor_scalar(&x, alula_int(-7), ALULA_DTYPE_NONE, false));
  OK(alula_tensor_item(&value, x));
  CHECK(value.kind == ALULA_SCALAR_INT && value.integer == -7);
  OK(alula_tensor_release(x));
  OK(alula_tensor_scalar(&x, alula_float(0.5), ALULA_FLOAT64, false));
  OK(alula_tensor_item(&value, x));
  CHECK(value.kind == ALULA_SCALAR_FLOAT && value.real == 0.5);
  OK(alula_tensor_release(x));
  OK(alula_tensor_scalar(&x, alula_bool(true), ALULA_DTYPE_NONE, false));
  OK(alula_tensor_item(&value, x));
  CHECK(value.kind == ALULA_SCALAR_BOOL && value.integer == 1);
  OK(alula_tensor_release(x));
}

int main(void) {
  const size_t before = alula_live_handles();
  creates_and_releases();
  counts_references();
  recognises_dead_handles();
  tells_types_apart();
  sets_out_on_failure();
  returns_memory();
  settings();
  scalars();
  CHECK(alula_live_handles() == before);
  return 0;
}
