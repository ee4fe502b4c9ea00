#!/usr/bin/env bash
# Places the library, its headers and a pkg-config file below PREFIX: install.sh PREFIX. DESTDIR is honoured.
set -euo pipefail
cd "$(dirname "$0")/.."

prefix=${1:?usage: install.sh PREFIX}
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
root=${DESTDIR:-}$prefix
library=.build/release/libalula.so
[ -f "$library" ] || {
  echo "install: $library is not built; run 'make build'" >&2
  exit 1
}
version=$(sed -n 's/^#define ALULA_VERSION_\(MAJOR\|MINOR\|PATCH\) //p' include/alula.h | paste -sd.)
# The name that programs are bound to, from the library itself.
soname=$(readelf -d "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')

install -d "$root/lib/pkgconfig" "$root/include"
install -m 644 include/alula.h include/alula_ops.h "$root/include"
install -m 755 "$library" "$root/lib/libalula.so.$version"
ln -sf "libalula.so.$version" "$root/lib/$soname"
ln -sf "$soname" "$root/lib/libalula.so"
cat > "$root/lib/pkgconfig/alula.pc" << END
prefix=$prefix
libdir=\${prefix}/lib
includedir=\${prefix}/include

Name: alula
Description: Tensors and automatic differentiation
Version: $version
Cflags: -I\${includedir}
Libs: -L\${libdir} -lalula
END
echo "installed libalula $version below $root"
