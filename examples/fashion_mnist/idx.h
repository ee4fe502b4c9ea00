// Reads IDX files of unsigned bytes, the format of Fashion-MNIST, uncompressed.
#ifndef IDX_H
#define IDX_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  unsigned char *bytes;
  int64_t count;
  // Bytes per item: 784 for images, 1 for labels.
  int64_t item_size;
} idx_file;

static uint32_t idx_big_endian(const unsigned char *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

// Ends the program with a message when the file is missing, damaged or of another item size.
static idx_file idx_read(const char *directory, const char *name, int64_t item_size) {
  char path[4096];
  unsigned char header[16];
  idx_file file = {NULL, 0, item_size};
  snprintf(path, sizeof path, "%s/%s", directory, name);
  FILE *stream = fopen(path, "rb");
  if (!stream) {
    fprintf(stderr, "%s: cannot be opened\n", path);
    exit(1);
  }
  const size_t rank = item_size == 1 ? 1 : 3;
  int whole = fread(header, 1, 4 + 4 * rank, stream) == 4 + 4 * rank && header[0] == 0 && header[1] == 0 &&
              header[2] == 8 && header[3] == rank;
  if (whole) {
    file.count = idx_big_endian(header + 4);
    if (rank == 3) whole = (int64_t)idx_big_endian(header + 8) * idx_big_endian(header + 12) == item_size;
  }
  if (whole) {
    const size_t size = (size_t)(file.count * item_size);
    file.bytes = malloc(size ? size : 1);
    whole = file.bytes && fread(file.bytes, 1, size, stream) == size && fgetc(stream) == EOF;
  }
  fclose(stream);
  if (!whole) {
    fprintf(stderr, "%s: not a whole IDX file of items of %d bytes\n", path, (int)item_size);
    exit(1);
  }
  return file;
}

#endif
