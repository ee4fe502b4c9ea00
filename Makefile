# `make demo` trains on real images; `make test` checks everything; `make help` lists the rest.

.DEFAULT_GOAL := help
.PHONY: help demo build python test test-swift test-c test-python test-fuzz test-fusion test-instruction-sets \
        check lint format generate install sanitize benchmark clean

PREFIX ?= /usr/local
PYTHON := .venv/bin/python
SWIFT_BUILD := swift build -c release

help: ## Lists the targets.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

demo: build python ## Trains on Fashion-MNIST from Python and C, and classifies from C (ARGS="--epochs 2 --help").
	@scripts/require.sh dataset-fashion-mnist:/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r examples/requirements.txt
	@examples/fashion_mnist/run.sh $(ARGS)

build: ## Builds the library: .build/release/libalula.so.
	@scripts/require.sh swift cc
	@$(SWIFT_BUILD) --quiet
	@ln -sf libalula.so .build/release/libalula.so.1

python: build ## Puts the Python package and its tools into .venv.
	@scripts/venv.sh

test: build python ## Runs every check there is.
	@scripts/test.sh

test-swift: build ## Runs the Swift suites.
	scripts/test-swift.sh

test-c: build ## Runs the C programs, plainly and under valgrind.
	@scripts/require.sh cc valgrind c++
	scripts/test-c.sh --valgrind

test-python: python ## Runs the Python suites, the catalog's generated tests among them.
	scripts/test-python.sh

test-fuzz: build ## Calls the C interface a million times with hostile arguments.
	scripts/test-fuzz.sh

test-fusion: python ## Runs what calls element-wise operations with all such calls waiting for others.
	scripts/test-fusion.sh

test-instruction-sets: python ## Runs on the lesser instruction sets, the baseline also under an emulated Nehalem.
	@scripts/require.sh qemu-x86_64
	scripts/test-instruction-sets.sh

lint: python ## Checks formatting, types and the staleness of generated files.
	@scripts/lint.sh

format: python ## Formats all sources.
	@scripts/format.sh

generate: ## Rewrites what is generated from the operation catalog.
	$(SWIFT_BUILD) --product alula-catalog
	.build/release/alula-catalog write .

install: build ## Installs library, headers and pkg-config file below PREFIX.
	scripts/install.sh "$(PREFIX)"

sanitize: ## Runs the Swift and C suites under AddressSanitizer and ThreadSanitizer.
	scripts/sanitize.sh

benchmark: python ## Compares with NumPy and whatever peers are installed (ARGS="--threads 1 --json FILE --plot FILE").
	$(PYTHON) benchmarks/run.py $(ARGS)

clean: ## Removes what was built.
	rm -rf .build* .venv out
