// Alula: tensors and automatic differentiation. This header is the whole interface; read it top to bottom.
//
// One step of training, for a model y = x @ w (every call returns a status; checks are left out here):
//
//   alula_tensor *x, *y, *w, *prediction, *loss;
//   alula_optimizer *sgd;
//   alula_sgd_options options = ALULA_SGD_OPTIONS_INIT;
//   const int64_t x_shape[] = {8, 3}, y_shape[] = {8, 1}, w_shape[] = {3, 1};
//
//   alula_tensor_from_data(&x, x_values, x_shape, 2, ALULA_FLOAT32, ALULA_CPU);
//   alula_tensor_from_data(&y, y_values, y_shape, 2, ALULA_FLOAT32, ALULA_CPU);
//   alula_zeros(&w, w_shape, 2, ALULA_FLOAT32, ALULA_CPU);
//   alula_tensor_set_requires_grad(w, true);
//   options.learning_rate = 0.1;
//   alula_sgd_create(&sgd, &w, 1, &options);
//
//   alula_matmul(&prediction, x, w);
//   alula_mse_loss(&loss, prediction, y, NULL);
//   alula_backward(&loss, NULL, 1, false, false);
//   alula_optimizer_step(sgd);
//   alula_optimizer_zero_grad(sgd);
//
//   alula_tensor_release(loss);
//   alula_tensor_release(prediction);
//
// Status. Every function that can fail returns an alula_status and writes its results through pointers, which
// come first and are set to NULL (or zero) on failure. alula_last_error() then tells what was wrong, in words.
// No argument makes the library crash, print or exit.
//
// Ownership. A function that stores a handle in *out gives the caller one reference, to be given back with the
// type's release function. Arguments are borrowed for the call. Releasing NULL does nothing; releasing is
// allowed on any thread and in any order. A stale handle, a doubly released one or a pointer to something else
// is recognised: the call returns ALULA_INVALID_HANDLE. Strings that are returned belong to the library; where
// nothing else is said they live as long as the process.
//
// Threads. Any function may be called on any thread at any time, with one rule: while one thread writes to a
// tensor (functions whose name ends in an underscore, backward for the leaves' gradients, an optimizer's step
// for its parameters), no other may use that tensor or a view of it; and two threads must not run backward over
// one graph at once. Gradient mode and the last error are per thread. Large operations run on several threads
// inside, with results that do not depend on how many. After a fork, parent and child may both go on.
//
// Callbacks. Functions that are handed to Alula may be called on any thread and may call anything declared
// here. A `deleter` is called once with its `context`, on any thread, when nothing can call the callback or use
// the memory any more; it may be NULL. When the function that takes it fails, it is not called: the context
// stays the caller's.
//
// Option structures start with struct_size and only grow: a program compiled against an older header goes on
// working. Start from the NAME_OPTIONS_INIT that belongs to the structure; NULL means all defaults.

#ifndef ALULA_H
#define ALULA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- Versions ------------------------------------------------------------------------------------------

#define ALULA_VERSION_MAJOR 0
#define ALULA_VERSION_MINOR 1
#define ALULA_VERSION_PATCH 0

/// Rises when a program compiled against an older header would no longer work.
#define ALULA_ABI_VERSION 1

/// The ALULA_ABI_VERSION of the library that was loaded.
int32_t alula_abi_version(void);

/// The library's version, such as "0.1.0". Static.
const char *alula_version(void);

// ---- Status --------------------------------------------------------------------------------------------

/// What came of a call. Codes are never renumbered.
typedef enum alula_status {
  ALULA_OK = 0,
  /// A value, shape or combination that the operation does not accept.
  ALULA_INVALID_ARGUMENT = 1,
  /// A dtype that the operation does not accept.
  ALULA_INVALID_DTYPE = 2,
  /// An index or axis out of range.
  ALULA_OUT_OF_RANGE = 3,
  ALULA_OUT_OF_MEMORY = 4,
  /// A handle that is NULL, stale, foreign, or of another type.
  ALULA_INVALID_HANDLE = 5,
  /// Something meaningful that Alula does not do.
  ALULA_UNSUPPORTED = 6,
  /// A value needed by a gradient was overwritten, or there is no graph.
  ALULA_AUTOGRAD_ERROR = 7,
  /// A file could not be read or written, or holds something else.
  ALULA_IO_ERROR = 8,
  /// A callback supplied by the caller reported failure.
  ALULA_CALLBACK_FAILED = 9,
  /// A defect in Alula.
  ALULA_INTERNAL_ERROR = 10
} alula_status;

/// The message of the calling thread's last failure, "" before the first. Valid until the thread's next
/// failure.
const char *alula_last_error(void);

/// The status of the calling thread's last failure, ALULA_OK before the first.
alula_status alula_last_status(void);

/// Sets the calling thread's message and status and returns `status`, so that a callback can end with
/// `return alula_set_last_error(ALULA_CALLBACK_FAILED, "no such index");`. Nothing is set for ALULA_OK or a
/// NULL message.
alula_status alula_set_last_error(alula_status status, const char *message);

/// The name of a status, such as "ALULA_OUT_OF_RANGE". Static.
const char *alula_status_name(alula_status status);

// ---- Data types, devices, scalars ----------------------------------------------------------------------

/// The type of a tensor's elements. Codes are never renumbered.
typedef enum alula_dtype {
  /// Left out: the operation chooses.
  ALULA_DTYPE_NONE = -1,
  ALULA_BOOL = 0,
  ALULA_INT8 = 1,
  ALULA_INT16 = 2,
  ALULA_INT32 = 3,
  ALULA_INT64 = 4,
  ALULA_UINT8 = 5,
  ALULA_UINT16 = 6,
  ALULA_UINT32 = 7,
  ALULA_UINT64 = 8,
  ALULA_FLOAT16 = 9,
  ALULA_BFLOAT16 = 10,
  ALULA_FLOAT32 = 11,
  ALULA_FLOAT64 = 12,
  ALULA_COMPLEX64 = 13,
  ALULA_COMPLEX128 = 14
} alula_dtype;

/// Bytes per element; 0 for a value that is no dtype.
size_t alula_dtype_size(alula_dtype dtype);

/// Such as "float32"; "invalid" for a value that is no dtype. Static.
const char *alula_dtype_name(alula_dtype dtype);

/// Where a tensor lies.
typedef enum alula_device { ALULA_CPU = 0 } alula_device;

/// An integer attribute that is left out.
#define ALULA_NONE INT64_MIN

/// What kind of number a scalar is.
typedef enum alula_scalar_kind {
  ALULA_SCALAR_BOOL = 0,
  ALULA_SCALAR_INT = 1,
  ALULA_SCALAR_UINT = 2,
  ALULA_SCALAR_FLOAT = 3,
  ALULA_SCALAR_COMPLEX = 4
} alula_scalar_kind;

/// One number of any kind, without loss. Made by the functions below.
typedef struct alula_scalar {
  alula_scalar_kind kind;
  /// Bool, integers; an unsigned one's bits.
  int64_t integer;
  /// Floats; a complex number's real part.
  double real;
  double imaginary;
} alula_scalar;

/// A boolean as a scalar.
static inline alula_scalar alula_bool(bool value) {
  alula_scalar s = {ALULA_SCALAR_BOOL, value, 0, 0};
  return s;
}

/// An integer as a scalar.
static inline alula_scalar alula_int(int64_t value) {
  alula_scalar s = {ALULA_SCALAR_INT, value, 0, 0};
  return s;
}

/// A floating-point number as a scalar.
static inline alula_scalar alula_float(double value) {
  alula_scalar s = {ALULA_SCALAR_FLOAT, 0, value, 0};
  return s;
}

// ---- Tensors -------------------------------------------------------------------------------------------

/// An n-dimensional array, or a view of one, with its place in a graph of gradients.
typedef struct alula_tensor alula_tensor;

/// A contiguous tensor with a copy of row-major `data`.
alula_status alula_tensor_from_data(alula_tensor **out, const void *data, const int64_t *shape, size_t rank,
                                    alula_dtype dtype, alula_device device);

/// A tensor over memory that the caller owns: nothing is copied. The elements lie at `data` plus the strides,
/// which count elements and may be negative or zero; NULL means row-major. `data` must be aligned to its
/// element type.
///
/// @param deleter is called with `context` when no tensor uses the memory any more; see "Callbacks" above.
alula_status alula_tensor_borrow(alula_tensor **out, void *data, const int64_t *shape, const int64_t *strides,
                                 size_t rank, alula_dtype dtype, void (*deleter)(void *context), void *context);

/// A 0-d tensor. A weak one takes the other operands' dtype where they meet, as a number literal would.
///
/// @param dtype ALULA_DTYPE_NONE: bool, int64, float32 or complex64, after the value's kind.
alula_status alula_tensor_scalar(alula_tensor **out, alula_scalar value, alula_dtype dtype, bool weak);

/// One more reference to a tensor.
alula_status alula_tensor_retain(alula_tensor *tensor);

/// Gives back a reference; NULL does nothing.
alula_status alula_tensor_release(alula_tensor *tensor);

/// The type of the elements.
alula_status alula_tensor_dtype(alula_dtype *out, alula_tensor *tensor);

/// Where the elements lie.
alula_status alula_tensor_device(alula_device *out, alula_tensor *tensor);

/// The number of axes; 0 for a single number.
alula_status alula_tensor_rank(size_t *out, alula_tensor *tensor);

/// The number of elements.
alula_status alula_tensor_count(int64_t *out, alula_tensor *tensor);

/// Writes `rank` extents, which must be the tensor's rank.
alula_status alula_tensor_shape(int64_t *out, size_t rank, alula_tensor *tensor);

/// Writes `rank` strides, counted in elements.
alula_status alula_tensor_strides(int64_t *out, size_t rank, alula_tensor *tensor);

/// The address of the first element, valid while the tensor or a view of it lives. Writing through it goes
/// unnoticed by gradients: call alula_tensor_mark_written afterwards.
alula_status alula_tensor_data(void **out, alula_tensor *tensor);

/// Copies the elements in row-major order; `size` must be their number of bytes.
alula_status alula_tensor_copy_out(void *out, size_t size, alula_tensor *tensor);

/// The value of a tensor with one element, as a scalar of its kind.
alula_status alula_tensor_item(alula_scalar *out, alula_tensor *tensor);

/// Tells that the elements were written through a pointer, so that backward does not use them as if they were
/// old.
alula_status alula_tensor_mark_written(alula_tensor *tensor);

/// Writes `source`, broadcast and converted, over the elements of `tensor`.
alula_status alula_tensor_assign_(alula_tensor *tensor, alula_tensor *source);

// ---- Indexing ------------------------------------------------------------------------------------------

/// What one item of an index is.
typedef enum alula_index_kind {
  /// One position, which removes its axis; negative ones count from the end.
  ALULA_INDEX_INTEGER = 0,
  /// Evenly spaced positions, with Python's meaning of bounds that are negative or too large.
  ALULA_INDEX_SLICE = 1,
  /// As many full slices as there are axes left.
  ALULA_INDEX_ELLIPSIS = 2,
  /// A new axis of extent 1.
  ALULA_INDEX_NEW_AXIS = 3,
  /// Positions along one axis (an integer dtype), or a mask over as many axes as it has (bool).
  ALULA_INDEX_TENSOR = 4
} alula_index_kind;

/// One item of an index, as between the brackets of NumPy's x[...]. Made by the functions below.
typedef struct alula_index {
  alula_index_kind kind;
  /// The position, or a slice's first one; ALULA_NONE to leave that out.
  int64_t start;
  /// Where a slice ends, not included; ALULA_NONE to leave it out.
  int64_t stop;
  /// The distance of a slice's positions, not zero; ALULA_NONE means 1.
  int64_t step;
  /// Borrowed for the call.
  alula_tensor *tensor;
} alula_index;

/// One position.
static inline alula_index alula_index_integer(int64_t position) {
  alula_index item = {ALULA_INDEX_INTEGER, position, ALULA_NONE, ALULA_NONE, NULL};
  return item;
}

/// Evenly spaced positions: start:stop:step.
static inline alula_index alula_index_slice(int64_t start, int64_t stop, int64_t step) {
  alula_index item = {ALULA_INDEX_SLICE, start, stop, step, NULL};
  return item;
}

/// As many full slices as there are axes left.
static inline alula_index alula_index_ellipsis(void) {
  alula_index item = {ALULA_INDEX_ELLIPSIS, ALULA_NONE, ALULA_NONE, ALULA_NONE, NULL};
  return item;
}

/// A new axis of extent 1.
static inline alula_index alula_index_new_axis(void) {
  alula_index item = {ALULA_INDEX_NEW_AXIS, ALULA_NONE, ALULA_NONE, ALULA_NONE, NULL};
  return item;
}

/// Positions, or a mask.
static inline alula_index alula_index_tensor(alula_tensor *tensor) {
  alula_index item = {ALULA_INDEX_TENSOR, ALULA_NONE, ALULA_NONE, ALULA_NONE, tensor};
  return item;
}

/// The elements at an index, with NumPy's meaning of every combination of items: a view when there are no
/// tensors among them, else a copy.
///
/// @return ALULA_OUT_OF_RANGE, with the index, its axis and that axis's size in the message.
alula_status alula_tensor_get(alula_tensor **out, alula_tensor *tensor, const alula_index *items, size_t count);

/// Views of consecutive runs along an axis, of `count` lengths that make up the whole axis: `out` has room for
/// as many handles. `axis` may count from the end. On failure all of them are NULL.
///
/// @return ALULA_INVALID_ARGUMENT when the lengths do not add up, ALULA_OUT_OF_RANGE for an axis that is not
/// there.
alula_status alula_tensor_split(alula_tensor **out, alula_tensor *tensor, const int64_t *lengths, size_t count,
                                int64_t axis);

/// Writes `value`, broadcast and converted, at an index. Where places repeat, the last value stays; `value` may
/// be a view of the same tensor.
alula_status alula_tensor_set_(alula_tensor *tensor, const alula_index *items, size_t count,
                               alula_tensor *value);

// ---- Gradients -----------------------------------------------------------------------------------------

/// Makes a leaf collect gradients, or stop doing so. Only floats and complex numbers have gradients.
alula_status alula_tensor_set_requires_grad(alula_tensor *tensor, bool required);

/// Whether gradients flow to the tensor: a leaf that collects them, or a result that depends on one.
alula_status alula_tensor_requires_grad(bool *out, alula_tensor *tensor);

/// Whether no recorded operation made the tensor.
alula_status alula_tensor_is_leaf(bool *out, alula_tensor *tensor);

/// The gradient that a leaf has collected, or NULL (with ALULA_OK) when there is none.
alula_status alula_tensor_grad(alula_tensor **out, alula_tensor *tensor);

/// Replaces a leaf's gradient; NULL forgets it.
alula_status alula_tensor_set_grad(alula_tensor *tensor, alula_tensor *grad);

/// The same elements without history.
alula_status alula_tensor_detach(alula_tensor **out, alula_tensor *tensor);

/// The name of the operation that made the tensor, "" for a leaf. Static.
alula_status alula_tensor_grad_fn(const char **out, alula_tensor *tensor);

/// Adds the gradients of `roots` to the leaves that they depend on.
///
/// @param seeds the gradient of each root, or NULL entries, or NULL for all: one, for roots of a single
/// element.
/// @param retain_graph keep the graph for another pass.
/// @param create_graph record the pass itself, for gradients of gradients. The leaves' gradients then refer to
/// the graph, which refers to the leaves: forget them (alula_tensor_set_grad with NULL) for all of it to be
/// freed. A leaf whose handle was released before stays for good; alula_grad stores nothing in leaves.
alula_status alula_backward(alula_tensor *const *roots, alula_tensor *const *seeds, size_t root_count,
                            bool retain_graph, bool create_graph);

/// The gradients of `outputs` with respect to `inputs`, stored in `out[0 .. input_count - 1]`; NULL where the
/// outputs do not depend on an input. Leaves' own gradients stay as they are.
alula_status alula_grad(alula_tensor **out, alula_tensor *const *outputs, alula_tensor *const *seeds,
                        size_t output_count, alula_tensor *const *inputs, size_t input_count, bool retain_graph,
                        bool create_graph);

/// Whether the calling thread records operations; true at first.
bool alula_grad_enabled(void);

/// Makes the calling thread record operations or not, and closes its no-grad scopes.
void alula_set_grad_enabled(bool enabled);

/// Opens a scope in which the calling thread does not record. Scopes nest.
void alula_no_grad_begin(void);

/// Closes the scope opened last. ALULA_INVALID_ARGUMENT when none is open.
alula_status alula_no_grad_end(void);

/// Called during backward with the gradient of a tensor, once all of it has arrived. May set *replacement (NULL
/// at first) to another gradient of the same shape, whose reference passes to Alula. `gradient` is lent for the
/// call and must not be written to. Any status but ALULA_OK makes the backward pass fail with
/// ALULA_CALLBACK_FAILED and the message that the callback left.
typedef alula_status (*alula_gradient_hook)(alula_tensor **replacement, alula_tensor *gradient, void *context);

/// Calls `hook` with the tensor's gradient in every backward pass from now on, after hooks that were there
/// before.
///
/// @param out an identifier for alula_tensor_remove_hook; may be NULL.
alula_status alula_tensor_register_hook(uint64_t *out, alula_tensor *tensor, alula_gradient_hook hook,
                                        void *context, void (*deleter)(void *context));

/// Forgets a hook. ALULA_OUT_OF_RANGE when the tensor has none of that identifier.
alula_status alula_tensor_remove_hook(alula_tensor *tensor, uint64_t hook);

/// The backward of a custom operation. Sets input_grads[i] (NULL at first: no gradient) to the gradient of the
/// i-th input, of its shape; references pass to Alula. output_grads[i] is the gradient of the i-th output, or
/// NULL when none arrived. What it computes with Alula's operations can be differentiated again. All that it is
/// handed is lent for the call and must not be written to. Any status but ALULA_OK makes the backward pass fail
/// with ALULA_CALLBACK_FAILED.
typedef alula_status (*alula_custom_backward)(alula_tensor **input_grads, size_t input_count,
                                              alula_tensor *const *output_grads, size_t output_count,
                                              alula_tensor *const *saved, size_t saved_count, void *context);

/// Puts an operation on the tape that the caller has computed itself, without recording. Stores a result for
/// each output in `out`: the same elements, with `name` as their gradient function. Nothing is recorded, and
/// the context is given back soon, when the thread does not record or no input requires a gradient.
///
/// @param saved what `backward` needs to see again; inputs and outputs may be among them. It is an error to
/// overwrite one before backward.
alula_status alula_custom_op(alula_tensor **out, const char *name, alula_tensor *const *outputs,
                             size_t output_count, alula_tensor *const *inputs, size_t input_count,
                             alula_tensor *const *saved, size_t saved_count, alula_custom_backward backward,
                             void *context, void (*deleter)(void *context));

// ---- Tensors by name -----------------------------------------------------------------------------------

/// Tensors by name, in the order of their insertion. While one thread inserts into a map, no other may use it.
typedef struct alula_tensor_map alula_tensor_map;

/// A map without entries.
alula_status alula_tensor_map_create(alula_tensor_map **out);

/// One more reference to a map.
alula_status alula_tensor_map_retain(alula_tensor_map *map);

/// Gives back a reference; NULL does nothing.
alula_status alula_tensor_map_release(alula_tensor_map *map);

/// The number of entries.
alula_status alula_tensor_map_count(size_t *out, alula_tensor_map *map);

/// The name of an entry, in UTF-8, valid while the map lives.
alula_status alula_tensor_map_name(const char **out, alula_tensor_map *map, size_t index);

/// The tensor of an entry.
alula_status alula_tensor_map_tensor(alula_tensor **out, alula_tensor_map *map, size_t index);

/// The tensor of that name. ALULA_OUT_OF_RANGE when there is none.
alula_status alula_tensor_map_find(alula_tensor **out, alula_tensor_map *map, const char *name);

/// Adds an entry, or replaces the one of that name.
alula_status alula_tensor_map_insert(alula_tensor_map *map, const char *name, alula_tensor *tensor);

/// The metadata of that name, or NULL (with ALULA_OK) when there is none. Valid until it is set anew or the map
/// is freed.
alula_status alula_tensor_map_metadata(const char **out, alula_tensor_map *map, const char *name);

/// Sets a free text of that name: files keep it beside the tensors.
alula_status alula_tensor_map_set_metadata(alula_tensor_map *map, const char *name, const char *value);

/// Reads a .safetensors file. ALULA_IO_ERROR when it cannot be read or is anything else.
alula_status alula_safetensors_load(alula_tensor_map **out, const char *path);

/// Writes a .safetensors file, which appears whole or not at all: an interrupted call leaves what was there.
alula_status alula_safetensors_save(alula_tensor_map *map, const char *path);

// ---- Optimizers ----------------------------------------------------------------------------------------

/// Changes parameters along their gradients, and keeps what it must remember from step to step. One thread at a
/// time may use an optimizer.
typedef struct alula_optimizer alula_optimizer;

/// What alula_sgd_create can be told; NULL for all defaults. Meanings and defaults are PyTorch's.
typedef struct alula_sgd_options {
  /// sizeof(alula_sgd_options), set by the initialiser.
  size_t struct_size;
  double learning_rate;
  double momentum;
  double dampening;
  double weight_decay;
  /// Nesterov's momentum; needs a momentum and no dampening.
  bool nesterov;
  /// Climb instead of descend.
  bool maximize;
} alula_sgd_options;

#define ALULA_SGD_OPTIONS_INIT \
  { sizeof(alula_sgd_options), 1e-3, 0.0, 0.0, 0.0, false, false }

/// What alula_adam_create and alula_adamw_create can be told; NULL for all defaults. Meanings and defaults are
/// PyTorch's.
typedef struct alula_adam_options {
  /// sizeof(alula_adam_options), set by the initialiser.
  size_t struct_size;
  double learning_rate;
  double beta1;
  double beta2;
  double epsilon;
  /// Adam adds it to the gradient, AdamW shrinks the parameters by it.
  double weight_decay;
  /// Climb instead of descend.
  bool maximize;
} alula_adam_options;

#define ALULA_ADAM_OPTIONS_INIT \
  { sizeof(alula_adam_options), 1e-3, 0.9, 0.999, 1e-8, 0.0, false }

#define ALULA_ADAMW_OPTIONS_INIT \
  { sizeof(alula_adam_options), 1e-3, 0.9, 0.999, 1e-8, 1e-2, false }

/// Stochastic gradient descent over `parameters`: leaves of a float dtype, each once.
alula_status alula_sgd_create(alula_optimizer **out, alula_tensor *const *parameters, size_t parameter_count,
                              const alula_sgd_options *options);

/// Adam over `parameters`.
alula_status alula_adam_create(alula_optimizer **out, alula_tensor *const *parameters, size_t parameter_count,
                               const alula_adam_options *options);

/// Adam with decoupled weight decay over `parameters`.
alula_status alula_adamw_create(alula_optimizer **out, alula_tensor *const *parameters, size_t parameter_count,
                                const alula_adam_options *options);

/// Changes the options of an optimizer that alula_sgd_create made, between steps, as schedules do; what it
/// remembers stays.
alula_status alula_sgd_set_options(alula_optimizer *optimizer, const alula_sgd_options *options);

/// The same for one that alula_adam_create or alula_adamw_create made.
alula_status alula_adam_set_options(alula_optimizer *optimizer, const alula_adam_options *options);

/// One more reference to an optimizer.
alula_status alula_optimizer_retain(alula_optimizer *optimizer);

/// Gives back a reference; NULL does nothing.
alula_status alula_optimizer_release(alula_optimizer *optimizer);

/// Changes every parameter that has a gradient.
alula_status alula_optimizer_step(alula_optimizer *optimizer);

/// Makes the parameters forget their gradients.
alula_status alula_optimizer_zero_grad(alula_optimizer *optimizer);

/// The step size.
alula_status alula_optimizer_learning_rate(double *out, alula_optimizer *optimizer);

/// Changes the step size, as a schedule does.
alula_status alula_optimizer_set_learning_rate(alula_optimizer *optimizer, double learning_rate);

/// What later steps depend on beside the parameters, for a checkpoint: "INDEX.NAME" for each parameter's
/// tensors, "INDEX.step" for its number of steps. The tensors are the optimizer's own, not copies.
alula_status alula_optimizer_state(alula_tensor_map **out, alula_optimizer *optimizer);

/// Copies such a state, so that steps go on as if there had been no break.
alula_status alula_optimizer_load_state(alula_optimizer *optimizer, alula_tensor_map *state);

/// Scales the parameters' gradients in place so that their norm, over all of them as one vector, is at most
/// `max_norm`.
///
/// @param out the norm before; may be NULL.
/// @param norm_type 1, 2 or INFINITY.
alula_status alula_clip_grad_norm(double *out, alula_tensor *const *parameters, size_t parameter_count,
                                  double max_norm, double norm_type);

// ---- Exchange with other libraries ---------------------------------------------------------------------

/// DLPack's versioned capsule, as dlpack.h defines it.
struct DLManagedTensorVersioned;

/// A capsule over the tensor's memory, without a copy. Whoever receives it calls its deleter once.
/// ALULA_AUTOGRAD_ERROR when the tensor requires a gradient: detach it first.
alula_status alula_tensor_to_dlpack(struct DLManagedTensorVersioned **out, alula_tensor *tensor);

/// A tensor over a capsule's memory, without a copy unless the capsule is flagged read-only. The capsule passes
/// to Alula, which calls its deleter once; when this function fails it stays the caller's.
alula_status alula_tensor_from_dlpack(alula_tensor **out, struct DLManagedTensorVersioned *capsule);

// ---- Runtime -------------------------------------------------------------------------------------------

/// The instruction set whose kernels run: "baseline", "avx2" or "avx512": the best that the processor has, or a
/// lesser one that the environment variable ALULA_ISA names. Static.
const char *alula_isa(void);

/// The number of threads that an operation may use, its caller included: at first ALULA_NUM_THREADS from the
/// environment, at most the number of processors.
int32_t alula_num_threads(void);

/// Sets that number, 1 to 256, for all threads of the process. Results do not depend on it.
alula_status alula_set_num_threads(int32_t count);

/// Returns when everything that was called has been done: for timing. Element-wise calls on large tensors may
/// wait until somebody needs what they write or read, and then share one pass over memory with those that
/// follow them; a result that is released before is never stored. Nothing but the time tells: their errors are
/// the calls' own, their memory is there when they return, and a write to an operand, through any function of
/// this header, comes after them; an operand that is released stays in memory until then. Calls on memory that
/// others hold, too (borrowed, exported, or asked for by alula_tensor_data), do not wait.
void alula_synchronize(void);

/// Bytes of tensors' memory: in use, most ever in use (since alula_memory_reset_peak), kept for reuse. Each
/// pointer may be NULL.
alula_status alula_memory_usage(int64_t *live, int64_t *peak, int64_t *cached);

/// Makes the peak start again from what is in use.
void alula_memory_reset_peak(void);

/// Gives memory that is kept for reuse back to the system.
void alula_memory_trim(void);

/// The number of handles of all types that were not given back yet, and of tensors that objects of Python hold
/// without one: a check for leaks.
size_t alula_live_handles(void);

// ---- Random numbers ------------------------------------------------------------------------------------

/// A source of random numbers: Philox 4x32-10. What it yields depends on its seed and on the calls alone, not
/// on the number of threads. Wherever a generator is an argument, NULL stands for the default one, which starts
/// with seed 0 in every process. Any thread may use a generator at any time.
typedef struct alula_generator alula_generator;

/// A generator at the start of a seed's stream.
alula_status alula_generator_create(alula_generator **out, uint64_t seed);

/// A handle to the default generator.
alula_status alula_generator_default(alula_generator **out);

/// One more reference to a generator.
alula_status alula_generator_retain(alula_generator *generator);

/// Gives back a reference; NULL does nothing.
alula_status alula_generator_release(alula_generator *generator);

/// The seed whose stream the generator yields.
alula_status alula_generator_seed(uint64_t *out, alula_generator *generator);

/// Starts the stream of a seed.
alula_status alula_generator_set_seed(alula_generator *generator, uint64_t seed);

/// Starts the stream of a seed drawn from the operating system, and tells which; `out` may be NULL.
alula_status alula_generator_set_random_seed(uint64_t *out, alula_generator *generator);

/// The bytes of a generator's state.
#define ALULA_GENERATOR_STATE_SIZE 24

/// Writes all that decides what comes next, for a checkpoint; `size` must be ALULA_GENERATOR_STATE_SIZE.
alula_status alula_generator_state(uint8_t *out, size_t size, alula_generator *generator);

/// Goes on where a state was read.
alula_status alula_generator_set_state(alula_generator *generator, const uint8_t *state, size_t size);

// ---- Operations ----------------------------------------------------------------------------------------

#include "alula_ops.h"

/// The number, in this process, of an operation that takes one or two tensors and nothing else, and has one
/// result: for alula_apply(). ALULA_INVALID_ARGUMENT when `name`, such as "add", names no such operation.
alula_status alula_operation_number(int32_t *out, const char *name);

/// Calls an operation by its number. Returns the result, or NULL: then alula_last_status() and
/// alula_last_error() tell why. `b` is NULL for an operation of one tensor. This is the short way for bindings
/// to languages in which a pointer to the result costs more than a small operation; C programs call
/// alula_add().
alula_tensor *alula_apply(int32_t operation, alula_tensor *a, alula_tensor *b);

// ---- Python --------------------------------------------------------------------------------------------

/// For the Python package alone, which calls it once with the interpreter's lock held: makes the class of
/// tensors and the functions of CPython that spare it ctypes. `package` and the result are PyObject *; NULL
/// means that this interpreter cannot be served. Python is looked for in the process then, and not before: the
/// library is linked to nothing of it.
void *alula_python_start(void *package);

#ifdef __cplusplus
}
#endif

#endif
