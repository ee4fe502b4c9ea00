#!/usr/bin/env bash
# Every check there is, the quick ones first; stops at the first that fails.
set -euo pipefail
cd "$(dirname "$0")/.."
started=$SECONDS

step() {
  local name=$1 begin=$SECONDS
  shift
  echo "== $name"
  "$@"
  echo "-- $name: $((SECONDS - begin)) s"
}

scripts/require.sh swift cc c++ valgrind qemu-x86_64 clang-format pkg-config
step "lint" scripts/lint.sh
step "kernels" scripts/check-kernels.sh
step "ABI" scripts/check-abi.sh
step "Swift" scripts/test-swift.sh
step "C" scripts/test-c.sh --valgrind
step "hostile arguments" scripts/test-fuzz.sh
step "installation" scripts/test-install.sh
step "Python" scripts/test-python.sh
step "waiting calls" scripts/test-fusion.sh
step "examples" scripts/test-examples.sh
step "lesser instruction sets" scripts/test-instruction-sets.sh
echo "all checks passed in $((SECONDS - started)) s"
