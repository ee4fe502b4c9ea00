// The instruction set is the one asked for by the environment, and never one that the processor lacks.
#include "check.h"

int main(void) {
  const char *asked = getenv("ALULA_ISA"), *expected = getenv("EXPECTED_ISA"), *isa = alula_isa();
  CHECK(strcmp(isa, "baseline") == 0 || strcmp(isa, "avx2") == 0 || strcmp(isa, "avx512") == 0);
  if (asked != NULL && strcmp(asked, "baseline") == 0) CHECK(strcmp(isa, "baseline") == 0);
  if (expected != NULL) CHECK(strcmp(isa, expected) == 0);
  return 0;
}
