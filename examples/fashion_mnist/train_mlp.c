// Trains a multilayer perceptron on Fashion-MNIST with nothing but the C interface.
//
//   train_mlp IMAGE_FOLDER [EPOCHS]

#include "check.h"
#include "idx.h"

enum { CLASSES = 10, PIXELS = 28 * 28, HIDDEN = 128, BATCH = 64, PARAMETERS = 4 };

// A parameter of uniform values between -bound and bound.
static alula_tensor *parameter(const int64_t *shape, size_t rank, double bound, alula_generator *generator) {
  alula_tensor *tensor;
  alula_random_uniform_options uniform = ALULA_RANDOM_UNIFORM_OPTIONS_INIT;
  uniform.low = -bound;
  uniform.high = bound;
  uniform.generator = generator;
  CHECK(alula_random_uniform(&tensor, shape, rank, &uniform));
  CHECK(alula_tensor_set_requires_grad(tensor, true));
  return tensor;
}

// The logits (n, 10) of images (n, 784), whose place they take.
static alula_tensor *forward(alula_tensor *const *p, alula_tensor *x) {
  CHAIN(x, alula_linear, p[0], p[1]);
  CHAIN1(x, alula_relu);
  CHAIN(x, alula_linear, p[2], p[3]);
  return x;
}

// Which images make up a batch, and their labels.
typedef struct {
  alula_tensor *images, *labels;
} batch;

static batch gather(idx_file images, idx_file labels, const int64_t *rows, int64_t size) {
  unsigned char bytes[BATCH * PIXELS];
  int64_t classes[BATCH];
  for (int64_t i = 0; i < size; i++) {
    memcpy(bytes + i * PIXELS, images.bytes + rows[i] * PIXELS, PIXELS);
    classes[i] = labels.bytes[rows[i]];
  }
  const int64_t shape[] = {size, PIXELS};
  batch result;
  result.images = images_from_bytes(bytes, shape, 2);
  CHECK(alula_tensor_from_data(&result.labels, classes, shape, 1, ALULA_INT64, ALULA_CPU));
  return result;
}

static double item(alula_tensor *tensor) {
  alula_scalar value;
  CHECK(alula_tensor_item(&value, tensor));
  return value.real;
}

static double train_epoch(alula_tensor *const *parameters, alula_optimizer *optimizer, idx_file images,
                          idx_file labels, alula_generator *generator) {
  alula_tensor *order_tensor;
  int64_t *order = malloc((size_t)images.count * sizeof *order);
  if (!order) exit(1);
  CHECK(alula_random_permutation(&order_tensor, images.count, ALULA_CPU, generator));
  CHECK(alula_tensor_copy_out(order, (size_t)images.count * sizeof *order, order_tensor));
  CHECK(alula_tensor_release(order_tensor));

  double total = 0;
  for (int64_t i = 0; i < images.count; i += BATCH) {
    const int64_t size = images.count - i < BATCH ? images.count - i : BATCH;
    const batch b = gather(images, labels, order + i, size);
    alula_tensor *loss, *logits = forward(parameters, b.images);
    CHECK(alula_cross_entropy(&loss, logits, b.labels, NULL, "mean", -100, 0));
    CHECK(alula_optimizer_zero_grad(optimizer));
    CHECK(alula_backward(&loss, NULL, 1, false, false));
    CHECK(alula_optimizer_step(optimizer));
    total += item(loss) * (double)size;
    CHECK(alula_tensor_release(loss));
    CHECK(alula_tensor_release(logits));
    CHECK(alula_tensor_release(b.labels));
  }
  free(order);
  return total / (double)images.count;
}

static double accuracy(alula_tensor *const *parameters, idx_file images, idx_file labels) {
  const int64_t shape[] = {images.count, PIXELS};
  alula_set_grad_enabled(false);
  alula_tensor *classes, *logits = forward(parameters, images_from_bytes(images.bytes, shape, 2));
  int64_t *predicted = malloc((size_t)images.count * sizeof *predicted), right = 0;
  if (!predicted) exit(1);
  CHECK(alula_argmax(&classes, logits, 1, false));
  CHECK(alula_tensor_copy_out(predicted, (size_t)images.count * sizeof *predicted, classes));
  for (int64_t i = 0; i < images.count; i++) right += predicted[i] == labels.bytes[i];
  CHECK(alula_tensor_release(classes));
  CHECK(alula_tensor_release(logits));
  alula_set_grad_enabled(true);
  free(predicted);
  return (double)right / (double)images.count;
}

int main(int argc, char **argv) {
  if (argc < 2 || argc > 3) return fprintf(stderr, "usage: train_mlp IMAGE_FOLDER [EPOCHS]\n"), 2;
  const int epochs = argc == 3 ? atoi(argv[2]) : 1;
  const idx_file images = idx_read(argv[1], "train-images-idx3-ubyte", PIXELS);
  const idx_file labels = idx_read(argv[1], "train-labels-idx1-ubyte", 1);
  const idx_file test_images = idx_read(argv[1], "t10k-images-idx3-ubyte", PIXELS);
  const idx_file test_labels = idx_read(argv[1], "t10k-labels-idx1-ubyte", 1);

  alula_generator *generator;
  CHECK(alula_generator_create(&generator, 0));
  const int64_t hidden[] = {HIDDEN, PIXELS}, output[] = {CLASSES, HIDDEN};
  alula_tensor *parameters[PARAMETERS] = {
      parameter(hidden, 2, 1.0 / 28, generator),
      parameter(hidden, 1, 1.0 / 28, generator),
      parameter(output, 2, 0.088, generator),
      parameter(output, 1, 0.088, generator),
  };
  alula_optimizer *optimizer;
  alula_adam_options adam = ALULA_ADAM_OPTIONS_INIT;
  adam.learning_rate = 1e-3;
  CHECK(alula_adam_create(&optimizer, parameters, PARAMETERS, &adam));

  for (int epoch = 1; epoch <= epochs; epoch++) {
    const double loss = train_epoch(parameters, optimizer, images, labels, generator);
    printf("C: epoch %d, mean loss %.4f, test accuracy %.2f%%\n", epoch, loss,
           100 * accuracy(parameters, test_images, test_labels));
    fflush(stdout);
  }

  CHECK(alula_optimizer_release(optimizer));
  for (int i = 0; i < PARAMETERS; i++) CHECK(alula_tensor_release(parameters[i]));
  CHECK(alula_generator_release(generator));
  free(images.bytes), free(labels.bytes), free(test_images.bytes), free(test_labels.bytes);
  return 0;
}
