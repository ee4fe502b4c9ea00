#!/usr/bin/env bash
# Whether the kernels' machine code keeps its promises: nothing that a linker could merge across instruction sets, and no
# call in a hot loop.
set -euo pipefail
cd "$(dirname "$0")/.."
exec python3 scripts/check_kernels.py
