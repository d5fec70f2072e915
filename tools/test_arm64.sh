#!/usr/bin/env bash
# The Rust tests and the heart of the Python tests on arm64, under emulation; and every kernel's answers on random images, which
# must be those of this processor to the last bit.
#
# Usage: test_arm64.sh PYTHON, that of the environment with the packages of the tests and the kernels of this processor. In
# build/arm64 it makes a folder with the C library and the Python of Debian for arm64 (RELEASE names the release), and one with
# the packages of PYTHON for arm64. Kernels are compiled with every assertion and overflow checked.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/build_std.sh

python=$1
release=${RELEASE:-bookworm}
images=${IMAGES:-12}
arm64=$PWD/build/arm64
emulator=$(command -v qemu-aarch64-static || command -v qemu-aarch64) \
	|| fail 'qemu-aarch64 was not found, which emulates arm64; install it (Debian: apt install qemu-user-static)'
command -v aarch64-linux-gnu-gcc >/dev/null \
	|| fail 'a cross compiler was not found; install it (Debian: apt install gcc-aarch64-linux-gnu)'
if ! [ -f "$arm64/root/ready" ]; then
	command -v mmdebstrap >/dev/null || fail 'mmdebstrap was not found, which unpacks Debian for arm64: apt install mmdebstrap'
	rm -rf "$arm64/root"
	mkdir -p "$arm64"
	mmdebstrap --quiet --variant=extract --architectures=arm64 \
		--include=python3-minimal,libpython3-stdlib,libgcc-s1,libstdc++6,zlib1g "$release" "$arm64/root"
	touch "$arm64/root/ready"
fi

target=aarch64-unknown-linux-gnu
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="$emulator -L $arm64/root"
build=(--locked -Zbuild-std --profile checked --target "$target" --target-dir target/arm64)
# A child that is forked while other threads run is more than the emulator can do.
"${cargo[@]}" test "${build[@]}" --lib --tests -- --skip fork

PYO3_NO_PYTHON=1 PYO3_BUILD_EXTENSION_MODULE=1 "${cargo[@]}" build "${build[@]}" --lib --features python
rm -rf "$arm64/package"
mkdir -p "$arm64/package"
cp -r python/skanrs "$arm64/package/"
rm -f "$arm64"/package/skanrs/*.so
cp "target/arm64/$target/checked/libskanrs.so" "$arm64/package/skanrs/_core.abi3.so"

emulated=("$emulator" -L "$arm64/root" "$arm64/root/usr/bin/python3")
version=$("${emulated[@]}" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
"$python" -m pip --disable-pip-version-check freeze --exclude-editable >"$arm64/constraints"
if ! cmp -s "$arm64/constraints" "$arm64/packages/of"; then
	rm -rf "$arm64/packages"
	"$python" -m pip --disable-pip-version-check --quiet install --only-binary :all: --python-version "$version" \
		--platform manylinux_2_28_aarch64 --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 \
		--constraint "$arm64/constraints" --target "$arm64/packages" \
		numpy scipy pandas scikit-image networkx 'dask[array,dataframe]' pytest hypothesis
	cp "$arm64/constraints" "$arm64/packages/of"
fi

export PYTHONDONTWRITEBYTECODE=1
answers=tests/support/answers.py
"$python" "$answers" "$images" >"$arm64/answers_here"
export PYTHONPATH="$arm64/package:$arm64/packages"
"${emulated[@]}" "$answers" "$images" >"$arm64/answers"
cmp "$arm64/answers_here" "$arm64/answers"
echo "$(wc -l <"$arm64/answers") answers on $images images are equal to the last bit"
# Hypothesis knows this as the sign of a slow machine and sets no deadline.
CI=1 "${emulated[@]}" -m pytest -q -p no:cacheprovider --checked tests/thinning/test_thinning_chunks.py tests/parity/test_skimage.py
