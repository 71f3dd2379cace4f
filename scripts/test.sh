#!/usr/bin/env bash
# All tests of the workspace, with everything they need: the node, the runtime's
# wasm and the committed contracts. Nothing is skipped: an ignored test is a failure.
#
#   scripts/test.sh [ARGUMENTS FOR cargo test]    e.g. -p plimsoll-mechanism
#
# Ends with `N passed, N failed` over all suites.
source "$(dirname "${BASH_SOURCE[0]}")/node.sh"

LOG=$CARGO_TARGET_DIR/plimsoll-test.log
# The last line of the output, for .ci/run.
COUNTS=$CARGO_TARGET_DIR/plimsoll-test.counts

# Adds up a word of cargo's `test result:` lines: `total passed`.
total() {
    sed 's/\x1b\[[0-9;]*m//g' "$LOG" | awk -v word="$1" '
        /^test result:/ { for (i = 2; i <= NF; i++) if ($i ~ "^" word ";?$") sum += $(i - 1) }
        END { print sum + 0 }'
}

# As many cases and sequences as the tests promise, whatever the shell is set to.
unset PLIMSOLL_CASES PLIMSOLL_SEQUENCES PLIMSOLL_STEPS

setup test
build_node
mkdir -p "$CARGO_TARGET_DIR"
cd "$ROOT"
# The keeper's tests play the demo on the embedded chain, too, and cargo builds the
# programs of a package for its own tests only.
timed "building plimsoll-local" cargo build --locked --workspace --bin plimsoll-local

selection=("$@")
((${#selection[@]})) || selection=(--workspace)
timed "building the tests" cargo test --locked --no-run "${selection[@]}"
say "running the tests (log: $LOG)"
started=$SECONDS
status=0
# Unlike a pipe's last command, cargo's own status decides.
cargo test --locked --no-fail-fast "${selection[@]}" 2>&1 | tee "$LOG" || status=${PIPESTATUS[0]}

passed=$(total passed)
failed=$(total failed)
ignored=$(total ignored)
filtered=$(total filtered)
say "tests: $(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s, $(grep -c '^test result:' "$LOG" || true) suites"
((passed + failed > 0)) || { note "no test ran"; status=1; }
((ignored == 0)) || { note "$ignored tests are marked ignored: set-up has to provide what they need"; status=1; }
((failed == 0)) || status=1
((filtered == 0)) || note "$filtered tests were filtered out by the arguments"
if ((status != 0)); then
    note "failed:"
    grep -E '^test .* FAILED$|^error: |^error\[' "$LOG" >&2 || true
fi
printf '%s passed, %s failed\n' "$passed" "$failed" | tee "$COUNTS"
exit "$status"
