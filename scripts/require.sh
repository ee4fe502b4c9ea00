#!/usr/bin/env bash
# Makes sure that commands (or packages given as PACKAGE:PATH) are there: installs their Debian packages when
# it may, else says which command would.
set -euo pipefail

package_of() {
  case "$1" in
    cc) echo gcc libc6-dev ;;
    c++) echo g++ ;;
    qemu-x86_64) echo qemu-user ;;
    clang-format | valgrind | pkg-config) echo "$1" ;;
    venv) echo python3-venv ;;
    *) echo "" ;;
  esac
}

missing=()
for want in "$@"; do
  case "$want" in
    *:*) [ -e "${want#*:}" ] || missing+=("${want%%:*}") ;;
    swift)
      command -v swift > /dev/null || {
        echo "alula: Swift 6.3 is needed to build; see https://www.swift.org/install/linux/" >&2
        exit 1
      } ;;
    venv) python3 -c 'import ensurepip, venv' 2> /dev/null || missing+=(python3-venv) ;;
    *) command -v "$want" > /dev/null || missing+=($(package_of "$want")) ;;
  esac
done
[ ${#missing[@]} -eq 0 ] && exit 0

install=(apt-get install -y -qq "${missing[@]}")
if command -v apt-get > /dev/null && [ "$(id -u)" = 0 ]; then
  echo "alula: installing ${missing[*]}"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive "${install[@]}"; } > /dev/null && exit 0
elif command -v apt-get > /dev/null && sudo -n true 2> /dev/null; then
  echo "alula: installing ${missing[*]}"
  { sudo apt-get update -qq && sudo DEBIAN_FRONTEND=noninteractive "${install[@]}"; } > /dev/null && exit 0
fi
echo "alula: missing packages; install them with: sudo apt-get install ${missing[*]}" >&2
exit 1
