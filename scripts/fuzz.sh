#!/usr/bin/env bash
# Fuzzing of everything that parses what comes from outside, by libFuzzer on stable Rust:
# it follows the code's branches to inputs that nobody thought of.
#
#   scripts/fuzz.sh [--seconds N | --hours H] [--keep] [TARGET...]
#   scripts/fuzz.sh --replay TARGET FILE...     gives files to a target, as after a crash
#   scripts/fuzz.sh --list                      the targets and what they are given
#   scripts/fuzz.sh --build-only                builds the fuzzer, as part of a set-up
#
#   --seconds N   so long for each target (15 unless said otherwise)
#   --hours H     so long in all, shared by the targets; H may be 0.5
#   --seed S      libFuzzer's seed; a fresh one unless said otherwise
#   --keep        what reaches new code goes into the repository, tests/fuzz/corpus
#
# Two targets run at a time on two processors. What is found new is kept, minimised, in
# the cache, and the next run begins with it. Prints a line for each target; a crash is
# named with its input and how to give it again, and ends the script with status 1.
# PLIMSOLL_EVIDENCE is a folder for the record, fuzz.jsonl.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

CORPUS=$ROOT/tests/fuzz/corpus
FOUND=$PLIMSOLL_HOME/fuzz
BINARY=$CARGO_TARGET_DIR/debug/plimsoll-fuzz
JOBS=$(nproc)
# The largest input that is tried. Nothing that is parsed needs more to be all of its kinds.
MAX_LEN=4096

targets() { sed -n '/^pub const TARGETS/,/^];/s/^ *\(target(\)\?"\([a-z-]*\)",.*/\2/p' "$ROOT/tests/fuzz/src/lib.rs"; }

# Only the workspace's own crates are compiled for the fuzzer alone: their dependencies
# are those of every other build.
build_fuzzer() {
    setup fuzz
    timed "building the fuzzer" env RUSTC_WORKSPACE_WRAPPER="$ROOT/scripts/rustc-for-fuzzing.sh" \
        cargo build --manifest-path "$ROOT/Cargo.toml" --locked --workspace \
        --bin plimsoll-fuzz --features plimsoll-fuzz/libfuzzer
}

# `fuzzer TARGET ARGUMENTS`: libFuzzer on one target. No environment variable is a flag
# of the configuration here.
fuzzer() {
    local target=$1
    shift
    PLIMSOLL_FUZZ_TARGET=$target RUST_BACKTRACE=1 "$BINARY" "$@"
}

count_files() { find "$1" -type f | wc -l; }

# The last value of a counter in libFuzzer's log: `counter cov LOG`.
counter() { sed -n "s/.* $1: \([0-9]*\) .*/\1/p" "$2" | tail -n1; }
final() { sed -n "s/^stat::$1: *//p" "$2" | tail -n1; }

# Leaves of a folder's inputs the fewest that reach the same code as all of them.
minimise() {
    local target=$1 folder=$2
    rm -rf "$folder.less"
    mkdir "$folder.less"
    if fuzzer "$target" -merge=1 -max_len=$MAX_LEN "$folder.less" "$folder" >/dev/null 2>&1; then
        rm -rf "$folder"
        mv "$folder.less" "$folder"
    else
        rm -rf "$folder.less"
    fi
}

# Runs one target for so many seconds. Writes what came of it to `$WORK/TARGET.line` and
# the inputs that failed to `$FOUND/crashes/TARGET`.
fuzz_one() {
    local target=$1 seconds=$2 log=$WORK/$1.log start=$SECONDS status=0
    local found=$FOUND/$target crashes=$FOUND/crashes/$target
    mkdir -p "$found" "$crashes"
    fuzzer "$target" -max_total_time="$seconds" -seed="$SEED" -max_len=$MAX_LEN -timeout=20 \
        -rss_limit_mb=3072 -dict="$ROOT/tests/fuzz/words.dict" -print_final_stats=1 \
        -artifact_prefix="$crashes/" "$found" "$CORPUS/$target" >"$log" 2>&1 || status=$?
    local executions new failed=0
    executions=$(final number_of_executed_units "$log")
    new=$(final new_units_added "$log")
    ((status == 0)) || failed=1
    # A crash ends libFuzzer before its statistics.
    [[ -n $executions ]] || executions=$(sed -n 's/^#\([0-9]*\).*/\1/p' "$log" | tail -n1)
    executions=${executions:-0}
    local took=$((SECONDS - start))
    ((took > 0)) || took=1
    if ((failed)); then
        cp "$log" "$crashes/log"
    else
        minimise "$target" "$found"
    fi
    local corpus
    corpus=$(($(count_files "$found") + $(count_files "$CORPUS/$target")))
    printf '%-14s %10d executions %8d a second  %6s edges %6s features  %5s new  %5d inputs  %s\n' \
        "$target" "$executions" $((executions / took)) "$(counter cov "$log")" "$(counter ft "$log")" \
        "${new:-0}" "$corpus" "$( ((failed)) && echo CRASHED || echo 'no crash')" | tee "$WORK/$target.line"
    if [[ -n ${PLIMSOLL_EVIDENCE-} ]]; then
        mkdir -p "$PLIMSOLL_EVIDENCE"
        printf '{"target":"%s","executions":%d,"seconds":%d,"corpus":%d,"crashes":%d,"seed":%d,"edges":%d,"features":%d,"new":%d}\n' \
            "$target" "$executions" "$took" "$corpus" "$failed" "$SEED" \
            "$(counter cov "$log")" "$(counter ft "$log")" "${new:-0}" >>"$PLIMSOLL_EVIDENCE/fuzz.jsonl"
    fi
    return "$failed"
}

# What failed, and how to see it again.
report_crash() {
    local target=$1 crashes=$FOUND/crashes/$1 input
    say "$target failed:"
    grep -m1 -A4 -E 'panicked at|ERROR: libFuzzer' "$crashes/log" >&2 || tail -n 20 "$crashes/log" >&2
    input=$(sed -n 's/.*Test unit written to //p' "$crashes/log" | tail -n1)
    note "its input:    ${input:-none was written; see $crashes/log}"
    [[ -z $input ]] || note "to try again: scripts/fuzz.sh --replay $target $input"
    note "once it is mended, the input belongs into tests/fuzz/corpus/$target"
}

# Of what was found, the inputs that reach code which no input of the repository does.
keep() {
    local target
    for target in "$@"; do
        local before
        before=$(count_files "$CORPUS/$target")
        # The fewest, by branches alone: not every count of every loop.
        fuzzer "$target" -set_cover_merge=1 -use_counters=0 -max_len=$MAX_LEN \
            "$CORPUS/$target" "$FOUND/$target" >"$WORK/$target.keep" 2>&1 ||
            note "$target: nothing was kept, see $WORK/$target.keep"
        note "$target: $(($(count_files "$CORPUS/$target") - before)) inputs kept"
    done
}

SECONDS_EACH=15
HOURS=
SEED=
KEEP=false
CHOSEN=()
while (($#)); do
    case $1 in
    --seconds | --hours | --seed)
        (($# > 1)) || die "$1 takes a number"
        case $1 in
        --seconds) SECONDS_EACH=$2 ;;
        --hours) HOURS=$2 ;;
        --seed) SEED=$2 ;;
        esac
        shift 2
        ;;
    --keep)
        KEEP=true
        shift
        ;;
    --list)
        targets
        exit
        ;;
    --build-only)
        build_fuzzer
        exit
        ;;
    --replay)
        (($# > 2)) || die "--replay takes a target and files"
        build_fuzzer
        shift
        fuzzer "$@"
        exit
        ;;
    -*) die "unknown option $1; the first lines of scripts/fuzz.sh say what there is" ;;
    *)
        targets | grep -qx -- "$1" || die "no target $1; there are: $(targets | tr '\n' ' ')"
        CHOSEN+=("$1")
        shift
        ;;
    esac
done
((${#CHOSEN[@]})) || mapfile -t CHOSEN < <(targets)
# A number that libFuzzer takes; 0 would be one of its own choice, said nowhere.
SEED=${SEED:-$((RANDOM << 15 | RANDOM | 1))}
[[ $SEED =~ ^[0-9]+$ ]] || die "--seed takes a number, not $SEED"
if [[ -n $HOURS ]]; then
    SECONDS_EACH=$(awk -v hours="$HOURS" -v jobs="$JOBS" -v targets="${#CHOSEN[@]}" \
        'BEGIN { printf "%d", hours * 3600 * (jobs < targets ? jobs : targets) / targets }')
fi
[[ $SECONDS_EACH =~ ^[1-9][0-9]*$ ]] || die "so many seconds are too few, or no number: $SECONDS_EACH"

build_fuzzer
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
rm -rf "$FOUND/crashes"
say "fuzzing ${#CHOSEN[@]} targets for $SECONDS_EACH s each, $JOBS at a time, with seed $SEED"
start=$SECONDS
for target in "${CHOSEN[@]}"; do
    while (($(jobs -rp | wc -l) >= JOBS)); do wait -n || true; done
    fuzz_one "$target" "$SECONDS_EACH" &
done
wait
crashed=()
for target in "${CHOSEN[@]}"; do
    grep -q 'no crash$' "$WORK/$target.line" 2>/dev/null || crashed+=("$target")
done
say "fuzzed ${#CHOSEN[@]} targets in $(((SECONDS - start) / 60)) min $(((SECONDS - start) % 60)) s with seed $SEED"
if ((${#crashed[@]})); then
    for target in "${crashed[@]}"; do report_crash "$target"; done
    die "fuzzing found ${#crashed[@]} failures"
fi
[[ $KEEP == false ]] || keep "${CHOSEN[@]}"
