#!/usr/bin/env bash
# Measures what the contracts cost in the real runtime (weight, proof, deposit):
# prints a table, writes target/bench/chain.json and docs/measured/chain.json.
#
#   scripts/bench-chain.sh              all of it, seconds once it is built
#   scripts/bench-chain.sh OPERATORS    a quick look with a smaller network: 6000 or more
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

setup demo
timed "building the benchmark" \
    cargo build --manifest-path "$ROOT/Cargo.toml" --locked --workspace --bin bench-chain
cd "$ROOT"
exec "$CARGO_TARGET_DIR/debug/bench-chain" "$@"
