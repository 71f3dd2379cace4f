#!/usr/bin/env bash
# Builds the development node and its runtime where needed, and starts it.
#
#   scripts/node.sh [OPTIONS OF plimsoll-node]   e.g. --seal 1000 --rpc-port 9944
#   scripts/node.sh --help                       what the node can do
#   scripts/node.sh --paths                      build only; print two lines,
#                                                PLIMSOLL_NODE=... and PLIMSOLL_RUNTIME_WASM=...
source "$(dirname "${BASH_SOURCE[0]}")/build-runtime.sh"

build_node() {
    setup_node
    build_runtime
    # All of the workspace is named, so that the dependencies have the features they
    # have in the tests, and nothing is compiled twice.
    timed "building the node" cargo build --manifest-path "$ROOT/Cargo.toml" --locked \
        --workspace --bin plimsoll-node
    export PLIMSOLL_NODE=$CARGO_TARGET_DIR/debug/plimsoll-node
    export PLIMSOLL_RUNTIME_WASM=$RUNTIME_WASM
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    build_node
    if [[ ${1-} == --paths ]]; then
        printf 'PLIMSOLL_NODE=%s\nPLIMSOLL_RUNTIME_WASM=%s\n' "$PLIMSOLL_NODE" "$PLIMSOLL_RUNTIME_WASM"
    else
        exec "$PLIMSOLL_NODE" "$@"
    fi
fi
