# Two commands: `make demo` runs the whole network once, `make test` checks everything.
.PHONY: demo test setup lint bins notebooks bench

# The program is run as it was built: `cargo run` of one package would compile polars again, with fewer features.
# The whole network on this machine: newest real prices if an exchange can be reached, simulated ones if not.
demo:
	cargo build --package foretell-validator --package foretell-miner
	$${CARGO_TARGET_DIR:-target}/debug/validator localnet --days 8 --seed 1

# The programs that the end-to-end tests run. All targets at once, so that no library is compiled twice, with the
# features of the programs and with those of the tests.
bins:
	cargo build --workspace --all-targets

# What the tests need beside Rust: a browser, Python environments. Tests install nothing themselves.
setup:
	tests/setup

test: lint bins setup notebooks
	cargo test --workspace

# The notebooks, on data that our own commands make.
notebooks: bins setup
	notebooks/run

lint:
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets -- --deny warnings

# Speed beside reference implementations, in one run; minutes, so not part of the tests.
bench:
	tests/setup bench
	tests/bench/run
	cargo bench --package foretell-feed --bench decode
	cargo bench --package foretell-feed --bench decode_comparison
	cargo bench --package foretell-core --bench pool
