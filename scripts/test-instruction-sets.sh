#!/usr/bin/env bash
# The instruction sets that this processor would not choose: on this processor with every generated test, and the baseline
# under an emulated processor that has nothing better with the C programs and every operation's samples in both usual dtypes.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/require.sh cc qemu-x86_64

programs=(lifecycle views borrowed dlpack custom_op hooks generators)
python=$PWD/.venv/bin/python
isa() { "$python" -c "import alula; print(alula.isa())"; }
best=$(isa)
for lesser in baseline avx2; do
  export ALULA_ISA=$lesser
  # Asking for what the processor lacks, or chooses anyway, tests nothing new.
  if [ "$(isa)" != "$lesser" ] || [ "$lesser" = "$best" ]; then continue; fi
  EXPECTED_ISA=$lesser scripts/test-c.sh isa "${programs[@]}"
  (cd bindings/python && "$python" -m pytest -q -n 2 tests/test_catalog_*.py tests/test_accuracy.py tests/test_products.py \
    tests/test_broadcasting.py tests/test_reductions.py)
done
unset ALULA_ISA
cd bindings/python
[ "$(uname -m)" = x86_64 ] || exit 0

nehalem=(qemu-x86_64 -cpu Nehalem)
EXPECTED_ISA=baseline ../../scripts/test-c.sh --quick --wrapper "${nehalem[*]}" isa autograd "${programs[@]}"
# Emulated processes, one per core: pytest's own workers would not be emulated.
pids=()
for dtype in float32 float64; do
  "${nehalem[@]}" "$python" -m pytest -q -p no:cacheprovider tests/test_catalog_forward.py -k "test_values and $dtype" &
  pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid"; done
