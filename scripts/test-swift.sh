#!/usr/bin/env bash
# The Swift suites; further arguments go to swift test. They need no testable imports, which would mean a second build
# of everything.
set -euo pipefail
cd "$(dirname "$0")/.."
exec swift test -c release --disable-testable-imports "$@"
