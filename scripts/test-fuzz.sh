#!/usr/bin/env bash
# Calls the C interface with random and hostile arguments.
#   test-fuzz.sh [--library FOLDER] [--flags FLAGS] [CALLS [SEED [FUNCTION]]]
set -euo pipefail
cd "$(dirname "$0")/.."

library=.build/release flags='' arguments=()
while [ $# -gt 0 ]; do
  case "$1" in
    --library) library=$2 && shift ;;
    --flags) flags=$2 && shift ;;
    *) arguments+=("$1") ;;
  esac
  shift
done
[ ${#arguments[@]} -gt 0 ] || arguments=(1000000)
# Sanitizers reserve more addresses than the program allows itself otherwise.
[ -z "$flags" ] || export FUZZ_ANY_MEMORY=1

ln -sf libalula.so "$library/libalula.so.1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC2086 # flags are several words
${CC:-cc} -std=c99 -pedantic -Wall -Wextra -Werror -O1 -g -Iinclude Tests/C/fuzz.c Tests/C/fuzz_operations.c \
  -o "$work/fuzz" -L"$library" -lalula -lm $flags
LD_LIBRARY_PATH=$library "$work/fuzz" "${arguments[@]}"
