// Random and hostile arguments, for the callers in fuzz.c and fuzz_operations.c.
#ifndef FUZZ_H
#define FUZZ_H

#include <alula.h>

typedef struct {
  const char *name;
  void (*call)(void);
} fuzz_entry;

extern const fuzz_entry fuzz_operations[];
extern const size_t fuzz_operation_count;

// Mostly a living tensor; also NULL, one that was released, a handle of another type, and nonsense.
alula_tensor *fuzz_tensor(void);
alula_generator *fuzz_generator(void);
// Mostly `out`; NULL at times.
alula_tensor **fuzz_out(alula_tensor **out);
// A list whose length may be zero or absurd, and which may be NULL.
alula_tensor *const *fuzz_tensors(size_t *count);
const int64_t *fuzz_ints(size_t *count);
// `count` integers, or NULL.
const int64_t *fuzz_spatial(size_t count);
bool fuzz_bool(void);
// Mostly small; also the ends of the range and sizes whose products overflow.
int64_t fuzz_int(void);
double fuzz_float(void);
alula_dtype fuzz_dtype(void);
alula_device fuzz_device(void);
alula_scalar fuzz_scalar(void);
// One of `choices`, or NULL, or another text.
const char *fuzz_choice(const char *const *choices, size_t count);
// The size of an options structure: right, or of another version, or absurd.
size_t fuzz_size(size_t right);

// Checks that a status is one of the header's and that failures come with a message.
void fuzz_status(alula_status status);
// Takes a result (or NULL) over: for later calls, or to be released.
void fuzz_keep(alula_tensor *tensor);

#endif
