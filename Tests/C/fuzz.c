// Calls every function of the interface with random and hostile arguments; all must end in a status.
//
//   fuzz [CALLS [SEED [FUNCTION]]]
//
// A call that does not come back ends the program, which names it; so does one that ends in a signal.
#define _POSIX_C_SOURCE 200809L
#include "fuzz.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { slot_count = 24, generation_length = 400, seconds_per_call = 20, largest_kept = 20000 };

static uint64_t state;
static const char *current = "nothing";
static unsigned long call_number;
static unsigned long successes;

static uint64_t draw(void) {
  // xorshift64*
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * UINT64_C(0x2545F4914F6CDD1D);
}
static size_t below(size_t count) { return (size_t)((draw() >> 16) % count); }
static bool once_in(size_t count) { return below(count) == 0; }

static void broken(const char *what) {
  printf("fuzz: %s in call %lu: %s (last message: %s)\n", current, call_number, what, alula_last_error());
  exit(1);
}

// ---- Arguments -----------------------------------------------------------------------------------------

static alula_tensor *slots[slot_count];
static alula_tensor *stale;
static alula_generator *generator;
static alula_tensor_map *current_map;

static const int64_t odd_integers[] = {INT64_MIN,
                                       INT64_MIN + 1,
                                       INT64_MAX,
                                       INT64_MAX - 1,
                                       INT64_C(1) << 62,
                                       INT64_C(1) << 61,
                                       INT64_C(1) << 40,
                                       -(INT64_C(1) << 40),
                                       INT64_C(1) << 32,
                                       INT64_C(1) << 31,
                                       -(INT64_C(1) << 31),
                                       INT32_MAX,
                                       (INT64_C(1) << 32) + 1,
                                       65,
                                       64,
                                       -64};

bool fuzz_bool(void) { return draw() >> 63; }

// Without a limit on its memory the process would be given, and would fill, what is large but possible.
static bool has_limit = true;

int64_t fuzz_int(void) {
  int64_t odd;
  if (!once_in(8)) return (int64_t)below(9) - 3;
  odd = odd_integers[below(sizeof odd_integers / sizeof *odd_integers)];
  return has_limit || odd < 1 << 20 ? odd : odd | INT64_C(1) << 50;
}

double fuzz_float(void) {
  static const double odd[] = {0.0,   -0.0,   1.0,    -1.0,  0.5,  INFINITY, -INFINITY, NAN,
                               1e308, -1e308, 5e-324, 1e-45, 1e39, 65520.0,  1e18,      -1e18};
  return once_in(2) ? odd[below(sizeof odd / sizeof *odd)] : ((double)below(2000) - 1000) / 250;
}

alula_dtype fuzz_dtype(void) {
  static const int odd[] = {-1, -2, 15, 99, INT32_MAX, INT32_MIN};
  return (alula_dtype)(once_in(8) ? odd[below(6)] : (int)below(15));
}

alula_device fuzz_device(void) { return (alula_device)(once_in(12) ? (int)below(1000) - 500 : 0); }

alula_scalar fuzz_scalar(void) {
  alula_scalar s;
  s.kind = (alula_scalar_kind)(once_in(20) ? (int)below(100) - 50 : (int)below(5));
  s.integer = fuzz_int();
  s.real = fuzz_float();
  s.imaginary = fuzz_float();
  return s;
}

const char *fuzz_choice(const char *const *choices, size_t count) {
  static char endless[5000];
  if (once_in(4)) return NULL;
  if (!once_in(6)) return choices[below(count)];
  if (endless[0] == 0) memset(endless, 'x', sizeof endless - 1);
  switch (below(4)) {
    case 0:
      return "";
    case 1:
      return endless;
    case 2:
      return "\xff\xfe\x80 no UTF-8";
    default:
      return "nonsense";
  }
}

size_t fuzz_size(size_t right) {
  static const size_t odd[] = {0, 1, 8, 9, SIZE_MAX, SIZE_MAX / 2, 1 << 20};
  return once_in(4) ? odd[below(7)] : right;
}

static void *nonsense(void) {
  static int local;
  switch (below(5)) {
    case 0:
      return &local;
    case 1:
      return (void *)(uintptr_t)draw();
    // The tag of a handle, and anything behind it.
    case 2:
      return (void *)(uintptr_t)(UINT64_C(0xA1) << 56 | draw() >> 8);
    case 3:
      return (void *)(uintptr_t)(UINT64_C(0xA1) << 56 | UINT64_C(1) << 28 | below(100));
    default:
      return (void *)(uintptr_t)below(100);
  }
}

alula_tensor *fuzz_tensor(void) {
  if (once_in(40)) return NULL;
  if (once_in(40)) return stale;
  if (once_in(40)) return (alula_tensor *)generator;
  if (once_in(40)) return nonsense();
  return slots[below(slot_count)];
}

alula_generator *fuzz_generator(void) {
  if (once_in(3)) return NULL;
  if (once_in(20)) return nonsense();
  if (once_in(20)) return (alula_generator *)slots[below(slot_count)];
  return generator;
}

alula_tensor **fuzz_out(alula_tensor **out) { return once_in(200) ? NULL : out; }

alula_tensor *const *fuzz_tensors(size_t *count) {
  static alula_tensor *list[8];
  size_t i;
  for (i = 0; i < 8; i++) list[i] = fuzz_tensor();
  if (once_in(2)) {
    // Operations on lists want tensors that agree.
    alula_tensor *same = fuzz_tensor();
    for (i = 0; i < 8; i++) list[i] = same;
  }
  *count = once_in(30) ? SIZE_MAX - below(3) : below(5);
  return once_in(30) || *count > 8 ? NULL : list;
}

const int64_t *fuzz_ints(size_t *count) {
  static int64_t lists[4][64];
  static size_t next;
  int64_t *list = lists[next++ % 4];
  size_t i;
  for (i = 0; i < 64; i++) list[i] = once_in(2) ? (int64_t)below(4) : fuzz_int();
  *count = once_in(30)   ? (once_in(2) ? 65 + below(100) : SIZE_MAX - below(3))
           : once_in(30) ? below(65)
                         : below(5);
  return once_in(20) || *count > 64 ? NULL : list;
}

const int64_t *fuzz_spatial(size_t count) {
  size_t unused;
  (void)count;
  if (once_in(4)) return NULL;
  do {
    const int64_t *list = fuzz_ints(&unused);
    if (list != NULL) return list;
  } while (true);
}

// ---- Results -------------------------------------------------------------------------------------------

void fuzz_status(alula_status status) {
  if ((int)status < 0 || status > ALULA_INTERNAL_ERROR) broken("a status that does not exist");
  if (status == ALULA_INTERNAL_ERROR) broken("internal error");
  if (status != ALULA_OK && alula_last_error()[0] == 0) broken("a failure without a message");
  if (status == ALULA_OK) successes++;
}

// A gradient with a graph of its own would keep its leaf, and with it everything, alive.
static void forget(alula_tensor *tensor) {
  if (tensor != NULL) (void)alula_tensor_set_grad(tensor, NULL);
}

void fuzz_keep(alula_tensor *tensor) {
  int64_t count;
  size_t i;
  if (tensor == NULL) return;
  if (alula_tensor_count(&count, tensor) != ALULA_OK) broken("a result that is no tensor");
  // A broadcast view costs nothing, but everything computed from it does.
  i = below(slot_count);
  if (count <= largest_kept) {
    alula_tensor *old = slots[i];
    slots[i] = tensor;
    tensor = old;
  }
  stale = tensor;
  forget(tensor);
  if (alula_tensor_release(tensor) != ALULA_OK) broken("a handle that cannot be released");
}

static void new_tensor(size_t i) {
  static double data[5 * 5 * 5 * 5 * 2];
  int64_t shape[4];
  const size_t rank = below(5);
  // Shapes that often agree, so that calls often succeed.
  static const int64_t extents[] = {1, 2, 2, 3, 3, 3, 4, 5, 0};
  size_t k;
  alula_tensor *source, *out;
  const alula_dtype dtype = once_in(2) ? ALULA_FLOAT32 : (alula_dtype)below(15);
  for (k = 0; k < rank; k++) shape[k] = extents[below(once_in(6) ? 9 : 8)];
  for (k = 0; k < sizeof data / sizeof *data; k++) data[k] = fuzz_float();
  current = "alula_tensor_from_data";
  if (alula_tensor_from_data(&source, data, shape, rank, ALULA_FLOAT64, ALULA_CPU) != ALULA_OK)
    broken("no tensor");
  if (alula_cast(&out, source, dtype) != ALULA_OK) broken("no cast");
  alula_tensor_release(source);
  forget(slots[i]);
  if (slots[i] != NULL) alula_tensor_release(slots[i]);
  slots[i] = out;
  if (once_in(3)) alula_tensor_set_requires_grad(out, true);
}

// Forgets everything now and then, so that graphs stay short.
static void new_generation(void) {
  size_t i;
  alula_set_grad_enabled(true);
  for (i = 0; i < slot_count; i++) new_tensor(i);
}

// ---- Functions that are no operations ------------------------------------------------------------------

static double room[10000];
static void *somewhere(void) { return once_in(20) ? NULL : room; }

static void call_tensor_from_data(void) {
  alula_tensor *out = NULL, **to = fuzz_out(&out);
  int64_t shape[4];
  size_t rank = below(5), i;
  const alula_dtype dtype = fuzz_dtype();
  // Whatever can be read must be there: small, or too much to be allocated.
  for (i = 0; i < 4; i++) shape[i] = once_in(10) ? -fuzz_int() : (int64_t)below(5);
  for (i = 0; i < 4; i++) {
    if (shape[i] > 5) shape[i] |= INT64_C(1) << 50;
  }
  if (once_in(20)) rank = SIZE_MAX;
  fuzz_status(alula_tensor_from_data(to, somewhere(), once_in(20) && rank > 4 ? NULL : shape, rank, dtype,
                                     fuzz_device()));
  fuzz_keep(out);
}

// Contexts that were handed over, and those that came back. A leaf whose handle is gone is kept alive by a
// gradient that backward makes with create_graph, as is what it holds: so that happens in the first half of the
// run only, and every context of the second must come back.
typedef struct contexts {
  int borrowed, deleted;
} contexts;
static contexts halves[2];
static contexts *half = &halves[0];
static void deleter(void *context) {
  if (context != &halves[0] && context != &halves[1]) broken("a deleter was given another context");
  ((contexts *)context)->deleted++;
}

static void call_tensor_borrow(void) {
  alula_tensor *out = NULL, **to = fuzz_out(&out);
  int64_t shape[4], strides[4], low = 0, high = 0;
  size_t rank = below(5), i;
  bool wild = once_in(5);
  for (i = 0; i < 4; i++) {
    shape[i] = wild ? fuzz_int() : (int64_t)below(5);
    strides[i] = wild ? fuzz_int() : (int64_t)below(40) - 20;
    if (i < rank && strides[i] > 0) high += shape[i] * (wild ? 0 : strides[i]);
    if (i < rank && strides[i] < 0) low -= shape[i] * (wild ? 0 : strides[i]);
  }
  // Wild layouts must not be read, so their tensors are released at once.
  {
    const alula_status status = alula_tensor_borrow(
        to, once_in(20) ? NULL : (char *)(room + 2 * low) + (once_in(20) ? 1 : 0), shape,
        once_in(4) ? NULL : strides, once_in(30) ? SIZE_MAX : rank, fuzz_dtype(), deleter, half);
    fuzz_status(status);
    half->borrowed += status == ALULA_OK;
  }
  (void)high;
  if (wild && out != NULL) {
    if (alula_tensor_release(out) != ALULA_OK) broken("a handle that cannot be released");
  } else {
    fuzz_keep(out);
  }
}

static void call_tensor_scalar(void) {
  alula_tensor *out = NULL, **to = fuzz_out(&out);
  fuzz_status(alula_tensor_scalar(to, fuzz_scalar(), fuzz_dtype(), fuzz_bool()));
  fuzz_keep(out);
}

static void call_tensor_retain(void) {
  alula_tensor *x = fuzz_tensor();
  const alula_status status = alula_tensor_retain(x);
  fuzz_status(status);
  if (status == ALULA_OK && alula_tensor_release(x) != ALULA_OK) broken("a handle that cannot be released");
}

static void call_tensor_release(void) {
  const size_t i = below(slot_count);
  alula_tensor *x = once_in(2) ? stale : nonsense();
  if (once_in(2)) {
    x = slots[i];
    forget(x);
    if (alula_tensor_release(x) != ALULA_OK) broken("a handle that cannot be released");
    slots[i] = NULL;
    if (alula_tensor_release(x) != ALULA_INVALID_HANDLE) broken("a second release went unnoticed");
    new_tensor(i);
    current = "alula_tensor_release";
    return;
  }
  // Nonsense may hit a living leaf. Of other nonsense nothing can be forgotten.
  forget(x);
  if (x != NULL && alula_tensor_release(x) == ALULA_OK) {
    // Nonsense may hit a living handle: then the slot is empty.
    for (size_t k = 0; k < slot_count; k++) {
      if (slots[k] == x) slots[k] = NULL, new_tensor(k);
    }
  }
}

#define READER(name, type)                                          \
  static void call_tensor_##name(void) {                            \
    type out;                                                       \
    alula_tensor *x = fuzz_tensor();                                \
    fuzz_status(alula_tensor_##name(once_in(20) ? NULL : &out, x)); \
  }
READER(dtype, alula_dtype)
READER(device, alula_device)
READER(rank, size_t)
READER(count, int64_t)
READER(data, void *)
READER(item, alula_scalar)
READER(requires_grad, bool)
READER(is_leaf, bool)
READER(grad_fn, const char *)

static void call_operation_number(void) {
  static const char *const names[] = {"add", "exp", "sum", "", "no such operation"};
  int32_t number;
  fuzz_status(alula_operation_number(once_in(20) ? NULL : &number, once_in(20) ? NULL : names[below(5)]));
}

static void call_apply(void) {
  const int32_t operation = (int32_t)(once_in(8) ? fuzz_int() : (int64_t)below(120));
  alula_tensor *out = alula_apply(operation, fuzz_tensor(), once_in(3) ? NULL : fuzz_tensor());
  if (out == NULL && alula_last_status() == ALULA_OK) broken("no result and no failure");
  if (out != NULL) fuzz_keep(out);
}

static void call_tensor_shape(void) {
  int64_t out[70];
  fuzz_status(alula_tensor_shape(once_in(20) ? NULL : out, once_in(10) ? SIZE_MAX : below(6), fuzz_tensor()));
}
static void call_tensor_strides(void) {
  int64_t out[70];
  fuzz_status(alula_tensor_strides(once_in(20) ? NULL : out, once_in(10) ? SIZE_MAX : below(6), fuzz_tensor()));
}
static void call_tensor_copy_out(void) {
  static char out[largest_kept * 16];
  alula_tensor *x = fuzz_tensor();
  int64_t count = 0;
  alula_dtype dtype = ALULA_BOOL;
  size_t size;
  (void)alula_tensor_count(&count, x);
  (void)alula_tensor_dtype(&dtype, x);
  size = (size_t)count * alula_dtype_size(dtype);
  if (once_in(10)) size = once_in(2) ? SIZE_MAX : size + 1;
  fuzz_status(alula_tensor_copy_out(once_in(20) ? NULL : out, size, x));
}
static void call_tensor_mark_written(void) { fuzz_status(alula_tensor_mark_written(fuzz_tensor())); }
static void call_tensor_assign_(void) { fuzz_status(alula_tensor_assign_(fuzz_tensor(), fuzz_tensor())); }
static void call_tensor_set_requires_grad(void) {
  fuzz_status(alula_tensor_set_requires_grad(fuzz_tensor(), fuzz_bool()));
}
static void call_tensor_grad(void) {
  alula_tensor *out = NULL;
  fuzz_status(alula_tensor_grad(fuzz_out(&out), fuzz_tensor()));
  fuzz_keep(out);
}
static void call_tensor_set_grad(void) {
  alula_tensor *x = fuzz_tensor(), *grad = fuzz_tensor();
  fuzz_status(alula_tensor_set_grad(x, once_in(2) ? x : grad));
}
static void call_tensor_detach(void) {
  alula_tensor *out = NULL;
  fuzz_status(alula_tensor_detach(fuzz_out(&out), fuzz_tensor()));
  fuzz_keep(out);
}

static void call_backward(void) {
  alula_tensor *roots[3], *seeds[3];
  size_t count = below(4), i;
  for (i = 0; i < 3; i++) {
    roots[i] = fuzz_tensor();
    seeds[i] = once_in(2) ? roots[i] : fuzz_tensor();
  }
  if (once_in(30)) count = SIZE_MAX;
  fuzz_status(alula_backward(once_in(30) || count > 3 ? NULL : roots, once_in(3) || count > 3 ? NULL : seeds,
                             count, fuzz_bool(), half == &halves[0] && once_in(4)));
}

static void call_grad(void) {
  alula_tensor *outputs[3], *inputs[3], *seeds[3], *out[3] = {NULL, NULL, NULL};
  size_t output_count = below(3), input_count = below(4), i;
  for (i = 0; i < 3; i++) {
    outputs[i] = fuzz_tensor();
    inputs[i] = fuzz_tensor();
    seeds[i] = once_in(2) ? outputs[i] : fuzz_tensor();
  }
  if (once_in(30)) output_count = SIZE_MAX;
  fuzz_status(alula_grad(once_in(30) ? NULL : out, output_count > 3 ? NULL : outputs,
                         once_in(3) || output_count > 3 ? NULL : seeds, output_count,
                         once_in(30) ? NULL : inputs, input_count, fuzz_bool(), once_in(4)));
  for (i = 0; i < 3; i++) fuzz_keep(out[i]);
}

static void call_grad_mode(void) {
  switch (below(4)) {
    case 0:
      alula_set_grad_enabled(!once_in(4));
      break;
    case 1:
      alula_no_grad_begin();
      break;
    case 2:
      fuzz_status(alula_no_grad_end());
      break;
    default:
      (void)alula_grad_enabled();
  }
}

static alula_status hook(alula_tensor **replacement, alula_tensor *gradient, void *context) {
  (void)context;
  switch (below(6)) {
    case 0:
      return (alula_status)((int)below(30) - 10);
    case 1:
      *replacement = nonsense();
      return ALULA_OK;
    case 2:
      return alula_set_last_error(ALULA_INVALID_ARGUMENT, "hook");
    case 3:
      return alula_add(replacement, gradient, gradient);
    case 4:
      alula_set_grad_enabled(fuzz_bool());
      return ALULA_OK;
    default:
      return ALULA_OK;
  }
}

static void call_tensor_register_hook(void) {
  alula_tensor *x = fuzz_tensor();
  uint64_t id = 0;
  const alula_status status =
      alula_tensor_register_hook(once_in(10) ? NULL : &id, x, once_in(20) ? NULL : hook, half, deleter);
  fuzz_status(status);
  half->borrowed += status == ALULA_OK;
  if (once_in(2))
    fuzz_status(alula_tensor_remove_hook(once_in(10) ? fuzz_tensor() : x, once_in(10) ? draw() : id));
}

static alula_status backward(alula_tensor **input_grads, size_t input_count, alula_tensor *const *output_grads,
                             size_t output_count, alula_tensor *const *saved, size_t saved_count,
                             void *context) {
  size_t i;
  (void)context, (void)saved, (void)saved_count;
  for (i = 0; i < input_count; i++) {
    switch (below(5)) {
      case 0:
        break;
      case 1:
        input_grads[i] = once_in(5) ? nonsense() : NULL;
        break;
      default:
        if (output_count > 0 && output_grads[0] != NULL)
          (void)alula_add(&input_grads[i], output_grads[0], output_grads[0]);
    }
  }
  return once_in(8) ? (alula_status)((int)below(30) - 10) : ALULA_OK;
}

static void call_custom_op(void) {
  static const char *const names[] = {"mine", "", "\xff"};
  alula_tensor *out[8] = {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL};
  alula_tensor *outputs[3], *inputs[3], *saved[3];
  size_t output_count = below(4), input_count = below(4), saved_count = below(4), i;
  alula_status status;
  for (i = 0; i < 3; i++) {
    outputs[i] = fuzz_tensor();
    inputs[i] = fuzz_tensor();
    saved[i] = once_in(2) ? outputs[i] : fuzz_tensor();
  }
  status = alula_custom_op(once_in(30) ? NULL : out, fuzz_choice(names, 3), outputs, output_count, inputs,
                           once_in(30) ? SIZE_MAX : input_count, saved, saved_count,
                           once_in(20) ? NULL : backward, half, deleter);
  fuzz_status(status);
  half->borrowed += status == ALULA_OK;
  for (i = 0; i < 8; i++) fuzz_keep(out[i]);
}

static void call_dlpack(void) {
  struct DLManagedTensorVersioned *capsule = NULL;
  alula_tensor *out = NULL;
  fuzz_status(alula_tensor_to_dlpack(once_in(30) ? NULL : &capsule, fuzz_tensor()));
  if (capsule == NULL) {
    fuzz_status(alula_tensor_from_dlpack(fuzz_out(&out), NULL));
  } else {
    fuzz_status(alula_tensor_from_dlpack(&out, capsule));
    if (out == NULL) broken("a capsule that does not come back");
  }
  fuzz_keep(out);
}

static const alula_index *index_items(size_t *count) {
  static alula_index items[8];
  size_t i;
  for (i = 0; i < 8; i++) {
    items[i].kind = (alula_index_kind)(once_in(30) ? (int)below(100) - 50 : (int)below(5));
    items[i].start = once_in(3) ? ALULA_NONE : fuzz_int();
    items[i].stop = once_in(3) ? ALULA_NONE : fuzz_int();
    items[i].step = once_in(2) ? ALULA_NONE : fuzz_int();
    items[i].tensor = fuzz_tensor();
  }
  *count = once_in(30) ? SIZE_MAX - below(3) : below(5);
  return once_in(30) || *count > 8 ? NULL : items;
}
static void call_tensor_get(void) {
  alula_tensor *out = NULL, **to = fuzz_out(&out), *x = fuzz_tensor();
  size_t count;
  const alula_index *items = index_items(&count);
  fuzz_status(alula_tensor_get(to, x, items, count));
  fuzz_keep(out);
}
static void call_tensor_split(void) {
  alula_tensor *out[70] = {NULL}, *x = fuzz_tensor();
  size_t count, i;
  const int64_t *lengths = fuzz_ints(&count);
  // Lists too long for the results have impossible lengths.
  if (count > 64) count = SIZE_MAX;
  fuzz_status(alula_tensor_split(once_in(20) ? NULL : out, x, lengths, count, fuzz_int()));
  for (i = 0; i < 70; i++) fuzz_keep(out[i]);
}
static void call_tensor_set_(void) {
  alula_tensor *x = fuzz_tensor(), *value = fuzz_tensor();
  size_t count;
  const alula_index *items = index_items(&count);
  fuzz_status(alula_tensor_set_(x, items, count, value));
}

static const char *fuzz_text(void) {
  static const char *const names[] = {"0.step",       "0.exp_avg", "0.momentum_buffer",
                                      "1.exp_avg_sq", "weight",    "/dev/null"};
  return fuzz_choice(names, 6);
}

static void call_tensor_map(void) {
  static alula_tensor_map *map;
  alula_tensor_map *out = NULL, *m;
  alula_tensor *tensor = NULL;
  const char *name;
  size_t count;
  if (map == NULL && alula_tensor_map_create(&map) != ALULA_OK) broken("no map");
  m = once_in(20) ? nonsense() : once_in(20) ? (alula_tensor_map *)slots[0] : once_in(20) ? NULL : map;
  switch (below(12)) {
    case 0:
      fuzz_status(alula_tensor_map_create(once_in(10) ? NULL : &out));
      break;
    case 1:
      fuzz_status(alula_tensor_map_count(once_in(10) ? NULL : &count, m));
      break;
    case 2:
      fuzz_status(alula_tensor_map_name(once_in(10) ? NULL : &name, m, (size_t)fuzz_int()));
      break;
    case 3:
      fuzz_status(alula_tensor_map_tensor(fuzz_out(&tensor), m, (size_t)fuzz_int()));
      break;
    case 4:
      fuzz_status(alula_tensor_map_find(fuzz_out(&tensor), m, fuzz_text()));
      break;
    case 5:
      fuzz_status(alula_tensor_map_metadata(once_in(10) ? NULL : &name, m, fuzz_text()));
      break;
    case 6:
      fuzz_status(alula_tensor_map_set_metadata(m, fuzz_text(), fuzz_text()));
      break;
    case 7: {
      const char *path = fuzz_text();
      fuzz_status(alula_safetensors_load(once_in(10) ? NULL : &out, path));
      break;
    }
    case 8:
      fuzz_status(alula_safetensors_save(m, once_in(2) ? NULL : "no/such/folder/x"));
      break;
    case 9: {
      const alula_status status = alula_tensor_map_retain(m);
      fuzz_status(status);
      if (status == ALULA_OK) fuzz_status(alula_tensor_map_release(m));
      break;
    }
    default:
      fuzz_status(alula_tensor_map_insert(m, fuzz_text(), fuzz_tensor()));
  }
  fuzz_keep(tensor);
  if (out != NULL && alula_tensor_map_release(out) != ALULA_OK) broken("a handle that cannot be released");
  if (once_in(200)) {
    if (alula_tensor_map_release(map) != ALULA_OK) broken("a handle that cannot be released");
    map = NULL;
  }
  current_map = map;
}

static void call_optimizer(void) {
  alula_tensor *list[4];
  alula_optimizer *out = NULL, *o;
  alula_tensor_map *state = NULL;
  size_t count = once_in(30) ? SIZE_MAX : below(4), i;
  double value;
  alula_sgd_options sgd = ALULA_SGD_OPTIONS_INIT;
  alula_adam_options adam = ALULA_ADAM_OPTIONS_INIT;
  for (i = 0; i < 4; i++) list[i] = fuzz_tensor();
  sgd.struct_size = fuzz_size(sizeof sgd);
  adam.struct_size = fuzz_size(sizeof adam);
  if (once_in(2)) sgd.learning_rate = adam.learning_rate = fuzz_float();
  if (once_in(2)) sgd.momentum = adam.beta1 = fuzz_float();
  if (once_in(4)) sgd.dampening = adam.beta2 = fuzz_float();
  if (once_in(4)) sgd.weight_decay = adam.weight_decay = fuzz_float();
  if (once_in(4)) adam.epsilon = fuzz_float();
  sgd.nesterov = fuzz_bool();
  sgd.maximize = adam.maximize = fuzz_bool();
  switch (below(4)) {
    case 0:
      fuzz_status(alula_sgd_create(once_in(30) ? NULL : &out, count > 4 ? NULL : list, count,
                                   once_in(5) ? NULL : &sgd));
      break;
    case 1:
      fuzz_status(alula_adam_create(once_in(30) ? NULL : &out, count > 4 ? NULL : list, count,
                                    once_in(5) ? NULL : &adam));
      break;
    case 2:
      fuzz_status(alula_adamw_create(once_in(30) ? NULL : &out, count > 4 ? NULL : list, count, &adam));
      break;
    default:
      fuzz_status(alula_clip_grad_norm(once_in(2) ? NULL : &value, count > 4 ? NULL : list, count, fuzz_float(),
                                       once_in(2) ? 2 : fuzz_float()));
  }
  o = out != NULL ? out : once_in(2) ? nonsense() : (alula_optimizer *)slots[1];
  for (i = below(5); i > 0; i--) fuzz_status(alula_optimizer_step(o));
  fuzz_status(alula_optimizer_state(once_in(20) ? NULL : &state, o));
  fuzz_status(alula_optimizer_load_state(o, once_in(4) ? current_map : state));
  fuzz_status(alula_optimizer_set_learning_rate(o, fuzz_float()));
  if (once_in(4)) sgd.momentum = adam.beta1 = fuzz_float();
  if (once_in(2)) fuzz_status(alula_sgd_set_options(o, once_in(5) ? NULL : &sgd));
  if (once_in(2)) fuzz_status(alula_adam_set_options(o, once_in(5) ? NULL : &adam));
  if (once_in(2)) fuzz_status(alula_optimizer_step(o));
  fuzz_status(alula_optimizer_learning_rate(once_in(10) ? NULL : &value, o));
  if (once_in(2)) fuzz_status(alula_optimizer_zero_grad(o));
  if (state != NULL && alula_tensor_map_release(state) != ALULA_OK) broken("a handle that cannot be released");
  if (out != NULL) {
    fuzz_status(alula_optimizer_retain(out));
    fuzz_status(alula_optimizer_release(out));
    if (alula_optimizer_release(out) != ALULA_OK) broken("a handle that cannot be released");
  }
}

static void call_library(void) {
  const int any = (int)below(300) - 150;
  int64_t live, peak, cached;
  (void)alula_abi_version();
  (void)alula_version();
  (void)alula_status_name((alula_status)any);
  (void)alula_dtype_size((alula_dtype)any);
  (void)alula_dtype_name((alula_dtype)any);
  (void)alula_isa();
  (void)alula_num_threads();
  (void)alula_live_handles();
  fuzz_status(
      alula_memory_usage(once_in(4) ? NULL : &live, once_in(4) ? NULL : &peak, once_in(4) ? NULL : &cached));
  if (once_in(10)) alula_memory_reset_peak();
  if (once_in(100)) alula_memory_trim();
  if (once_in(100))
    fuzz_status(alula_set_num_threads(once_in(3) ? (int32_t)draw() >> 8 : 1 + (int32_t)below(3)));
  (void)alula_set_last_error((alula_status)any, once_in(2) ? NULL : "said by the caller");
}

static void call_generator(void) {
  alula_generator *out = NULL, *g = fuzz_generator();
  static uint8_t bytes[64];
  uint64_t seed;
  const size_t size = once_in(4) ? (once_in(2) ? SIZE_MAX : below(64)) : ALULA_GENERATOR_STATE_SIZE;
  switch (below(8)) {
    case 0:
      fuzz_status(alula_generator_create(once_in(10) ? NULL : &out, draw()));
      break;
    case 1:
      fuzz_status(alula_generator_default(once_in(10) ? NULL : &out));
      break;
    case 2:
      fuzz_status(alula_generator_set_seed(g, draw()));
      break;
    case 3:
      fuzz_status(alula_generator_seed(once_in(10) ? NULL : &seed, g));
      break;
    case 4:
      fuzz_status(alula_generator_set_random_seed(once_in(10) ? NULL : &seed, out));
      break;
    case 5:
      fuzz_status(alula_generator_state(once_in(10) ? NULL : bytes, size, g));
      break;
    case 6:
      if (once_in(3)) bytes[below(64)] = (uint8_t)draw();
      fuzz_status(alula_generator_set_state(g, once_in(10) ? NULL : bytes, size > 64 ? SIZE_MAX : size));
      break;
    default: {
      const alula_status status = alula_generator_retain(g);
      fuzz_status(status);
      if (status == ALULA_OK) fuzz_status(alula_generator_release(g));
    }
  }
  if (out != NULL && alula_generator_release(out) != ALULA_OK) broken("a handle that cannot be released");
}

#define ENTRY(name) \
  { "alula_" #name, call_##name }
static const fuzz_entry functions[] = {
    ENTRY(tensor_from_data),
    ENTRY(tensor_borrow),
    ENTRY(tensor_scalar),
    ENTRY(tensor_retain),
    ENTRY(tensor_release),
    ENTRY(tensor_dtype),
    ENTRY(tensor_device),
    ENTRY(tensor_rank),
    ENTRY(tensor_count),
    ENTRY(tensor_data),
    ENTRY(tensor_item),
    ENTRY(tensor_requires_grad),
    ENTRY(tensor_is_leaf),
    ENTRY(tensor_grad_fn),
    ENTRY(tensor_shape),
    ENTRY(operation_number),
    ENTRY(apply),
    ENTRY(tensor_strides),
    ENTRY(tensor_copy_out),
    ENTRY(tensor_mark_written),
    ENTRY(tensor_assign_),
    ENTRY(tensor_set_requires_grad),
    ENTRY(tensor_grad),
    ENTRY(tensor_set_grad),
    ENTRY(tensor_detach),
    ENTRY(backward),
    ENTRY(grad),
    ENTRY(grad_mode),
    ENTRY(tensor_register_hook),
    ENTRY(custom_op),
    ENTRY(dlpack),
    ENTRY(generator),
    ENTRY(tensor_get),
    ENTRY(tensor_split),
    ENTRY(tensor_set_),
    ENTRY(tensor_map),
    ENTRY(optimizer),
    ENTRY(library),
};

// ---- The run -------------------------------------------------------------------------------------------

static void on_signal(int number) {
  char text[256];
  const int length =
      snprintf(text, sizeof text, "fuzz: signal %d in %s, call %lu\n", number, current, call_number);
  (void)!write(STDOUT_FILENO, text, (size_t)length);
  _exit(2);
}

int main(int argc, char **argv) {
  const unsigned long calls = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
  const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
  const char *only = argc > 3 ? argv[3] : NULL;
  const size_t function_count = sizeof functions / sizeof *functions;
  static const int signals[] = {SIGSEGV, SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGABRT, SIGALRM};
  const struct rlimit memory = {(rlim_t)3 << 30, (rlim_t)3 << 30};
  size_t i;

  // What asks for more than fits must be told so, not be given it.
  has_limit = getenv("FUZZ_ANY_MEMORY") == NULL;
  if (has_limit) setrlimit(RLIMIT_AS, &memory);
  for (i = 0; i < sizeof signals / sizeof *signals; i++) signal(signals[i], on_signal);
  state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
  setvbuf(stdout, NULL, _IONBF, 0);

  if (alula_generator_create(&generator, seed) != ALULA_OK) broken("no generator");
  for (call_number = 0; call_number < calls; call_number++) {
    const size_t k = below(fuzz_operation_count + function_count);
    const fuzz_entry *entry = k < function_count ? &functions[k] : &fuzz_operations[k - function_count];
    if (call_number == calls / 2) half = &halves[1];
    if (call_number % generation_length == 0 || call_number == calls / 2) new_generation();
    if (call_number % 64 == 0) alarm(seconds_per_call);
    if (only != NULL && strcmp(only, entry->name) != 0 && !once_in(10)) continue;
    current = entry->name;
    entry->call();
  }
  alarm(0);
  for (i = 0; i < slot_count; i++) {
    forget(slots[i]);
    alula_tensor_release(slots[i]);
  }
  alula_tensor_map_release(current_map);
  if (alula_generator_release(generator) != ALULA_OK) broken("a handle that cannot be released");
  if (alula_live_handles() != 0) broken("handles left over at the end");
  if (halves[0].deleted > halves[0].borrowed) broken("a deleter was called twice for a context");
  if (halves[1].deleted != halves[1].borrowed) broken("a deleter was not called once for each context");
  printf("fuzz: %lu calls, %lu of them successful, seed %lu\n", calls, successes, (unsigned long)seed);
  return 0;
}
