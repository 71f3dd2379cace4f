#!/usr/bin/env bash
# What cargo calls instead of rustc for the workspace's own crates when the fuzzer is built
# (RUSTC_WORKSPACE_WRAPPER): the crates whose code is to be followed get what libFuzzer
# counts branches and comparisons with. All other crates stay as every build has them.
set -euo pipefail
rustc=$1
shift
name=
previous=
for argument in "$@"; do
    [[ $previous != --crate-name ]] || name=$argument
    previous=$argument
done
case $name in
plimsoll_fuzz | plimsoll_keeper | plimsoll_interface | plimsoll_mechanism | plimsoll_simulator)
    # What `cargo fuzz` passes, without a sanitizer: those need a nightly compiler.
    exec "$rustc" "$@" \
        -Cpasses=sancov-module \
        -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
        -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares \
        -Cllvm-args=-sanitizer-coverage-trace-divs \
        -Cllvm-args=-sanitizer-coverage-trace-geps \
        -Cllvm-args=-simplifycfg-branch-fold-threshold=0 \
        -Ccodegen-units=1
    ;;
*) exec "$rustc" "$@" ;;
esac
