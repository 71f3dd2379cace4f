//! The fuzzer: libFuzzer's `main`, and the target that `PLIMSOLL_FUZZ_TARGET` names.
//!
//! One program for all targets, because each would link the whole keeper.
//! `scripts/fuzz.sh` builds it and runs it.
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: plimsoll_fuzz::chosen(),
    |input: &[u8]| plimsoll_fuzz::chosen().run(input)
);
