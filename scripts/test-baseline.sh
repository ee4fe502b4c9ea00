#!/usr/bin/env bash
# The baseline instruction set: on this processor with every generated test, and under an emulated processor that has
# nothing better with the C programs and every operation's samples in both usual dtypes.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/require.sh cc qemu-x86_64

programs=(lifecycle views borrowed dlpack custom_op hooks generators)
ALULA_ISA=baseline scripts/test-c.sh isa "${programs[@]}"
python=$PWD/.venv/bin/python
cd bindings/python
ALULA_ISA=baseline "$python" -m pytest -q -n 2 tests/test_catalog_*.py tests/test_accuracy.py tests/test_products.py
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
