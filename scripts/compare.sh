#!/usr/bin/env bash
# Compares reward designs and writes the report that governance takes to a vote. With
# no arguments: the shipped scenario, OpenGradient's case, into the folder `comparison`.
#
#   scripts/compare.sh [SCENARIO] [OPTIONS]     those of `plimsoll compare`; --help lists them
#
# It builds the comparator alone, in some two minutes; `plimsoll compare` of the
# keeper's program is the same code.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

setup demo
timed "building the comparator (from nothing some 2 minutes on 2 cores)" \
    cargo build --manifest-path "$ROOT/Cargo.toml" --locked --profile compare -p plimsoll-simulator --bin plimsoll-compare
# Paths in the arguments are the caller's.
exec "$CARGO_TARGET_DIR/compare/plimsoll-compare" "$@"
