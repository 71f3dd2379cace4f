#!/usr/bin/env bash
# The proofs, as an auditor runs them: every guarantee on the code that runs on chain,
# how hard it was tried, and whether the tests would notice. Writes the tables of
# docs/audit.md and fails if one of their rows is missing or not green.
#
#   scripts/audit.sh                  all of it, an hour on two cores once it is built
#   scripts/audit.sh --hours H        the same for H hours: more cases, sequences, searching
#   scripts/audit.sh --cases N        N cases of each property of the rules, the rest as usual
#   scripts/audit.sh --ci             the subset of .ci/run, ten minutes; writes no document
#   scripts/audit.sh --row ROW        one row again: G7, role_owner, limit_, attack_..., or a
#                                     test's name
#   scripts/audit.sh --faults [NAME]  deliberate faults in the contract, one by one
#   scripts/audit.sh --mutants        deliberate faults in the rules, all of them
#   scripts/audit.sh --render         only the tables, from the results that are committed
#   scripts/audit.sh --check          that the document is what the results say
#
# Seeds are fresh unless PLIMSOLL_SEED names one; they are printed and are in the tables.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
cd "$ROOT"

RESULTS=docs/measured
DOCUMENT=docs/audit.md

# What a run takes on, unless it is told otherwise. In all an hour on two cores, split
# so that no kind of proof goes short.
CASES=1000000       # of each property of the rules
OPINION_CASES=200000 # of each random comparison with the second opinion
EXHAUSTIVE=4        # operators of the populations that are all tried
EVALUATIONS=50000   # of the search, for each attack in each population
ON_CHAIN=500        # cases of each property on the bytecode
SEQUENCES=5000      # random sequences on the bytecode
STEPS=50            # of a sequence
FUZZ_SECONDS=15     # for each parser, two at a time
MODE=full
ROW=

# The whole of the usage above.
usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$ROOT/scripts/audit.sh" | sed '/^source/d'; }

# `scaled N FACTOR`: the product, rounded, at least 1.
scaled() { awk -v n="$1" -v by="$2" 'BEGIN { v = n * by; printf "%d", v < 1 ? 1 : v + 0.5 }'; }

number() { [[ $2 =~ ^[0-9]+([.][0-9]+)?$ ]] || die "$1 takes a number, not '$2'"; }

while (($#)); do
    case $1 in
    --ci)
        MODE=ci CASES=20000 OPINION_CASES=5000 EXHAUSTIVE=3 EVALUATIONS=1000 ON_CHAIN=60
        SEQUENCES=200 FUZZ_SECONDS=8
        ;;
    --hours)
        number --hours "${2-}"
        for what in CASES OPINION_CASES EVALUATIONS ON_CHAIN SEQUENCES FUZZ_SECONDS; do
            declare "$what=$(scaled "${!what}" "$2")"
        done
        # Less than an hour is a part of a full run.
        awk -v h="$2" 'BEGIN { exit !(h < 1) }' && MODE=part
        shift
        ;;
    --cases)
        number --cases "${2-}"
        CASES=$2
        ((CASES >= 1000000)) || MODE=part
        shift
        ;;
    --row)
        MODE=row ROW=${2-}
        [[ -n $ROW ]] || die "--row takes G1 to G19, role_..., limit_..., signature_..., attack_..., or a test's name"
        shift
        ;;
    --faults)
        shift
        exec "$ROOT/scripts/faults.sh" "$@"
        ;;
    --mutants)
        shift
        exec "$ROOT/scripts/mutants.sh" "$@"
        ;;
    --render | --check) MODE=${1#--} ;;
    -h | --help)
        usage
        exit 0
        ;;
    *) die "unknown option '$1'. $(usage)" ;;
    esac
    shift
done

report() {
    cargo run --quiet --locked --profile audit -p plimsoll-evidence --bin audit-report -- "$@"
}

# `tables [OPTIONS]` renders them for the code as it is.
tables() {
    report render --results "$RESULTS" \
        --contract-sources "$(hash_of "${CONTRACT_SOURCES[@]}")" \
        --mechanism-sources "$(hash_of "${MECHANISM_SOURCES[@]}")" "$@"
}

case $MODE in
render)
    setup demo
    tables --doc "$DOCUMENT"
    exit
    ;;
check)
    setup demo
    tables --doc "$DOCUMENT" --check
    exit
    ;;
esac

# ---- The run ----

EVIDENCE=$CARGO_TARGET_DIR/plimsoll-audit
rm -rf "$EVIDENCE"
mkdir -p "$EVIDENCE/logs"
export PLIMSOLL_EVIDENCE=$EVIDENCE
export PLIMSOLL_SEED=${PLIMSOLL_SEED:-fresh}
COMMIT=$(commit_name)
STARTED=$SECONDS
TIMES=()
FAILED=()

# Rows are found by the names of tests: G7 is whatever begins with g7_.
FILTER=()
case $ROW in
"") ;;
G[0-9] | G1[0-9]) FILTER=("$(tr '[:upper:]' '[:lower:]' <<<"$ROW")_") ;;
*) FILTER=("$ROW") ;;
esac

# The pure crates, optimized, with the checks of an ordinary build.
rules() { cargo test --locked --profile audit -p plimsoll-mechanism -p plimsoll-evidence "$@"; }
proofs() { cargo test --locked --profile audit -p plimsoll-proofs "$@"; }
# What runs the bytecode shares the build of the tests.
on_chain() { cargo test --locked --workspace "$@"; }

# `prove TARGET COMMAND...` runs the tests of a target, keeps their log, and goes on if
# one fails, so that one run shows all there is to mend.
prove() {
    local target=$1 start=$SECONDS status=0
    shift
    say "$target: $(date -u +%H:%M) UTC"
    "$@" --no-fail-fast --test "$target" -- "${FILTER[@]}" 2>&1 | tee "$EVIDENCE/logs/$target.log" >&2 || status=${PIPESTATUS[0]}
    ((status == 0)) || FAILED+=("$target")
    TIMES+=("$(printf '%4d min %02d s  %s' $(((SECONDS - start) / 60)) $(((SECONDS - start) % 60)) "$target")")
}

setup audit
timed "building the pure proofs" rules --no-run --test properties
timed "building the second opinion and the attacker" proofs --no-run
timed "building the proofs on the bytecode" on_chain --no-run \
    --test contracts --test roles --test limits --test audit --test guarantees --test stateful
timed "building the tables' program" cargo build --locked --profile audit -p plimsoll-evidence --bin audit-report
[[ $MODE == row ]] || scripts/fuzz.sh --build-only
say "set-up took $(((SECONDS - STARTED) / 60)) min; now: $CASES cases a property of the rules, all populations of up to $EXHAUSTIVE operators, $EVALUATIONS evaluations an attack and population, $ON_CHAIN cases a property and $SEQUENCES sequences of $STEPS steps on the bytecode, $FUZZ_SECONDS s of fuzzing a parser"
RUN=$SECONDS

PLIMSOLL_CASES=$CASES prove properties rules
PLIMSOLL_CASES=$OPINION_CASES PLIMSOLL_EXHAUSTIVE=$EXHAUSTIVE prove opinion proofs
PLIMSOLL_EVALUATIONS=$EVALUATIONS prove attacks proofs
for target in contracts roles limits audit; do prove "$target" on_chain; done
PLIMSOLL_CASES=$ON_CHAIN prove guarantees on_chain
PLIMSOLL_SEQUENCES=$SEQUENCES PLIMSOLL_STEPS=$STEPS prove stateful on_chain
if [[ $MODE != row ]]; then
    start=$SECONDS
    scripts/fuzz.sh --seconds "$FUZZ_SECONDS" || FAILED+=(fuzzing)
    TIMES+=("$(printf '%4d min %02d s  fuzzing' $(((SECONDS - start) / 60)) $(((SECONDS - start) % 60)))")
fi

say "the run took $(((SECONDS - RUN) / 60)) min:"
printf '    %s\n' "${TIMES[@]}" >&2

passed=$(cat "$EVIDENCE"/logs/*.log | grep -c '^test .* ok$' || true)
failed=$(cat "$EVIDENCE"/logs/*.log | grep -c '^test .* FAILED$' || true)
if [[ $MODE == row ]]; then
    ((passed + failed > 0)) || die "no test is called $ROW: rows are G1 to G19, and the tests that docs/audit.md names"
else
    result=$RESULTS/audit.json
    [[ $MODE == full ]] || result=$EVIDENCE/audit.json
    report collect --evidence "$EVIDENCE" --mode "$MODE" --commit "$COMMIT" \
        --sources "$(hash_of "${CONTRACT_SOURCES[@]}")" \
        --minutes "$(awk -v s=$((SECONDS - RUN)) 'BEGIN { printf "%.1f", s / 60 }')" --out "$result"
    if [[ $MODE == full ]]; then
        tables --doc "$DOCUMENT" || FAILED+=("the tables")
        say "written: $result and $DOCUMENT"
    else
        tables --audit "$result" || FAILED+=("the tables")
    fi
fi
((${#FAILED[@]} == 0)) || say "failed: ${FAILED[*]}"
printf '%s passed, %s failed\n' "$passed" "$failed"
((${#FAILED[@]} == 0 && failed == 0))
