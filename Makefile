# All targets use the environment .venv, which they create; they need a Rust toolchain, Python >= 3.11 and make.
# Files in .venv/stamps record the steps that are done; a second call does not repeat them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

# The first of these that is installed and new enough; `make PYTHON=/path/to/python3.12 ...` overrides it.
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
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMPS)/venv:
	@if [ -z '$(PYTHON)' ]; then \
		echo 'make: no Python >= 3.11 was found; install one, or pass its path: make PYTHON=/path/to/python3.12' >&2; exit 1; fi
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'make: $(PYTHON) is not Python >= 3.11; pass another: make PYTHON=/path/to/python3.12' >&2; exit 1; }
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
develop: $(STAMPS)/develop ## build the kernels (release) and install the package in .venv

.PHONY: demo
demo: $(STAMPS)/develop ## generate two lungs, analyze both and compare them
	$(BIN)/skanrs demo --folder build/demo

.PHONY: test
test: test-rust test-python ## run all tests except the slow ones

.PHONY: test-rust
test-rust: ## run the Rust tests; they need no Python
	cargo test --locked

# More processes need more memory than they save time: most tests use all cores.
PROCESSES ?= 2
.PHONY: test-python
test-python: $(STAMPS)/test-tools ## run the Python tests except the slow ones; ARGS=tests/radius
	$(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile $(ARGS)

.PHONY: test-slow
test-slow: $(STAMPS)/slow-tools ## run the slow Python tests
	$(BIN)/python -m pytest -m slow $(ARGS)

# The tests of what the kernels compute.
KERNEL_TESTS := $(addprefix tests/,thinning graph branches radius pruning parity robustness/kernels test_reprs.py)

.PHONY: test-exhaustive
test-exhaustive: ## test thinning on all 2^26 neighbourhoods; takes minutes
	cargo test --locked --release -- --ignored

.PHONY: test-release
test-release: ## run the Rust tests with the optimisation of a release
	cargo test --locked --release

# A build that checks assertions and overflows, in a separate environment that sees the packages of .venv; PROFILE=dev
# is hardly optimised. Its results are compared with those of the optimised build, for all vector widths.
PROFILE ?= checked
CHECKED := build/checked
.PHONY: test-checked
test-checked: $(STAMPS)/test-tools ## test kernels that check assertions and overflows
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
test-vectors: $(STAMPS)/test-tools ## test thinning, radii and tables with narrower vectors and without
	for vectors in avx2 word; do export SKANRS_VECTORS=$$vectors; \
		cargo test --locked -- thinning radius; \
		$(BIN)/python -m pytest tests/thinning tests/branches tests/radius tests/parity/test_skimage.py $(ARGS); \
	done

# This instruments skanrs and its crates, not the standard library.
HOST := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')
.PHONY: test-sanitized
test-sanitized: ## run the Rust tests with AddressSanitizer; needs a nightly toolchain
	@cargo +nightly --version >/dev/null 2>&1 || { \
		echo 'make: a nightly toolchain was not found; install it: rustup toolchain install nightly' >&2; exit 1; }
	RUSTFLAGS=-Zsanitizer=address cargo +nightly test --locked --lib --tests --target $(HOST) --target-dir target/sanitized

# These three compile the standard library from its sources, and say what is missing.
.PHONY: test-races
test-races: ## run every kernel that uses threads with ThreadSanitizer
	tools/test_races.sh

.PHONY: test-arm64
test-arm64: $(STAMPS)/test-tools ## run the tests on arm64 under emulation; compare the answers of all kernels
	tools/test_arm64.sh $(BIN)/python

.PHONY: check-targets
check-targets: ## compile for Windows, macOS and arm64; be refused on 32-bit and big-endian processors
	tools/check_targets.sh

.PHONY: accuracy
accuracy: $(STAMPS)/test-tools $(BENCH)/peers ## errors of measures, and those of others: docs/accuracy.md and its plot
	PYTHONPATH=tests/support $(BIN)/python benchmarks/accuracy.py --peers $(BENCH)/bin/python

.PHONY: test-itk
test-itk: $(STAMPS)/test-tools $(BENCH)/peers ## compare thinning with ITK, which is in .venv-bench
	$(BIN)/python -m pytest tests/parity/test_itk.py --itk $(BENCH)/bin/python $(ARGS)

# With one glibc arena per thread, free memory in many arenas would look like a leak.
SECONDS_TO_SOAK ?= 3600
.PHONY: soak
soak: $(STAMPS)/test-tools ## compare random images with the peers for an hour; SECONDS_TO_SOAK=60
	MALLOC_ARENA_MAX=1 $(BIN)/python tests/support/soak.py $(SECONDS_TO_SOAK) $(ARGS)

SECONDS_TO_FUZZ ?= 60
FUZZ_TARGETS := $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))
.PHONY: fuzz
fuzz: ## fuzz each kernel for a minute; needs cargo-fuzz and a nightly toolchain
	@cargo fuzz --version >/dev/null 2>&1 || { \
		echo 'make: cargo-fuzz was not found; install it: cargo install cargo-fuzz' >&2; exit 1; }
	@for target in $(FUZZ_TARGETS); do mkdir -p build/fuzz/$$target fuzz/corpus/$$target; \
		cargo +nightly fuzz run $$target build/fuzz/$$target fuzz/corpus/$$target -- \
			-max_total_time=$(SECONDS_TO_FUZZ) -max_len=4096 -rss_limit_mb=2048 -timeout=20 -print_final_stats=1; \
	done

.PHONY: fuzz-files
fuzz-files: $(STAMPS)/test-tools ## fuzz each file reader for a minute, with atheris
	$(PIP) install --group fuzz
	@for name in $$(cd tests/support && $(BIN)/python -c 'import malformed_files as m; print(*m.valid_files())'); do \
		$(BIN)/python fuzz/read_files.py $$name -max_total_time=$(SECONDS_TO_FUZZ) -timeout=20 -rss_limit_mb=2048; \
	done

.PHONY: audit
audit: $(STAMPS)/build-tools ## audit lock file, licences, advisories, ABI and metadata of the wheel
	tools/audit.sh $(BIN)/python

.PHONY: test-skan
test-skan: $(STAMPS)/test-tools ## run the unedited test suite of skan on skanrs
	$(BIN)/python tests/support/run_skan_suite.py $(ARGS)

# One wheel for all: it uses the stable ABI.
PYTHONS ?= python3.12 python3.13 python3.14
.PHONY: test-pythons
test-pythons: $(STAMPS)/build-tools ## test the kernels in other Pythons; PYTHONS="python3.13 /path/to/python3.12"
	PYTHONS='$(PYTHONS)' tools/test_pythons.sh $(BIN)/python $(KERNEL_TESTS)

# The oldest supported dask and a later one, each in its own environment.
OLD_DASKS := 2024.12.0 2025.11.0
build/dask-%/ready: $(STAMPS)/develop pyproject.toml
	'$(PYTHON)' -m venv --clear build/dask-$*
	build/dask-$*/bin/python -m pip --disable-pip-version-check --quiet install --upgrade 'pip>=25.1'
	build/dask-$*/bin/python -m pip --quiet install --group test 'dask==$*' 'distributed==$*'
	@touch $@

.PHONY: test-old-dask
test-old-dask: $(OLD_DASKS:%=build/dask-%/ready) ## run the tests of lazy functions with old versions of dask
	for version in $(OLD_DASKS); do \
		PYTHONPATH=python build/dask-$$version/bin/python -m pytest -p no:cacheprovider -m 'lazy and not slow' tests/thinning tests/branches $(ARGS); \
	done

.PHONY: lint
lint: $(STAMPS)/lint-tools ## check with rustfmt, clippy, ruff, mypy, stubtest, layers, workflows
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
format: $(STAMPS)/lint-tools ## format the code with rustfmt and ruff
	cargo fmt
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

# The wheel is installed in a new environment that has no toolchain and may compile nothing.
.PHONY: wheel
wheel: $(STAMPS)/build-tools ## build a wheel in dist/ and try it in a new environment
	rm -rf dist build/wheel-check
	$(BIN)/python -m maturin build --release --locked --quiet --out dist
	$(BIN)/python -m venv build/wheel-check
	build/wheel-check/bin/python -m pip --disable-pip-version-check --quiet install --only-binary :all: dist/skanrs-*.whl
	cd build/wheel-check && env -i HOME="$$HOME" PATH="$$PWD/bin" bin/skanrs demo --shape 64 --folder demo
	rm -rf build/wheel-check
	@ls -l dist

# Peers that are compared for equality are required; the others are optional.
$(BENCH)/peers: $(STAMPS)/venv pyproject.toml
	'$(PYTHON)' -m venv --clear $(BENCH)
	$(BENCH)/bin/python -m pip --disable-pip-version-check --quiet install --upgrade 'pip>=25.1'
	$(BENCH)/bin/python -m pip --quiet install --group bench
	@for peer in 'gaara==0.11.*' itk-thickness3d kimimaro 'edt>=3'; do \
		$(BENCH)/bin/python -m pip --quiet install --only-binary :all: "$$peer" \
			|| echo "make: $$peer cannot be installed; the table omits it" >&2; \
	done
	@touch $@

.PHONY: bench
bench: $(STAMPS)/test-tools $(BENCH)/peers ## time skanrs and its peers, in .venv-bench; ARGS="--rows table-512"
	$(BIN)/python benchmarks/side_by_side.py --peers $(BENCH)/bin/python $(ARGS)

.PHONY: bench-whole
bench-whole: $(STAMPS)/test-tools $(BENCH)/peers ## time the command and its peers from file to file; ARGS="--jobs zarr-512"
	$(BIN)/python benchmarks/whole_job.py --peers $(BENCH)/bin/python $(ARGS)

.PHONY: bench-labels
bench-labels: $(STAMPS)/test-tools $(BENCH)/peers ## compare label images with peers and targets; ARGS="neurites"
	$(BIN)/python benchmarks/labels.py --peers $(BENCH)/bin/python $(ARGS)

.PHONY: bench-parts
bench-parts: $(STAMPS)/test-tools ## time the slow parts of skan in both packages; ARGS="--size 256"
	$(BIN)/python benchmarks/slow_parts.py $(ARGS)

.PHONY: bench-radii
bench-radii: $(STAMPS)/test-tools $(BENCH)/peers ## compare radii with distance transforms by edt; ARGS="--threads 2"
	PYTHONPATH=python $(BENCH)/bin/python benchmarks/radii.py $(ARGS)

.PHONY: bench-kernels
bench-kernels: ## time each kernel with criterion; ARGS="graph" for some
	cargo bench --locked --bench kernels -- $(ARGS)

.PHONY: instructions
instructions: ## compare the instruction counts of kernels with the record; needs valgrind
	@command -v valgrind >/dev/null || { \
		echo 'make: valgrind was not found; install it (Debian: apt install valgrind)' >&2; exit 1; }
	'$(PYTHON)' benchmarks/instructions.py $(ARGS)

.PHONY: record-instructions
record-instructions: ## record the instruction counts of the kernels
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
docs: $(STAMPS)/docs-tools ## build the documentation, build/docs/index.html; warnings are errors
	rm -rf docs/reference/api build/docs
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -d build/doctrees docs build/docs
	@echo 'build/docs/index.html'

.PHONY: clean
clean: ## remove everything that make has created
	cargo clean
	rm -rf .venv .venv-bench .cache build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis docs/reference/api docs/gallery
	find python tests benchmarks docs -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
	rm -f python/skanrs/*.so
