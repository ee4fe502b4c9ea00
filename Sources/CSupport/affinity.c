#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "csupport.h"

int32_t csupport_affinity_count(void) {
  // The kernel's mask may be wider than cpu_set_t: grow until it fits.
  for (int cpus = 1024; cpus <= 1 << 18; cpus *= 4) {
    cpu_set_t *set = CPU_ALLOC(cpus);
    if (set == NULL) return 1;
    const size_t size = CPU_ALLOC_SIZE(cpus);
    const int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
  return 1;
}

int32_t csupport_thread_number(void) { return (int32_t)syscall(SYS_gettid); }

int64_t csupport_processor_time(int32_t thread) {
  // The kernel's name of a thread's clock, as pthread_getcpuclockid makes it.
  const clockid_t clock = (clockid_t)((~(uint32_t)thread << 3) | 6);
  struct timespec time;
  if (clock_gettime(clock, &time) != 0) return -1;
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int32_t csupport_processor(void) { return sched_getcpu(); }

/// Restricts a thread to one processor, or to all but that, and lets it run where it could before: the kernel
/// moves it at once, and leaves it there. Machines of more than 1024 processors are left alone.
static void move(pid_t thread, bool to) {
  cpu_set_t all, wanted, one;
  const int processor = sched_getcpu();
  if (processor < 0 || processor >= CPU_SETSIZE || sched_getaffinity(thread, sizeof all, &all) != 0) return;
  if (!CPU_ISSET(processor, &all)) return;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);
  if (to) {
    wanted = one;
  } else {
    CPU_XOR(&wanted, &all, &one);
  }
  if (CPU_COUNT(&wanted) == 0) return;
  if (sched_setaffinity(thread, sizeof wanted, &wanted) == 0) sched_setaffinity(thread, sizeof all, &all);
}

void csupport_bring_thread(int32_t thread) { move(thread, true); }

void csupport_leave_processor(void) { move(0, false); }
