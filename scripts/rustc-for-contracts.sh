#!/usr/bin/env bash
# What cargo-contract calls instead of rustc (INK_RUSTC_WRAPPER): passes on the flags
# it wants every compilation to have, and keeps the paths of this machine out of the
# bytecode, so that it is the same wherever it is built.
set -euo pipefail
rustc=$1
shift
flags=()
if [[ -n ${RUSTC_WRAPPER_ENCODED_FLAGS-} ]]; then
    IFS=$'\x1f' read -r -a flags <<<"$RUSTC_WRAPPER_ENCODED_FLAGS"
fi
exec "$rustc" "$@" "${flags[@]}" \
    "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo" \
    "--remap-path-prefix=$(pwd)=/contract"
