// The matrix unit of Intel's processors (AMX): eight registers of 16 rows of 64 bytes. Here four of them hold
// the sums of 32 by 32 float32 elements, and four the operands of one step.
#ifndef ALULA_TILES_H
#define ALULA_TILES_H

#include <stdint.h>

#if defined(__AMX_BF16__)
#define TILES_FUNCTION static inline __attribute__((always_inline))

/// Sets the registers up for this thread, which must end that when it is done.
TILES_FUNCTION void tiles_begin(void) {
  struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } shapes = {.palette = 1};
  for (int i = 0; i < 8; i++) {
    shapes.row_bytes[i] = 64;
    shapes.rows[i] = 16;
  }
  __builtin_ia32_tile_loadconfig(&shapes);
}

TILES_FUNCTION void tiles_end(void) { __builtin_ia32_tilerelease(); }

TILES_FUNCTION void tiles_zero(void) {
  __builtin_ia32_tilezero(0);
  __builtin_ia32_tilezero(1);
  __builtin_ia32_tilezero(2);
  __builtin_ia32_tilezero(3);
}

/// Reads the sums from a matrix whose rows are `step` bytes apart.
TILES_FUNCTION void tiles_load(const void *sums, intptr_t step) {
  __builtin_ia32_tileloadd64(0, sums, step);
  __builtin_ia32_tileloadd64(1, (const char *)sums + 64, step);
  __builtin_ia32_tileloadd64(2, (const char *)sums + 16 * step, step);
  __builtin_ia32_tileloadd64(3, (const char *)sums + 16 * step + 64, step);
}

TILES_FUNCTION void tiles_store(void *sums, intptr_t step) {
  __builtin_ia32_tilestored64(0, sums, step);
  __builtin_ia32_tilestored64(1, (char *)sums + 64, step);
  __builtin_ia32_tilestored64(2, (char *)sums + 16 * step, step);
  __builtin_ia32_tilestored64(3, (char *)sums + 16 * step + 64, step);
}

/// Adds the products of 32 rows and 32 columns of 32 bfloat16 numbers each. Rows lie one after another; columns
/// as two blocks of 16, each of 16 rows of pairs.
TILES_FUNCTION void tiles_multiply(const void *rows, const void *columns) {
  __builtin_ia32_tileloadd64(4, rows, 64);
  __builtin_ia32_tileloadd64(6, columns, 64);
  __builtin_ia32_tdpbf16ps(0, 4, 6);
  __builtin_ia32_tileloadd64(7, (const char *)columns + 1024, 64);
  __builtin_ia32_tdpbf16ps(1, 4, 7);
  __builtin_ia32_tileloadd64(5, (const char *)rows + 1024, 64);
  __builtin_ia32_tdpbf16ps(2, 5, 6);
  __builtin_ia32_tdpbf16ps(3, 5, 7);
}
#endif

#endif
