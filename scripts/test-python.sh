#!/usr/bin/env bash
# The Python suites; further arguments go to pytest. Without any, what has a native form runs without it, too.
set -euo pipefail
cd "$(dirname "$0")/../bindings/python"
../../.venv/bin/python -m pytest -q -n 2 "$@"
if [ $# = 0 ]; then
  ALULA_NATIVE=0 ../../.venv/bin/python -m pytest -q -n 2 tests/test_tensor.py tests/test_indexing.py tests/test_numpy.py \
    tests/test_autograd.py tests/test_library.py tests/test_catalog_dtypes.py
fi
