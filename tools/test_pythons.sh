#!/usr/bin/env bash
# Build one wheel and run tests with it in several Pythons: `make test-pythons`.
# Usage: PYTHONS='python3.12 python3.13' tools/test_pythons.sh PYTHON TEST...
# PYTHON is that of an environment with maturin. A Python that is not installed is skipped.
set -euo pipefail
builder=$1
shift

rm -rf build/pythons
"$builder" -m maturin build --release --locked --quiet --out build/pythons
for python in $PYTHONS; do
	if ! "$python" -c '' 2>/dev/null; then
		echo "test-pythons: $python was not found; skipped" >&2
		continue
	fi
	environment=build/pythons/$("$python" -c 'import sys; print(sys.implementation.cache_tag)')
	"$python" -m venv --clear "$environment"
	"$environment/bin/python" -m pip --quiet install --upgrade 'pip>=25.1'
	"$environment/bin/python" -m pip --quiet install build/pythons/*.whl --group test
	"$environment/bin/python" -m pytest -q "$@"
done
