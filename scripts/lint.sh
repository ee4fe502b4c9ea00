#!/usr/bin/env bash
# Formatting, types, and whether generated files are what the catalog generates now.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/format.sh --check
(cd bindings/python && ../../.venv/bin/python -m mypy --strict src/alula)

swift build -c release --quiet --product alula-catalog
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
generated=$(.build/release/alula-catalog paths)
for path in $generated; do mkdir -p "$fresh/$(dirname "$path")"; done
.build/release/alula-catalog write "$fresh"
for path in $generated; do
  diff -q "$path" "$fresh/$path" > /dev/null || {
    echo "alula: $path is stale; run 'make generate'" >&2
    exit 1
  }
done
echo "lint: sources formatted, types checked, generated files fresh"
