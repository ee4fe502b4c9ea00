#!/usr/bin/env bash
# The Swift suites and the C programs under AddressSanitizer and ThreadSanitizer: sanitize.sh [address|thread]...
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/require.sh swift

# Runtime libraries must be those of the compiler that built the library.
toolchain=$(dirname "$(readlink -f "$(command -v swift)")")
export CC=$toolchain/clang
runtime=$(dirname "$toolchain")/lib/swift/linux

# ThreadSanitizer's runtime knows of libdispatch, which nothing here uses.
declare -A flags=(
  [address]="-fsanitize=address -fuse-ld=lld"
  [thread]="-fsanitize=thread -fuse-ld=lld -L$runtime -ldispatch -lBlocksRuntime -Wl,-rpath,$runtime"
)
export ASAN_OPTIONS=detect_stack_use_after_return=1 TSAN_OPTIONS=halt_on_error=1
export LSAN_OPTIONS=suppressions=$PWD/Tests/lsan.supp:print_suppressions=0

[ $# -gt 0 ] || set -- address thread
for sanitizer in "$@"; do
  build=(-c release --sanitize "$sanitizer" --scratch-path ".build-$sanitizer" --quiet)
  swift build "${build[@]}" --product alula
  c=(--library ".build-$sanitizer/release" --flags "${flags[$sanitizer]}" --quick)

  if scripts/test-c.sh "${c[@]}" --programs Tests/C/planted "$sanitizer" > /dev/null 2>&1; then
    echo "sanitize: $sanitizer does not see a planted defect" >&2
    exit 1
  fi
  case $sanitizer in
    thread) scripts/test-c.sh "${c[@]}" --except fork ;;
    *) scripts/test-c.sh "${c[@]}" ;;
  esac
  scripts/test-fuzz.sh --library ".build-$sanitizer/release" --flags "${flags[$sanitizer]}" 50000
  # A process that forks while it has threads is beyond ThreadSanitizer.
  case $sanitizer in
    thread) swift test "${build[@]}" --skip ForkTests ;;
    *) swift test "${build[@]}" ;;
  esac
  echo "sanitize: $sanitizer has nothing to report"
done
