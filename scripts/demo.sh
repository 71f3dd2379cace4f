#!/usr/bin/env bash
# The demo: a real workload attested in batches, settled, vested and paid by the
# contract, on the chain in process. Needs neither a node nor a PolkaVM toolchain.
#
#   scripts/demo.sh [OPTIONS]     e.g. --epochs 20 --seed 7; --help lists them
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

setup demo
# All of the workspace is named, so that the dependencies have the features they
# have in the tests, and nothing is compiled twice.
timed "building the demo (from nothing some 10 minutes on 2 cores)" \
    cargo build --manifest-path "$ROOT/Cargo.toml" --locked --workspace --bin plimsoll-local
cd "$ROOT"
exec "$CARGO_TARGET_DIR/debug/plimsoll-local" demo "$@"
