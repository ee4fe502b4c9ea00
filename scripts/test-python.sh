#!/usr/bin/env bash
# The Python suites; further arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/../bindings/python"
exec ../../.venv/bin/python -m pytest -q -n 2 "$@"
