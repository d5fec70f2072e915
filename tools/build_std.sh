# shellcheck shell=bash
# Sourced by the scripts beside it. They need a standard library compiled here: instrumented, or for another target.
#
# Sets `cargo`, the command that compiles it, with a compiler that is nightly or taken as such:
# rustup's nightly with its component rust-src, or Debian's compiler and sources.

fail() {
	echo "$(basename "$0"): $1" >&2
	exit 1
}

# Whether a compiler has the sources of the standard library.
has_sources() {
	local sysroot
	sysroot=$("$@" --print sysroot 2>/dev/null) && [ -f "$sysroot/lib/rustlib/src/rust/library/Cargo.lock" ]
}

command -v cargo >/dev/null || fail 'cargo was not found; install a Rust toolchain first: https://rustup.rs'
if has_sources rustc +nightly; then
	cargo=(cargo +nightly)
	compiler=(rustc +nightly)
elif has_sources /usr/bin/rustc; then
	export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
	cargo=(cargo)
	compiler=(/usr/bin/rustc)
else
	fail "the sources of Rust's standard library were not found; install them:
  rustup toolchain install nightly --component rust-src
  Debian: apt install rustc-web rust-web-src"
fi
host=$("${compiler[@]}" -vV | sed -n 's/^host: //p')
# Reports and backtraces name lines.
export CARGO_PROFILE_CHECKED_DEBUG=line-tables-only CARGO_PROFILE_CHECKED_STRIP=none
