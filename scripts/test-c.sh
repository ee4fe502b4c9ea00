#!/usr/bin/env bash
# Builds and runs the C programs of Tests/C, or those named: plainly, and with --valgrind under valgrind, too.
#   test-c.sh [--valgrind] [--quick] [--library FOLDER] [--programs FOLDER] [--wrapper COMMAND] [--flags FLAGS]
#             [--except NAME] [NAME...]
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

library=.build/release programs=Tests/C valgrind='' quick='' wrapper='' flags='' except='' names=()
while [ $# -gt 0 ]; do
  case "$1" in
    --valgrind) valgrind=1 ;;
    --quick) quick=--quick ;;
    --library) library=$2 && shift ;;
    --programs) programs=$2 && shift ;;
    --wrapper) wrapper=$2 && shift ;;
    --flags) flags=$2 && shift ;;
    --except) except=$2 && shift ;;
    *) names+=("$1") ;;
  esac
  shift
done
library=$(realpath "$library")
# The name that programs are bound to.
ln -sf libalula.so "$library/libalula.so.1"
export LD_LIBRARY_PATH=$library${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# shellcheck disable=SC2086 # flags are several words
build() {
  local strict="-pedantic -Wall -Wextra -Werror -g -Iinclude" link="-L$library -lalula -lpthread -lm $flags"
  case "$1" in
    *.cc) ${CXX:-c++} -std=c++11 $strict "$1" -o "$2" -L"$library" -lalula ;;
    *) ${CC:-cc} -std=c99 $strict "$1" -o "$2" $link ;;
  esac
}

fail() {
  echo "test-c: $1 failed" >&2
  exit 1
}

count=0
for source in "$programs"/*.c "$programs"/*.cc; do
  name=$(basename "${source%.*}")
  # Its callers have a script of their own.
  [[ ! -e $source || $name == fuzz* || $name == "$except" ]] && continue
  [[ -n $flags && $source == *.cc ]] && continue
  [[ ${#names[@]} -gt 0 && " ${names[*]} " != *" $name "* ]] && continue
  build "$source" "$work/$name"
  # shellcheck disable=SC2086 # the wrapper is several words
  (cd "$work" && $wrapper "./$name" $quick) || fail "$name"
  if [ -n "$valgrind" ]; then
    # The child of a fork has lost the threads that held some objects.
    leaks=full
    [ "$name" = fork ] && leaks=no
    # "Possibly lost" is how the Swift runtime's type metadata look, once per type: it points past their start.
    (cd "$work" && valgrind --quiet --fair-sched=try --leak-check=$leaks --errors-for-leak-kinds=definite,indirect \
      --show-leak-kinds=definite,indirect --error-exitcode=1 --trace-children=yes \
      --suppressions="$root/Tests/C/valgrind.supp" "./$name" --quick) || fail "$name, under valgrind,"
  fi
  count=$((count + 1))
done
[ "$count" -gt 0 ] || fail "finding ${names[*]} in $programs"
echo "test-c: $count programs passed${valgrind:+, under valgrind too}"
