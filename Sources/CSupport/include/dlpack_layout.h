// The memory layout of DLPack's versioned capsules (version 1), under names that do not meet those of dlpack.h.
#ifndef CSUPPORT_DLPACK_LAYOUT_H
#define CSUPPORT_DLPACK_LAYOUT_H

#include <stdint.h>

typedef struct {
  void *data;
  struct {
    int32_t type;
    int32_t id;
  } device;
  int32_t ndim;
  struct {
    uint8_t code;
    uint8_t bits;
    uint16_t lanes;
  } dtype;
  int64_t *shape;
  int64_t *strides;
  uint64_t byte_offset;
} csupport_dl_tensor;

typedef struct csupport_dl_managed_tensor {
  struct {
    uint32_t major;
    uint32_t minor;
  } version;
  void *manager_ctx;
  void (*deleter)(struct csupport_dl_managed_tensor *self);
  uint64_t flags;
  csupport_dl_tensor dl_tensor;
} csupport_dl_managed_tensor;

#endif
