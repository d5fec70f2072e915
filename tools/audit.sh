#!/usr/bin/env bash
# Audit the lock file, licences, advisories, and a wheel's ABI and metadata: `make audit`.
# Usage: tools/audit.sh PYTHON, that of an environment with maturin.
# A check whose tool or database is not available is skipped with a message.
set -euo pipefail
python=$1

skip() { echo "audit: not checked: $1" >&2; }

cargo metadata --locked --format-version 1 >/dev/null
cargo tree --locked --features python --edges normal
if cargo deny --version >/dev/null 2>&1; then
	cargo deny --locked check licenses bans sources
	if git ls-remote https://github.com/RustSec/advisory-db HEAD >/dev/null 2>&1; then
		cargo deny --locked check advisories
	else
		skip 'advisories of crates; github.com/RustSec/advisory-db cannot be reached'
	fi
else
	skip 'licences, bans, sources and advisories of crates; install cargo-deny: cargo install cargo-deny'
fi

rm -rf build/audit
"$python" -m maturin build --release --locked --quiet --out build/audit
"$python" -m pip --disable-pip-version-check --quiet install --group audit
"$python" -m abi3audit --strict build/audit/*.whl
"$python" -m twine check --strict build/audit/*.whl
if "$python" -c 'import urllib.request as r; from pip._internal.models.index import PyPI; r.urlopen(PyPI.pypi_url + "/pip/json", timeout=10)' 2>/dev/null; then
	"$python" -m pip_audit --skip-editable --local --progress-spinner off
else
	skip 'advisories of Python packages; the index cannot be reached'
fi
