#!/usr/bin/env bash
# Holds the header, the library's exported symbols and Python's ctypes table to each other, and the ABI to its
# snapshot, Tests/C/abi.txt. A deliberate change: scripts/check-abi.sh --update
set -euo pipefail
cd "$(dirname "$0")/.."
exec python3 scripts/check_abi.py "$@"
