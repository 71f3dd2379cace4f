#!/usr/bin/env bash
# How fast the comparator is: operator-epochs per second of every design, written to
# docs/measured/simulator.json, and the same model in radCAD beside it. Run it with
# nothing else at work.
#
#   scripts/bench-simulator.sh [RUNS]      10,000 runs without a number: 1.1 billion
#                                          operator-epochs of each of two designs
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

RUNS=${1:-10000}
RESULTS=$ROOT/docs/measured/simulator.json
# radCAD is installed for the measurement only, into a folder of its own.
RADCAD=$PLIMSOLL_HOME/radcad-0.14.0

setup demo
program jq jq
cd "$ROOT"
timed "building the benchmark" cargo bench --locked --profile compare --no-run -p plimsoll-simulator --bench speed
cargo bench --locked --profile compare -q -p plimsoll-simulator --bench speed -- --runs "$RUNS" --json "$RESULTS"

if [[ ! -x $RADCAD/bin/python ]]; then
    program python3 python3
    timed "installing radCAD 0.14.0" bash -c "python3 -m venv '$RADCAD' &&
        '$RADCAD/bin/pip' -q install radcad==0.14.0 numpy==1.26.3 typing_extensions"
fi
results=()
for copies in copy share; do
    for processes in 1 2; do
        rate=$("$RADCAD/bin/python" simulator/benches/radcad_pro_rata.py 100 "$processes" "$copies")
        note "radCAD 0.14.0, $processes processes, state $copies: $rate operator-epochs a second"
        results+=("$(jq -n --argjson rate "$rate" --argjson processes "$processes" --arg state "$copies" \
            '{processes: $processes, state: $state, runs: 100, operator_epochs_per_second: $rate}')")
    done
done
printf '%s\n' "${results[@]}" | jq -s --slurpfile ours "$RESULTS" \
    '$ours[0] + {radcad_0_14_0: ., command: "scripts/bench-simulator.sh"}' >"$RESULTS.new"
mv "$RESULTS.new" "$RESULTS"
say "written: ${RESULTS#"$ROOT"/}"
