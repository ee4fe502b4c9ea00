#define _GNU_SOURCE
#include "csupport.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t enabled_state(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return ((uint64_t)high << 32) | low;
}

bool csupport_has_avx2(void) {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return false;
  const uint32_t needed = bit_FMA | bit_OSXSAVE | bit_AVX | bit_F16C;
  if ((c & needed) != needed) return false;
  // The operating system must save the upper halves of the vector registers.
  if ((enabled_state() & 6) != 6) return false;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  return (b & bit_AVX2) != 0;
}

bool csupport_has_avx512(void) {
  uint32_t a, b, c, d;
  if (!csupport_has_avx2()) return false;
  // The masks, the upper halves of the first 16 registers, and the other 16.
  if ((enabled_state() & 0xE6) != 0xE6) return false;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  const uint32_t needed = bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL;
  if ((b & needed) != needed || a < 1) return false;
  if (!__get_cpuid_count(7, 1, &a, &b, &c, &d)) return false;
  return (a & bit_AVX512BF16) != 0;
}

bool csupport_multiplies_pairs_at_full_rate(void) {
  uint32_t a, b, c, d;
  return csupport_has_avx512() && __get_cpuid(0, &a, &b, &c, &d) && b == signature_AMD_ebx;
}

bool csupport_prefetching_gains = true;

__attribute__((constructor)) static void look_at_vendor(void) {
  uint32_t a, b, c, d;
  if (__get_cpuid(0, &a, &b, &c, &d)) csupport_prefetching_gains = b != signature_AMD_ebx;
}

bool csupport_enable_tiles(void) {
  uint32_t a, b, c, d;
  if (!csupport_has_avx512() || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  const uint32_t tiles_of_bfloat16 = 1u << 22, tiles = 1u << 24, needed = tiles_of_bfloat16 | tiles;
  if ((d & needed) != needed || (enabled_state() & 0x60000) != 0x60000) return false;
#if defined(__linux__) && defined(SYS_arch_prctl)
  const int request_permission = 0x1023, tile_data = 18;
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
  return false;
#endif
}
#else
bool csupport_prefetching_gains = true;
bool csupport_has_avx2(void) { return false; }
bool csupport_has_avx512(void) { return false; }
bool csupport_multiplies_pairs_at_full_rate(void) { return false; }
bool csupport_enable_tiles(void) { return false; }
#endif
