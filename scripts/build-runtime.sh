#!/usr/bin/env bash
# Builds the runtime's wasm for the node, and prints its path as the only line on
# stdout. Kept in the cache under a hash of what it is built from; a second run with
# nothing changed only prints.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

# What substrate's own wasm builder passes to the linker: the host brings the memory
# and looks for the heap's start and the table of functions.
RUNTIME_FLAGS="--cfg substrate_runtime -Clink-arg=--export-table -Clink-arg=--import-memory -Clink-arg=--export=__heap_base"
RUNTIME_TARGET=wasm32v1-none
# A profile of the workspace's Cargo.toml.
RUNTIME_PROFILE=runtime

# Sets RUNTIME_WASM to where the wasm of these sources is or will be.
runtime_path() {
    local key
    key=$(hash_of chain/runtime chain/no-xcm Cargo.toml Cargo.lock scripts/build-runtime.sh \
        "=$(rustc "+$CROSS_TOOLCHAIN" -V)")
    RUNTIME_WASM=$PLIMSOLL_HOME/runtime-$key/plimsoll_runtime.wasm
}

# The standard library is compiled along, so that any toolchain with its sources
# will do: unstable, hence the BOOTSTRAP.
compile_runtime() {
    [[ -f $RUNTIME_WASM ]] && return 0
    local target=$PLIMSOLL_HOME/runtime-target
    mkdir -p "$(dirname "$RUNTIME_WASM")"
    timed "building the runtime's wasm (minutes from nothing; one after a change)" \
        env -u RUSTC -u RUSTC_WRAPPER -u RUSTC_WORKSPACE_WRAPPER -u CARGO_ENCODED_RUSTFLAGS \
        PATH="$PATH:$EXTRA_BIN" RUSTC_BOOTSTRAP=1 RUSTFLAGS="$RUNTIME_FLAGS" CARGO_TARGET_DIR="$target" \
        cargo "+$CROSS_TOOLCHAIN" rustc --manifest-path "$ROOT/Cargo.toml" --locked -p plimsoll-runtime \
        --no-default-features --lib --crate-type cdylib --profile "$RUNTIME_PROFILE" \
        --target "$RUNTIME_TARGET" -Zbuild-std=core,alloc -Zbuild-std-features=compiler-builtins-mem
    # Renamed into place: a wasm that is there is whole.
    cp "$target/$RUNTIME_TARGET/$RUNTIME_PROFILE/plimsoll_runtime.wasm" "$RUNTIME_WASM.part"
    mv "$RUNTIME_WASM.part" "$RUNTIME_WASM"
}

build_runtime() {
    setup_runtime
    runtime_path
    locked runtime compile_runtime
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    build_runtime
    printf '%s\n' "$RUNTIME_WASM"
fi
