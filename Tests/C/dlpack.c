// Capsules out and in, both ways without a copy, each deleter called exactly once.
#include "check.h"

// As dlpack.h has it; declared here so that the tests need no other header.
struct DLManagedTensorVersioned {
  struct {
    uint32_t major, minor;
  } version;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensorVersioned *self);
  uint64_t flags;
  struct {
    void *data;
    struct {
      int32_t type, id;
    } device;
    int32_t ndim;
    struct {
      uint8_t code, bits;
      uint16_t lanes;
    } dtype;
    int64_t *shape, *strides;
    uint64_t byte_offset;
  } tensor;
};
typedef struct DLManagedTensorVersioned capsule;

static int deleted;
static void deleter(capsule *self) {
  CHECK(self->manager_ctx == &deleted);
  deleted++;
}

static capsule made(float *data, int64_t *shape, int64_t *strides, int32_t ndim) {
  capsule c;
  memset(&c, 0, sizeof c);
  c.version.major = 1;
  c.manager_ctx = &deleted;
  c.deleter = deleter;
  c.tensor.data = data;
  c.tensor.device.type = 1;
  c.tensor.ndim = ndim;
  c.tensor.dtype.code = 2;
  c.tensor.dtype.bits = 32;
  c.tensor.dtype.lanes = 1;
  c.tensor.shape = shape;
  c.tensor.strides = strides;
  return c;
}

static void exports(void) {
  const float values[] = {1, 2, 3, 4, 5, 6};
  const int64_t axes[] = {1, 0};
  alula_tensor *x = tensor4(values, 2, 3, 0, 0), *t;
  capsule *c;
  void *data;
  OK(alula_permute_dims(&t, x, axes, 2));
  OK(alula_tensor_data(&data, t));
  OK(alula_tensor_to_dlpack(&c, t));
  CHECK(c->version.major == 1 && c->flags == 0 && c->tensor.data == data && c->tensor.byte_offset == 0);
  CHECK(c->tensor.device.type == 1 && c->tensor.device.id == 0 && c->tensor.ndim == 2);
  CHECK(c->tensor.dtype.code == 2 && c->tensor.dtype.bits == 32 && c->tensor.dtype.lanes == 1);
  CHECK(c->tensor.shape[0] == 3 && c->tensor.shape[1] == 2);
  CHECK(c->tensor.strides[0] == 1 && c->tensor.strides[1] == 3);
  // The memory lives as long as the capsule.
  OK(alula_tensor_release(x));
  OK(alula_tensor_release(t));
  CHECK(((float *)c->tensor.data)[5] == 6);
  c->deleter(c);

  x = vector(values, 3);
  OK(alula_tensor_set_requires_grad(x, true));
  FAILS(ALULA_AUTOGRAD_ERROR, alula_tensor_to_dlpack(&c, x));
  CHECK(c == NULL);
  OK(alula_tensor_release(x));
}

static void comes_back(void) {
  const float values[] = {1, 2, 3};
  alula_tensor *x = vector(values, 3), *y;
  capsule *c;
  void *a, *b;
  OK(alula_tensor_to_dlpack(&c, x));
  OK(alula_tensor_from_dlpack(&y, c));
  OK(alula_tensor_data(&a, x));
  OK(alula_tensor_data(&b, y));
  CHECK(a == b);
  OK(alula_tensor_release(x));
  CHECK(element(y, 2) == 3);
  OK(alula_tensor_release(y));
}

static void imports(void) {
  float values[] = {1, 2, 3, 4, 5, 6, 7};
  int64_t shape[] = {2, 2}, strides[] = {3, 2};
  capsule c = made(values, shape, strides, 2);
  alula_tensor *x;
  void *data;
  c.tensor.byte_offset = 4;
  OK(alula_tensor_from_dlpack(&x, &c));
  CHECK(element(x, 0) == 2 && element(x, 1) == 4 && element(x, 2) == 5 && element(x, 3) == 7);
  CHECK(deleted == 0);
  OK(alula_tensor_release(x));
  CHECK(deleted == 1);

  // What must not be written to is copied.
  c = made(values, shape, NULL, 2);
  c.flags = 1;
  OK(alula_tensor_from_dlpack(&x, &c));
  CHECK(deleted == 2 && element(x, 3) == 4);
  OK(alula_tensor_data(&data, x));
  CHECK(data != values);
  OK(alula_tensor_release(x));

  // No elements, no memory.
  shape[0] = 0;
  c = made(NULL, shape, NULL, 2);
  OK(alula_tensor_from_dlpack(&x, &c));
  OK(alula_tensor_release(x));
  CHECK(deleted == 3);
}

static void refuses(void) {
  float values[] = {1, 2, 3, 4};
  int64_t shape[] = {2, 2}, far[] = {INT64_MAX, INT64_MAX};
  alula_tensor *x;
  capsule c = made(values, shape, NULL, 2);
  c.version.major = 2;
  FAILS(ALULA_UNSUPPORTED, alula_tensor_from_dlpack(&x, &c));
  c = made(values, shape, NULL, 2);
  c.tensor.device.type = 2;
  FAILS(ALULA_UNSUPPORTED, alula_tensor_from_dlpack(&x, &c));
  c = made(values, shape, NULL, 2);
  c.tensor.dtype.bits = 24;
  FAILS(ALULA_INVALID_DTYPE, alula_tensor_from_dlpack(&x, &c));
  c = made(values, shape, NULL, 2);
  c.tensor.dtype.lanes = 4;
  FAILS(ALULA_INVALID_DTYPE, alula_tensor_from_dlpack(&x, &c));
  c = made(values, shape, far, 2);
  FAILS(ALULA_INVALID_ARGUMENT, alula_tensor_from_dlpack(&x, &c));
  c = made(NULL, shape, NULL, 2);
  FAILS(ALULA_INVALID_ARGUMENT, alula_tensor_from_dlpack(&x, &c));
  c = made(values, NULL, NULL, 2);
  FAILS(ALULA_INVALID_ARGUMENT, alula_tensor_from_dlpack(&x, &c));
  c = made(values, shape, NULL, -1);
  FAILS(ALULA_INVALID_ARGUMENT, alula_tensor_from_dlpack(&x, &c));
  c = made((float *)((char *)values + 2), shape, NULL, 1);
  FAILS(ALULA_INVALID_ARGUMENT, alula_tensor_from_dlpack(&x, &c));
  FAILS(ALULA_INVALID_ARGUMENT, alula_tensor_from_dlpack(&x, NULL));
  CHECK(x == NULL && deleted == 3);
}

int main(void) {
  exports();
  comes_back();
  imports();
  refuses();
  CHECK(alula_live_handles() == 0);
  return 0;
}
