# The project's commands, the same here and in CI. `make help` lists them.

CARGO ?= cargo
TOOLS := .tools
NATS_SERVER_BIN ?= $(TOOLS)/nats-server
export NATS_SERVER_BIN := $(abspath $(NATS_SERVER_BIN))

.PHONY: faults storm help up test traces deb check bench bench-peers audit fmt clean

help: ## Lists these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

up: $(NATS_SERVER_BIN) ## Builds everything and plays a real storm, change by change
	$(CARGO) build --release --locked -p writethru
	./target/release/writethru up --demo

# What the tests in a browser need, where there is npm; they say so aloud where it is missing.
BROWSER_PACKAGES := tests/browser/node_modules/.package-lock.json
# What the tests with other people's tools need: stock NATS clients, validators, readers of feeds.
CONTRACT_PACKAGES := tests/contracts/node_modules/.package-lock.json $(TOOLS)/python/.fetched

# The replica in TypeScript, built, where there is npm.
TYPESCRIPT := clients/typescript/dist/.built

test: $(NATS_SERVER_BIN) $(BROWSER_PACKAGES) $(CONTRACT_PACKAGES) $(TYPESCRIPT) ## Runs every test, against a real NATS server
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) test --workspace --locked
	cd clients/python && PYTHONPATH=src python3 -m unittest discover -s tests -t .
	@if test -e $(TYPESCRIPT); then cd clients/typescript && node --test test/*.test.js; \
		else echo 'NOT RUN: the tests of the replica in TypeScript'; fi

traces: $(NATS_SERVER_BIN) ## Tests the traces that the feature `otel` sends, with a collector
	$(CARGO) clippy --locked -p writethru -p writethru-trace --features writethru/otel --all-targets -- -D warnings
	$(CARGO) test --locked -p writethru --features otel --test otel

faults: ## Runs the log under a disk that fails, seed by seed: make faults SEEDS=2000 FROM=0
	$(CARGO) run --locked -p writethru-faults -- --seeds $(or $(SEEDS),500) --from $(or $(FROM),0)

storm: $(NATS_SERVER_BIN) ## Runs a service and its NATS server through more storms: make storm SEEDS=12
	$(CARGO) build --locked -p writethru
	WRITETHRU_STORM=$(or $(SEEDS),12) $(CARGO) test --locked -p writethru-tests --test storm -- --nocapture

deb: ## Builds the Debian package and looks at it (needs cargo-deb)
	$(CARGO) build --release --locked -p writethru
	scripts/package-files ./target/release/writethru
	$(CARGO) deb --no-build --locked -p writethru --output target/package/
	scripts/check-package target/package/*.deb

check: ## The fast inner loop: formatting, lints, and the pure crates' tests
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --locked -- -D warnings
	$(CARGO) test --locked -p writethru-story -p writethru-proof -p writethru-wire -p writethru-formats

bench: $(NATS_SERVER_BIN) ## Measures the whole path beside bare SQLite and the bare disk
	$(CARGO) build --release --locked -p writethru
	./target/release/writethru bench

bench-peers: ## Measures appends beside other event stores, which it builds (needs protoc)
	python3 -m venv $(TOOLS)/umadb && $(TOOLS)/umadb/bin/pip install --quiet umadb==0.7.8
	cd crates/log/peers && CARGO_TARGET_DIR=$(CURDIR)/target/peers $(CARGO) build --release --locked
	./target/peers/release/writethru-log-peers target/peers-data $(TOOLS)/umadb/bin/umadb

audit: ## Checks licences, sources and unused dependencies (needs cargo-deny and cargo-machete)
	$(CARGO) deny check licenses bans sources
	$(CARGO) machete

fmt: ## Formats the code
	$(CARGO) fmt --all

clean: ## Removes what was built and fetched
	$(CARGO) clean
	rm -rf $(TOOLS)

$(TYPESCRIPT): clients/typescript/package-lock.json $(wildcard clients/typescript/src/*.ts)
	@if command -v npm >/dev/null; then \
		if cd clients/typescript && npm ci --ignore-scripts --no-audit --no-fund && npm run --silent build; \
		then touch dist/.built; else rm -f dist/.built; echo 'NOT BUILT: the replica in TypeScript'; fi; fi

$(BROWSER_PACKAGES): tests/browser/package-lock.json
	@if command -v npm >/dev/null; then cd tests/browser && npm ci --ignore-scripts --no-audit --no-fund \
		|| echo 'NOT FETCHED: the tests in a browser will say that they do not run'; fi

tests/contracts/node_modules/.package-lock.json: tests/contracts/package-lock.json
	@if command -v npm >/dev/null; then cd tests/contracts && npm ci --ignore-scripts --no-audit --no-fund \
		|| echo 'NOT FETCHED: the tests with stock clients in JavaScript will say that they do not run'; fi

$(TOOLS)/python/.fetched: tests/contracts/requirements.txt
	@if python3 -m venv $(TOOLS)/python && $(TOOLS)/python/bin/pip install --quiet --requirement $<; then touch $@; \
		else echo 'NOT FETCHED: the tests with stock clients in Python will say that they do not run'; fi

$(NATS_SERVER_BIN):
	python3 scripts/fetch-nats-server
