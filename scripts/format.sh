#!/usr/bin/env bash
# Formats all sources in place; with --check only says what is not formatted.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/require.sh clang-format

swift_sources() { git ls-files -co --exclude-standard 'Package.swift' 'Sources/**.swift' 'Tests/**.swift' | grep -v -e /Generated/ -e AlulaCPUAVX; }
c_sources() { git ls-files -co --exclude-standard '*.c' '*.h' | grep -v -e alula_ops.h -e fuzz_operations.c; }

if [ "${1:-}" = --check ]; then
  swift_sources | xargs swift format lint --strict --parallel
  c_sources | xargs -r clang-format --dry-run -Werror
  .venv/bin/ruff format --check --quiet bindings examples benchmarks scripts
  .venv/bin/ruff check --quiet bindings examples benchmarks scripts
else
  swift_sources | xargs swift format --in-place --parallel
  c_sources | xargs -r clang-format -i
  .venv/bin/ruff format --quiet bindings examples benchmarks scripts
  .venv/bin/ruff check --fix --quiet bindings examples benchmarks scripts
fi
