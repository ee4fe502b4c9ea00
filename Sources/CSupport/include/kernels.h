// The calling conventions of CPU kernels. A kernel is a plain function over raw pointers; it is
// registered by name and data type, and the engine looks it up once.
#ifndef ALULA_KERNELS_H
#define ALULA_KERNELS_H

#include <stdint.h>

/// An element-wise loop over `count` elements. `data` holds the output's address and then each
/// input's; `strides` their steps in bytes (0 repeats one element). `parameters` are the
/// operation's scalars, or NULL.
typedef void (*elementwise_kernel)(intptr_t count, char *const *data, const intptr_t *strides,
                                   const double *parameters);

#endif
