#!/usr/bin/env bash
# Runs what the documentation shows: the README's examples as they stand, and the demo with its claims.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The README's first code block in a language.
block() { awk -v open="\`\`\`$1" '$0 == open {on = 1; next} on && $0 == "```" {exit} on' README.md; }

# Fails unless $2 holds the text $3.
expect() { case "$2" in *"$3"*) echo "README, $1: $2" ;; *) echo "README, $1: expected $3, got: $2" >&2; exit 1 ;; esac; }

block python > "$work/example.py"
expect Python "$(cd "$work" && "$root/.venv/bin/python" example.py)" "loss 0.0"

block c > "$work/example.c"
cc -std=c99 -pedantic -Werror "$work/example.c" -o "$work/example" -Iinclude -L.build/release -lalula -Wl,-rpath,"$root/.build/release"
expect C "$("$work/example")" "2 4 6"

mkdir -p "$work/swift/Sources/example"
block swift > "$work/swift/Sources/example/main.swift"
cat > "$work/swift/Package.swift" << PACKAGE
// swift-tools-version: 6.2
import PackageDescription
let package = Package(
  name: "example", dependencies: [.package(name: "alula", path: "$root")],
  targets: [.executableTarget(name: "example", dependencies: [.product(name: "Alula", package: "alula")])])
PACKAGE
# In the same folder as the library's build, whose objects it takes: those of the kernels need minutes.
expect Swift "$(swift run --quiet -c release --package-path "$work/swift" --scratch-path .build example)" "[2.0, 4.0, 6.0]"

scripts/require.sh dataset-fashion-mnist:/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz
.venv/bin/python -m pip install --quiet --disable-pip-version-check -r examples/requirements.txt
examples/fashion_mnist/run.sh --out "$work/out" | tee "$work/demo.txt"
accuracy=$(sed -n 's/^test accuracy \([0-9.]*\)%.*/\1/p' "$work/demo.txt")
awk -v a="$accuracy" 'BEGIN { exit !(a >= 87) }' || { echo "demo: accuracy $accuracy% is below 87%" >&2; exit 1; }
echo "demo: accuracy $accuracy%"
