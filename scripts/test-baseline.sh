#!/usr/bin/env bash
# The C programs on the baseline instruction set: on this processor, and under an emulated one that has nothing better.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/require.sh cc qemu-x86_64

programs=(lifecycle views borrowed dlpack custom_op hooks generators)
ALULA_ISA=baseline scripts/test-c.sh isa "${programs[@]}"
if [ "$(uname -m)" = x86_64 ]; then
  EXPECTED_ISA=baseline scripts/test-c.sh --quick --wrapper "qemu-x86_64 -cpu Nehalem" isa autograd "${programs[@]}"
fi
