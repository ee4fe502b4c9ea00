// The header in C++, included twice and beside another definition of DLPack's structure.
#include <alula.h>
#include <alula.h>

struct DLManagedTensorVersioned {
  int anything;
};

int main() {
  alula_tensor *x = nullptr;
  const int64_t shape[] = {2, 3};
  if (alula_full(&x, shape, 2, alula_float(1), ALULA_FLOAT32, ALULA_CPU) != ALULA_OK) return 1;
  return alula_tensor_release(x) == ALULA_OK ? 0 : 1;
}
