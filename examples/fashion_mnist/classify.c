// Loads the network that train.py has trained, classifies the test images through the C interface alone, and
// compares the logits with Python's, bit for bit.
//
//   classify MODEL.safetensors LOGITS.safetensors IMAGE_FOLDER

#include "check.h"
#include "idx.h"

enum { CLASSES = 10, PIXELS = 28 * 28, BATCH = 500 };

typedef struct {
  alula_tensor *conv1_weight, *conv1_bias, *conv2_weight, *conv2_bias;
  alula_tensor *fc1_weight, *fc1_bias, *fc2_weight, *fc2_bias;
} network;

static alula_tensor *find(alula_tensor_map *map, const char *name) {
  alula_tensor *tensor;
  CHECK(alula_tensor_map_find(&tensor, map, name));
  return tensor;
}

static network load(const char *path) {
  alula_tensor_map *map;
  CHECK(alula_safetensors_load(&map, path));
  network net = {find(map, "conv1.weight"), find(map, "conv1.bias"), find(map, "conv2.weight"),
                 find(map, "conv2.bias"),   find(map, "fc1.weight"), find(map, "fc1.bias"),
                 find(map, "fc2.weight"),   find(map, "fc2.bias")};
  CHECK(alula_tensor_map_release(map));
  return net;
}

static void unload(network net) {
  alula_tensor *all[] = {net.conv1_weight, net.conv1_bias, net.conv2_weight, net.conv2_bias,
                         net.fc1_weight,   net.fc1_bias,   net.fc2_weight,   net.fc2_bias};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) CHECK(alula_tensor_release(all[i]));
}

// The greatest pixels of each 2×2 square, in place of the images.
static alula_tensor *halve(alula_tensor *x) {
  const int64_t two[] = {2, 2};
  alula_tensor *values, *indices;
  CHECK(alula_max_pool2d(&values, &indices, x, two, NULL, 0, NULL, NULL));
  CHECK(alula_tensor_release(indices));
  CHECK(alula_tensor_release(x));
  return values;
}

// The logits (n, 10) of images (n, 1, 28, 28), whose place they take.
static alula_tensor *forward(network net, alula_tensor *x) {
  const int64_t two[] = {2, 2}, flat[] = {-1, 64 * 7 * 7};
  alula_conv2d_options same = ALULA_CONV2D_OPTIONS_INIT;
  same.padding = two;
  CHAIN(x, alula_conv2d, net.conv1_weight, net.conv1_bias, &same);
  CHAIN1(x, alula_relu);
  x = halve(x);
  CHAIN(x, alula_conv2d, net.conv2_weight, net.conv2_bias, &same);
  CHAIN1(x, alula_relu);
  x = halve(x);
  CHAIN(x, alula_reshape, flat, 2);
  CHAIN(x, alula_linear, net.fc1_weight, net.fc1_bias);
  CHAIN1(x, alula_relu);
  CHAIN(x, alula_linear, net.fc2_weight, net.fc2_bias);
  return x;
}

static int best(const float *logits) {
  int class = 0;
  for (int i = 1; i < CLASSES; i++)
    if (logits[i] > logits[class]) class = i;
  return class;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: classify MODEL.safetensors LOGITS.safetensors IMAGE_FOLDER\n");
    return 2;
  }
  const idx_file images = idx_read(argv[3], "t10k-images-idx3-ubyte", PIXELS);
  const idx_file labels = idx_read(argv[3], "t10k-labels-idx1-ubyte", 1);
  if (images.count != labels.count) return fprintf(stderr, "images and labels differ in number\n"), 1;
  const int64_t n = images.count;
  const network net = load(argv[1]);

  // What Python got.
  alula_tensor_map *map;
  CHECK(alula_safetensors_load(&map, argv[2]));
  alula_tensor *expected_tensor = find(map, "logits");
  float *expected = malloc((size_t)n * CLASSES * sizeof *expected);
  float *logits = malloc((size_t)n * CLASSES * sizeof *logits);
  if (!expected || !logits) return fprintf(stderr, "out of memory\n"), 1;
  CHECK(alula_tensor_copy_out(expected, (size_t)n * CLASSES * sizeof *expected, expected_tensor));

  alula_set_grad_enabled(false);
  for (int64_t i = 0; i < n; i += BATCH) {
    const int64_t size = n - i < BATCH ? n - i : BATCH;
    const int64_t shape[] = {size, 1, 28, 28};
    alula_tensor *x = forward(net, images_from_bytes(images.bytes + i * PIXELS, shape, 4));
    CHECK(alula_tensor_copy_out(logits + i * CLASSES, (size_t)size * CLASSES * sizeof *logits, x));
    CHECK(alula_tensor_release(x));
  }

  int64_t right = 0, same = 0;
  for (int64_t i = 0; i < n; i++) {
    right += best(logits + i * CLASSES) == labels.bytes[i];
    same += best(logits + i * CLASSES) == best(expected + i * CLASSES);
  }
  const int equal_bits = memcmp(logits, expected, (size_t)n * CLASSES * sizeof *logits) == 0;
  printf("C: test accuracy %.2f%%, %lld of %lld predictions as in Python, logits %s\n",
         100.0 * (double)right / (double)n, (long long)same, (long long)n,
         equal_bits ? "equal bit for bit" : "DIFFERENT");

  CHECK(alula_tensor_release(expected_tensor));
  CHECK(alula_tensor_map_release(map));
  unload(net);
  free(expected), free(logits), free(images.bytes), free(labels.bytes);
  return same == n && equal_bits ? 0 : 1;
}
