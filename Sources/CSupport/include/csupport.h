// The few lines that must be C: thread-local slots, the processor's features and the kernel's futexes.
#ifndef CSUPPORT_H
#define CSUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dlpack_layout.h"
#include "kernels.h"
#include "python_layout.h"
#include "tables.h"
#include "vectors.h"

/// Replaces the calling thread's status and error message; longer ones are cut at a character boundary.
void csupport_set_error(int32_t status, const char *message);

/// The calling thread's error message, "" before the first error. Never NULL.
const char *csupport_last_error(void);

/// What one thread knows about itself.
typedef struct {
  /// 0: record gradients, otherwise the number of open no-grad scopes.
  int32_t no_grad_depth;
  /// True inside a chunk of a parallel loop: nested loops run inline.
  bool in_parallel;
  /// The last failure's.
  int32_t last_status;
  /// The list of autograd nodes being torn down, or NULL (an unmanaged Swift object).
  void *teardown;
  /// Vacant slots for handles, and blocks of memory, that the thread holds ready, or NULL.
  void *vacant_slots;
  void *blocks;
} csupport_thread;

csupport_thread *csupport_current_thread(void);

/// True when both the processor and the operating system support AVX2, FMA and F16C.
bool csupport_has_avx2(void);

/// True when both also support AVX-512 with its F, DQ, BW, VL and BF16 parts: AMD from Zen 4, Intel's Cooper
/// Lake and from Sapphire Rapids.
bool csupport_has_avx512(void);

/// Whether the processor multiplies pairs of bfloat16 at the rate of its float32 products, so that twice as
/// many fit in the same time. AMD's do; Intel's up to Emerald Rapids issue one such instruction where they
/// issue four others.
bool csupport_multiplies_pairs_at_full_rate(void);

/// Whether the processor multiplies tiles of bfloat16 matrices and this process may: it asks the system for
/// that, which from then on keeps more of the processor's state for each thread, and needs 8 KB more of the
/// stack of a thread that receives a signal.
bool csupport_enable_tiles(void);

/// Whether a loop that only reads memory gains by asking for its lines a few kilobytes ahead: on processors
/// other than AMD's.
static inline bool csupport_gains_by_prefetching(void) {
  extern bool csupport_prefetching_gains;
  return csupport_prefetching_gains;
}

/// Sleeps while the 32-bit `word` holds `expected`; may return early. No other process sees the word.
void csupport_futex_wait(void *word, uint32_t expected);

/// Wakes up to `count` threads that sleep on `word`.
void csupport_futex_wake(void *word, int32_t count);

/// Tells the processor that this is a spinning loop.
static inline void csupport_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// The number of processors this thread may run on; at least 1.
int32_t csupport_affinity_count(void);

/// The kernel's number of the calling thread.
int32_t csupport_thread_number(void);

/// The processor time, in nanoseconds, of the thread of this process that has the number; -1 when there is
/// none.
int64_t csupport_processor_time(int32_t thread);

/// Moves a thread of this process to the processor of the calling one, if it may run there. Where it may run
/// stays the same.
void csupport_bring_thread(int32_t thread);

/// The processor that the calling thread is on, or -1.
int32_t csupport_processor(void);

/// Moves the calling thread to another processor, if it may run on one.
void csupport_leave_processor(void);

#endif
