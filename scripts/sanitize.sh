#!/usr/bin/env bash
# The Swift suites and the C programs under AddressSanitizer and ThreadSanitizer: sanitize.sh [address|thread]...
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/require.sh swift clang

for sanitizer in "${@:-address thread}"; do for kind in $sanitizer; do
  folder=.build-$kind
  echo "== $kind: building"
  swift build -c release --sanitize "$kind" --scratch-path "$folder" --quiet
done; done
