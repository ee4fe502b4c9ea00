// Streams of random numbers: seeds, states, the default generator.
#include "check.h"

static float drawn(alula_generator *generator) {
  const int64_t shape[] = {3};
  alula_tensor *x;
  float value;
  alula_random_uniform_options options = ALULA_RANDOM_UNIFORM_OPTIONS_INIT;
  options.generator = generator;
  OK(alula_random_uniform(&x, shape, 1, &options));
  value = element(x, 2);
  CHECK(value >= 0 && value < 1);
  OK(alula_tensor_release(x));
  return value;
}

int main(void) {
  alula_generator *a, *b, *standard;
  uint8_t state[ALULA_GENERATOR_STATE_SIZE];
  uint64_t seed;
  float first, second;
  OK(alula_generator_create(&a, 7));
  OK(alula_generator_create(&b, 7));
  OK(alula_generator_seed(&seed, a));
  CHECK(seed == 7);
  first = drawn(a);
  CHECK(drawn(b) == first);

  OK(alula_generator_state(state, sizeof state, a));
  second = drawn(a);
  CHECK(second != first);
  OK(alula_generator_set_state(b, state, sizeof state));
  CHECK(drawn(b) == second);
  OK(alula_generator_set_seed(a, 7));
  CHECK(drawn(a) == first);
  OK(alula_generator_set_random_seed(&seed, a));
  first = drawn(a);
  OK(alula_generator_set_seed(a, seed));
  CHECK(drawn(a) == first);

  FAILS(ALULA_INVALID_ARGUMENT, alula_generator_state(state, 3, a));
  FAILS(ALULA_INVALID_ARGUMENT, alula_generator_set_state(a, state, 3));
  state[0] ^= 1;
  FAILS(ALULA_INVALID_ARGUMENT, alula_generator_set_state(a, state, sizeof state));

  // NULL is the default generator.
  OK(alula_generator_default(&standard));
  OK(alula_generator_set_seed(NULL, 7));
  CHECK(drawn(NULL) != drawn(standard));
  OK(alula_generator_set_seed(standard, 7));
  FAILS(ALULA_INVALID_HANDLE, alula_tensor_release((alula_tensor *)standard));
  OK(alula_generator_release(standard));
  OK(alula_generator_release(a));
  OK(alula_generator_release(b));
  FAILS(ALULA_INVALID_HANDLE, alula_generator_seed(&seed, a));
  CHECK(alula_live_handles() == 0);
  return 0;
}
