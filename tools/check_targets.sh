#!/usr/bin/env bash
# Whether the kernels, and the Python module, compile for other systems; and whether processors that they are not made for
# are refused with a clear word. Nothing is linked and nothing runs.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/build_std.sh

# The module is of the stable ABI, so no interpreter of the target is needed.
export PYO3_NO_PYTHON=1 PYO3_BUILD_EXTENSION_MODULE=1
check() {
	"${cargo[@]}" check --locked --quiet -Zbuild-std --target-dir target/targets --lib --target "$@"
}

for target in x86_64-pc-windows-msvc x86_64-apple-darwin aarch64-apple-darwin aarch64-unknown-linux-gnu; do
	check "$target"
	check "$target" --features python
	echo "$target: the kernels and the Python module compile"
done

# 32 bits, and big-endian with 64.
for target in i686-unknown-linux-gnu s390x-unknown-linux-gnu; do
	if said=$(check "$target" 2>&1); then
		fail "$target compiles, though the kernels are made for 64-bit little-endian processors"
	fi
	grep -q 'error: skanrs is made for 64-bit little-endian processors' <<<"$said" || {
		echo "$said" >&2
		fail "$target is refused by another error"
	}
	echo "$target: refused with a clear word"
done
