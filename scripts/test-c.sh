#!/usr/bin/env bash
# Builds and runs the C programs of Tests/C against the library: plainly, and with --valgrind under valgrind, too.
#   test-c.sh [--valgrind] [--library DIRECTORY] [--wrapper COMMAND] [--flags FLAGS] [NAME...]
set -euo pipefail
cd "$(dirname "$0")/.."

library=$PWD/.build/release valgrind='' wrapper='' flags='' names=()
while [ $# -gt 0 ]; do
  case "$1" in
    --valgrind) valgrind=1 ;;
    --library) library=$(realpath "$2") && shift ;;
    --wrapper) wrapper=$2 && shift ;;
    --flags) flags=$2 && shift ;;
    *) names+=("$1") ;;
  esac
  shift
done

# The name that programs are bound to.
ln -sf libalula.so "$library/libalula.so.1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC2086 # flags are several words
build() {
  local source=$1 output=$2
  case "$source" in
    *.cc) c++ -std=c++11 -pedantic -Wall -Wextra -Werror -Iinclude "$source" $flags -o "$output" -L"$library" -lalula ;;
    *) cc -std=c99 -pedantic -Wall -Wextra -Werror -O1 -g -Iinclude "$source" $flags -o "$output" -L"$library" -lalula -lpthread -lm ;;
  esac
}

export LD_LIBRARY_PATH=$library${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
count=0
for source in Tests/C/*.c Tests/C/*.cc; do
  name=$(basename "${source%.*}")
  # The generated callers have a script of their own.
  [[ $name == fuzz* ]] && continue
  if [ ${#names[@]} -gt 0 ] && [[ " ${names[*]} " != *" $name "* ]]; then continue; fi
  program=$work/$name
  build "$source" "$program"
  (cd "$work" && $wrapper "./$name" ${wrapper:+--quick}) || {
    echo "test-c: $name failed" >&2
    exit 1
  }
  if [ -n "$valgrind" ]; then
    (cd "$work" && valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite,indirect,possible \
      --show-leak-kinds=definite,indirect,possible --error-exitcode=1 --trace-children=yes \
      --suppressions="$OLDPWD/Tests/C/valgrind.supp" "./$name" --quick) || {
      echo "test-c: $name failed under valgrind" >&2
      exit 1
    }
  fi
  count=$((count + 1))
done
echo "test-c: $count programs passed${valgrind:+, under valgrind too}"
