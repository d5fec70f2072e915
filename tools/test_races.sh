#!/usr/bin/env bash
# ThreadSanitizer over every kernel that uses threads, with a standard library that is instrumented too.
#
# First a race on purpose must be reported. Then tests/threads.rs runs, which calls each kernel on 1 to 8 threads, and the
# unit tests run, whose images are divided finely. Arguments are numbers of threads for the unit tests; without any: 2, 3 and 8.
# A fork of several threads is not a thing that the sanitizer allows, so that test is left out. `races.supp` states what is
# not a race although the sanitizer reports it; the race on purpose must be reported in spite of it.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/build_std.sh

case $host in *-linux-gnu) ;; *) fail "ThreadSanitizer is set up for Linux only, not for $host" ;; esac
# rustup's toolchains bring the runtime library of the sanitizer; a distribution's compiler does not, but looks for it by name.
sysroot=$("${compiler[@]}" --print sysroot)
flags=(-Zsanitizer=thread)
if ! compgen -G "$sysroot/lib/rustlib/$host/lib/librustc*_rt.tsan.a" >/dev/null; then
	for toolchain in nightly stable; do
		libraries=("$(rustc +$toolchain --print sysroot 2>/dev/null)/lib/rustlib/$host/lib"/librustc*_rt.tsan.a)
		[ ! -f "${libraries[0]}" ] || break
	done
	[ -f "${libraries[0]}" ] || fail "the runtime library of ThreadSanitizer was not found; a toolchain of rustup's brings it:
  rustup toolchain install nightly"
	mkdir -p "target/races/sysroot/lib/rustlib/$host/lib"
	for channel in '' -dev -nightly -beta -stable; do
		ln -sf "${libraries[0]}" "target/races/sysroot/lib/rustlib/$host/lib/librustc${channel}_rt.tsan.a"
	done
	flags+=(--sysroot "$PWD/target/races/sysroot")
fi

export RUSTFLAGS="${flags[*]}" TSAN_OPTIONS="exitcode=66 suppressions=$PWD/tools/races.supp"
run=("${cargo[@]}" test --locked -Zbuild-std --profile checked --target "$host" --target-dir target/races
	-Zprofile-rustflags --config 'profile.checked.package.skanrs.rustflags=["--cfg", "races"]')
"${run[@]}" --no-run --lib --test threads

echo 'a race on purpose'
mkdir -p build/races
if "${run[@]}" --quiet --test threads a_race_on_purpose >build/races/on_purpose 2>&1 \
	|| ! grep -q 'WARNING: ThreadSanitizer: data race' build/races/on_purpose; then
	cat build/races/on_purpose >&2
	fail 'the race on purpose was not reported, so nothing would be found'
fi

"${run[@]}" --test threads -- --skip a_race_on_purpose
for threads in "${@:-2 3 8}"; do
	for count in $threads; do
		echo "unit tests, $count threads"
		RAYON_NUM_THREADS=$count "${run[@]}" --lib -- --skip fork
	done
done
