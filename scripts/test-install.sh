#!/usr/bin/env bash
# Installs below a temporary prefix, and builds and runs a C and a C++ program with what pkg-config says; then installs
# the Python package into an environment of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/require.sh cc c++ pkg-config

prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
scripts/install.sh "$prefix" > /dev/null
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
[ "$(pkg-config --modversion alula)" = "$(sed -n 's/^#define ALULA_VERSION_\(MAJOR\|MINOR\|PATCH\) //p' include/alula.h | paste -sd.)" ]
# shellcheck disable=SC2046 # several flags
cc -std=c99 -pedantic -Werror Tests/C/views.c -o "$prefix/c" $(pkg-config --cflags --libs alula)
# shellcheck disable=SC2046
c++ -std=c++11 -pedantic -Werror Tests/C/header.cc -o "$prefix/cc" $(pkg-config --cflags --libs alula)
for program in c cc; do
  LD_LIBRARY_PATH=$prefix/lib "$prefix/$program"
  # Bound to the ABI version, so that an incompatible library is not taken for it.
  abi=$(sed -n 's/^#define ALULA_ABI_VERSION //p' include/alula.h)
  readelf -d "$prefix/$program" | grep -q "NEEDED.*libalula\.so\.$abi\]"
done

scripts/require.sh venv
python3 -m venv "$prefix/venv"
"$prefix/venv/bin/pip" install --quiet --disable-pip-version-check ./bindings/python
# From elsewhere, so that nothing of the checkout can be taken for the package.
(cd "$prefix" && venv/bin/python -c 'import alula; assert (alula.asarray([1.0, 2.0]) * 3).tolist() == [3.0, 6.0]')
size=$(stat -c %s "$prefix"/venv/lib/python*/site-packages/alula/libalula.so)
[ "$size" -lt 15000000 ] || { echo "test-install: a library of $size bytes, more than 15 MB" >&2; exit 1; }
echo "test-install: programs build and run with pkg-config; the wheel works, its library has $size bytes"
