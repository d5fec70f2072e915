# Everything happens in .venv, made here; the machine needs a Rust toolchain, Python >= 3.11 and make.
# Files in .venv/stamps remember what is done, so that a second call starts at once.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

# The first of these that runs and is new enough; `make PYTHON=/path/to/python3.12 ...` says it outright.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done; true)

VENV := $(CURDIR)/.venv
STAMPS := $(VENV)/stamps
BIN := $(VENV)/bin
BENCH := $(CURDIR)/.venv-bench
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
RUST_SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock
export VIRTUAL_ENV := $(VENV)
unexport PYTHONPATH PYTHONHOME CONDA_PREFIX

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMPS)/venv:
	@if [ -z '$(PYTHON)' ]; then \
		echo 'make: no Python >= 3.11 was found; install one, or name it: make PYTHON=/path/to/python3.12' >&2; exit 1; fi
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'make: $(PYTHON) is not Python >= 3.11; name another: make PYTHON=/path/to/python3.12' >&2; exit 1; }
	@command -v cargo >/dev/null || { \
		echo 'make: cargo was not found; install a Rust toolchain first: https://rustup.rs' >&2; exit 1; }
	'$(PYTHON)' -m venv --clear $(VENV)
	$(PIP) install --upgrade 'pip>=25.1'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/build-tools: $(STAMPS)/venv pyproject.toml
	$(PIP) install --group build
	@touch $@

$(STAMPS)/develop: $(STAMPS)/build-tools $(RUST_SOURCES)
	PIP_QUIET=1 $(BIN)/python -m maturin develop --release --quiet --extras dask,plot,pipe,io
	@touch $@

$(STAMPS)/test-tools: $(STAMPS)/develop pyproject.toml
	$(PIP) install --group test
	@touch $@

$(STAMPS)/slow-tools: $(STAMPS)/test-tools
	$(PIP) install --group slow
	@touch $@

$(STAMPS)/lint-tools: $(STAMPS)/develop pyproject.toml
	$(PIP) install --group lint
	@touch $@

$(STAMPS)/docs-tools: $(STAMPS)/develop pyproject.toml
	$(PIP) install --group docs
	@touch $@

.PHONY: develop
develop: $(STAMPS)/develop ## build the kernels (release) and install the package into .venv

.PHONY: demo
demo: $(STAMPS)/develop ## generate two lungs, analyze both with the command, show how they differ
	$(BIN)/skanrs demo --folder build/demo

.PHONY: test
test: test-rust test-python ## all tests but the slow ones

.PHONY: test-rust
test-rust: ## the Rust tests; they need no interpreter
	cargo test --locked

.PHONY: test-python
test-python: $(STAMPS)/test-tools ## the Python tests but the slow ones
	$(BIN)/python -m pytest $(ARGS)

.PHONY: test-slow
test-slow: $(STAMPS)/slow-tools ## the slow Python tests
	$(BIN)/python -m pytest -m slow $(ARGS)

# The tests of what the kernels compute.
KERNEL_TESTS := $(addprefix tests/,thinning graph branches radius pruning parity robustness/kernels test_reprs.py)

.PHONY: test-exhaustive
test-exhaustive: ## the predicates of thinning over all 2^26 neighbourhoods; minutes
	cargo test --locked --release -- --ignored

.PHONY: test-release
test-release: ## the Rust tests on kernels as optimised as users have them
	cargo test --locked --release

# Kernels that check every assertion and overflow, in an environment of their own that sees the packages of .venv;
# PROFILE=dev takes those that are hardly optimised. What they answer is compared with the optimised ones, for all vectors.
PROFILE ?= checked
CHECKED := build/checked
.PHONY: test-checked
test-checked: $(STAMPS)/test-tools ## the heart of the Python tests on kernels that check assertions and overflows
	rm -rf $(CHECKED)
	$(BIN)/python -m maturin build --profile $(PROFILE) --locked --quiet --out $(CHECKED)/wheel
	$(BIN)/python -m venv --without-pip $(CHECKED)
	$(PIP) --python $(CHECKED)/bin/python install --no-deps $(CHECKED)/wheel/*.whl
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		>"$$($(CHECKED)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/packages.pth"
	$(CHECKED)/bin/python -m pytest --checked $(KERNEL_TESTS) $(ARGS)
	$(BIN)/python tests/support/answers.py >$(CHECKED)/answers
	for vectors in avx512 avx2 word; do \
		SKANRS_VECTORS=$$vectors $(CHECKED)/bin/python tests/support/answers.py | cmp - $(CHECKED)/answers; \
	done

.PHONY: test-vectors
test-vectors: $(STAMPS)/test-tools ## thinning without vectors and with narrower ones than the processor's
	for vectors in avx2 word; do export SKANRS_VECTORS=$$vectors; \
		cargo test --locked thinning; \
		$(BIN)/python -m pytest tests/thinning tests/branches tests/parity/test_skimage.py $(ARGS); \
	done

# The standard library of a nightly toolchain is not instrumented; what is ours and the crates' is.
HOST := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')
.PHONY: test-sanitized
test-sanitized: ## the Rust tests under AddressSanitizer; needs a nightly toolchain
	@cargo +nightly --version >/dev/null 2>&1 || { \
		echo 'make: a nightly toolchain was not found; install it: rustup toolchain install nightly' >&2; exit 1; }
	RUSTFLAGS=-Zsanitizer=address cargo +nightly test --locked --lib --tests --target $(HOST) --target-dir target/sanitized

.PHONY: test-itk
test-itk: $(STAMPS)/test-tools $(BENCH)/peers ## thinning against ITK, a second oracle, in .venv-bench
	$(BIN)/python -m pytest tests/parity/test_itk.py --itk $(BENCH)/bin/python $(ARGS)

# With an arena of glibc's for each thread of many pools, memory that is free in all of them would look like a leak.
SECONDS_TO_SOAK ?= 3600
.PHONY: soak
soak: $(STAMPS)/test-tools ## random images against the peers, an hour; SECONDS_TO_SOAK=60 for less
	MALLOC_ARENA_MAX=1 $(BIN)/python tests/support/soak.py $(SECONDS_TO_SOAK) $(ARGS)

SECONDS_TO_FUZZ ?= 60
FUZZ_TARGETS := $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))
.PHONY: fuzz
fuzz: ## each fuzz target of the kernels for a minute; needs cargo-fuzz and a nightly toolchain
	@cargo fuzz --version >/dev/null 2>&1 || { \
		echo 'make: cargo-fuzz was not found; install it: cargo install cargo-fuzz' >&2; exit 1; }
	@for target in $(FUZZ_TARGETS); do mkdir -p build/fuzz/$$target fuzz/corpus/$$target; \
		cargo +nightly fuzz run $$target build/fuzz/$$target fuzz/corpus/$$target -- \
			-max_total_time=$(SECONDS_TO_FUZZ) -max_len=4096 -rss_limit_mb=2048 -timeout=20 -print_final_stats=1; \
	done

.PHONY: fuzz-files
fuzz-files: $(STAMPS)/test-tools ## each reader of image files for a minute, by atheris
	$(PIP) install --group fuzz
	@for name in $$(cd tests/support && $(BIN)/python -c 'import malformed_files as m; print(*m.valid_files())'); do \
		$(BIN)/python fuzz/read_files.py $$name -max_total_time=$(SECONDS_TO_FUZZ) -timeout=20 -rss_limit_mb=2048; \
	done

# cargo-deny and the databases of advisories are not there everywhere; what could not be checked is said at the place.
.PHONY: audit
audit: $(STAMPS)/build-tools ## lock file, licences, advisories, abi3 symbols and metadata of the wheel
	cargo metadata --locked --format-version 1 >/dev/null
	cargo tree --locked --features python --edges normal
	@if cargo deny --version >/dev/null 2>&1; then \
		cargo deny --locked check licenses bans sources; \
		if git ls-remote https://github.com/RustSec/advisory-db HEAD >/dev/null 2>&1; then \
			cargo deny --locked check advisories; \
		else echo 'make: advisories of crates were not checked: github.com/RustSec/advisory-db cannot be reached' >&2; fi; \
	else echo 'make: licences, bans, sources and advisories of crates were not checked: cargo install cargo-deny' >&2; fi
	rm -rf build/audit && $(BIN)/python -m maturin build --release --locked --quiet --out build/audit
	$(PIP) install --group audit
	$(BIN)/python -m abi3audit --strict build/audit/*.whl
	$(BIN)/python -m twine check --strict build/audit/*.whl
	@if $(BIN)/python -c 'import urllib.request as r; from pip._internal.models.index import PyPI; r.urlopen(PyPI.pypi_url + "/pip/json", timeout=10)' 2>/dev/null; then \
		$(BIN)/python -m pip_audit --skip-editable --local --progress-spinner off; \
	else echo 'make: advisories of Python packages were not checked: the index cannot be reached' >&2; fi

.PHONY: test-skan
test-skan: $(STAMPS)/test-tools ## skan's own test suite, unedited, on skanrs
	$(BIN)/python tests/support/run_skan_suite.py $(ARGS)

# One wheel serves all: it is of the stable ABI.
PYTHONS ?= python3.12 python3.13 python3.14
.PHONY: test-pythons
test-pythons: $(STAMPS)/build-tools ## the heart of the tests in other Pythons; PYTHONS="python3.13 /path/to/python3.12"
	rm -rf build/pythons
	$(BIN)/python -m maturin build --release --locked --quiet --out build/pythons
	@for python in $(PYTHONS); do \
		"$$python" -c '' 2>/dev/null || { echo "make: $$python does not run here, so it is not tested" >&2; continue; }; \
		environment="build/pythons/$$("$$python" -c 'import sys; print(sys.implementation.cache_tag)')"; \
		"$$python" -m venv --clear "$$environment" \
		&& "$$environment/bin/python" -m pip --quiet install --upgrade 'pip>=25.1' \
		&& "$$environment/bin/python" -m pip --quiet install build/pythons/*.whl --group test \
		&& "$$environment/bin/python" -m pytest -q $(KERNEL_TESTS) || exit 1; \
	done

# The oldest dask that is allowed and the one of a year ago, each in an environment of its own.
OLD_DASKS := 2024.12.0 2025.11.0
build/dask-%/ready: $(STAMPS)/develop pyproject.toml
	'$(PYTHON)' -m venv --clear build/dask-$*
	build/dask-$*/bin/python -m pip --disable-pip-version-check --quiet install --upgrade 'pip>=25.1'
	build/dask-$*/bin/python -m pip --quiet install --group test 'dask==$*' 'distributed==$*'
	@touch $@

.PHONY: test-old-dask
test-old-dask: $(OLD_DASKS:%=build/dask-%/ready) ## the tests of what is lazy, with dask of a year ago and older
	for version in $(OLD_DASKS); do \
		PYTHONPATH=python build/dask-$$version/bin/python -m pytest -p no:cacheprovider -m 'lazy and not slow' tests/thinning tests/branches $(ARGS); \
	done

.PHONY: lint
lint: $(STAMPS)/lint-tools ## rustfmt, clippy, ruff, mypy, stubtest, layers, workflows
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	PYO3_PYTHON=$(BIN)/python cargo clippy --locked --all-targets --features python -- -D warnings
	RUSTDOCFLAGS='-D warnings -A rustdoc::private-intra-doc-links' cargo doc --locked --no-deps --document-private-items
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/python -m mypy.stubtest skanrs._core
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml

.PHONY: format
format: $(STAMPS)/lint-tools ## let rustfmt and ruff write
	cargo fmt
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

# The check installs into a new environment that may not compile anything and sees no toolchain.
.PHONY: wheel
wheel: $(STAMPS)/build-tools ## a wheel in dist/, tried out in a new virtual environment without Rust
	rm -rf dist build/wheel-check
	$(BIN)/python -m maturin build --release --locked --quiet --out dist
	$(BIN)/python -m venv build/wheel-check
	build/wheel-check/bin/python -m pip --disable-pip-version-check --quiet install --only-binary :all: dist/skanrs-*.whl
	cd build/wheel-check && env -i HOME="$$HOME" PATH="$$PWD/bin" bin/skanrs demo --shape 64 --folder demo
	rm -rf build/wheel-check
	@ls -l dist

# The peers that are compared for equality must install; the others are compared where they do.
$(BENCH)/peers: $(STAMPS)/venv pyproject.toml
	'$(PYTHON)' -m venv --clear $(BENCH)
	$(BENCH)/bin/python -m pip --disable-pip-version-check --quiet install --upgrade 'pip>=25.1'
	$(BENCH)/bin/python -m pip --quiet install --group bench
	@for peer in 'gaara==0.11.*' itk-thickness3d kimimaro; do \
		$(BENCH)/bin/python -m pip --quiet install --only-binary :all: "$$peer" \
			|| echo "make: $$peer does not install here; the table goes without it" >&2; \
	done
	@touch $@

.PHONY: bench
bench: $(STAMPS)/test-tools $(BENCH)/peers ## side by side with the peers, in .venv-bench; ARGS="--rows table-512"
	$(BIN)/python benchmarks/side_by_side.py --peers $(BENCH)/bin/python $(ARGS)

.PHONY: bench-parts
bench-parts: $(STAMPS)/test-tools ## the parts of skan that people wait for, here and there; ARGS="--size 256"
	$(BIN)/python benchmarks/slow_parts.py $(ARGS)

.PHONY: bench-kernels
bench-kernels: ## how long each kernel takes, by criterion; ARGS="graph" for some
	cargo bench --locked --bench kernels -- $(ARGS)

.PHONY: instructions
instructions: ## whether a kernel takes more instructions than on record; needs valgrind
	@command -v valgrind >/dev/null || { \
		echo 'make: valgrind was not found, which counts the instructions; install it (Debian: apt install valgrind)' >&2; exit 1; }
	'$(PYTHON)' benchmarks/instructions.py $(ARGS)

.PHONY: record-instructions
record-instructions: ## write the instructions that the kernels take now on record
	'$(PYTHON)' benchmarks/instructions.py --record

.PHONY: notebooks
notebooks: $(STAMPS)/test-tools ## run the notebooks and keep their outputs; ARGS=cluster for one
	JUPYTER_PREFER_ENV_PATH=1 $(BIN)/python docs/run_notebooks.py $(ARGS)

.PHONY: picture
picture: $(STAMPS)/develop ## draw the README's picture
	$(BIN)/python docs/make_picture.py

.PHONY: drawings
drawings: $(STAMPS)/develop ## draw the documentation's drawings
	$(BIN)/python docs/make_drawings.py

.PHONY: docs
docs: $(STAMPS)/docs-tools ## the documentation as pages, build/docs/index.html; a warning is an error
	rm -rf docs/reference/api build/docs
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -d build/doctrees docs build/docs
	@echo 'build/docs/index.html'

.PHONY: clean
clean: ## remove what make has made
	cargo clean
	rm -rf .venv .venv-bench .cache build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis docs/reference/api docs/gallery
	find python tests benchmarks docs -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
	rm -f python/skanrs/*.so
