#!/usr/bin/env bash
# The demo: trains from Python, classifies from C, trains from C. Options are train.py's.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

out=out
data=${FASHION_MNIST:-/usr/share/datasets/fashion-mnist}
arguments=("$@")
for ((i = 0; i < ${#arguments[@]}; i++)); do
  case "${arguments[i]}" in
    -h | --help) exec "$root/.venv/bin/python" "$here/train.py" --help ;;
    --out) out=${arguments[i + 1]:-} ;;
    --out=*) out=${arguments[i]#*=} ;;
    --data) data=${arguments[i + 1]:-} ;;
    --data=*) data=${arguments[i]#*=} ;;
  esac
done

echo "== Python: train.py"
"$root/.venv/bin/python" "$here/train.py" "$@"

# C99 has no decompression: the programs read plain files.
mkdir -p "$out/data"
for file in "$data"/*-ubyte*; do
  name=$(basename "$file" .gz)
  case "$file" in
    *.gz) gzip -dc "$file" > "$out/data/$name" ;;
    *) cp "$file" "$out/data/$name" ;;
  esac
done

compile() {
  cc -std=c99 -pedantic -Wall -Wextra -O1 -I"$root/include" "$here/$1.c" -o "$out/$1" \
    -L"$root/.build/release" -lalula -Wl,-rpath,"$root/.build/release"
}
echo "== C: classify.c"
compile classify
"$out/classify" "$out/model.safetensors" "$out/logits.safetensors" "$out/data"
echo "== C: train_mlp.c"
compile train_mlp
"$out/train_mlp" "$out/data"
