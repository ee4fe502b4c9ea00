#!/usr/bin/env bash
# Makes .venv with the Python package (editable, over the library just built) and the tools that check it.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/require.sh venv

[ -x .venv/bin/python ] || python3 -m venv .venv
wanted=$(cat bindings/python/requirements-dev.txt bindings/python/pyproject.toml scripts/venv.sh | sha256sum)
if [ "$(cat .venv/installed 2> /dev/null)" != "$wanted" ]; then
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r bindings/python/requirements-dev.txt
  # The sources themselves, so that an edit needs no reinstallation; they find the library in .build/release.
  site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  echo "$PWD/bindings/python/src" > "$site/alula-checkout.pth"
  echo "$wanted" > .venv/installed
fi
