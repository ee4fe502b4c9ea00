#!/usr/bin/env bash
# Calls the C interface with random and hostile arguments: test-fuzz.sh [CALLS [SEED [FUNCTION]]]
set -euo pipefail
cd "$(dirname "$0")/.."

ln -sf libalula.so .build/release/libalula.so.1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -std=c99 -pedantic -Wall -Wextra -Werror -O1 -g -Iinclude Tests/C/fuzz.c Tests/C/fuzz_operations.c \
  -o "$work/fuzz" -L.build/release -lalula -lm
LD_LIBRARY_PATH=.build/release "$work/fuzz" "${1:-1000000}" "${@:2}"
