#!/usr/bin/env bash
# The suites that call element-wise operations once more, with every such call waiting for others, not the large ones alone.
set -euo pipefail
cd "$(dirname "$0")/.."
export ALULA_FUSE_FROM=1
scripts/test-c.sh
scripts/test-fuzz.sh 300000 2
cd bindings/python
../../.venv/bin/python -m pytest -q -n 2 tests/test_catalog_*.py tests/test_autograd.py tests/test_tensor.py \
  tests/test_indexing.py tests/test_numpy.py tests/test_nn.py tests/test_optim.py tests/test_parts.py \
  tests/test_broadcasting.py
