#!/usr/bin/env bash
# Every mutant of the mechanism crate (one operator, constant or result changed at a
# time), each judged by the crate's properties. Takes hours on two cores, says how far
# it is, and writes docs/measured/mutants.json. Survivors that are no fault are explained
# in contracts/mechanism/mutants-explained.toml; any other makes this fail.
#
#   scripts/mutants.sh               all of them
#   scripts/mutants.sh --survivors   those again that the last run, if it was of the same
#                                    code, did not catch: after a test was added
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

# Of the tests, those of the inputs themselves (edges::) are left out: they judge no rule.
# Few cases, because they run hundreds of times: what they catch, a million catch, too.
CASES=${PLIMSOLL_CASES:-60}
OUT=$PLIMSOLL_HOME/mutants
OPTIONS=()

case ${1-} in
"") ;;
--survivors) OPTIONS=(--iterate) ;;
*) die "unknown option '$1': only --survivors" ;;
esac

setup mutants
cd "$ROOT"
key=$(hash_of "${MECHANISM_SOURCES[@]}")
if [[ ${1-} == --survivors && $(cat "$OUT/key" 2>/dev/null) != "$key" ]]; then
    die "the rules have changed since the last run (or there was none): run all of them"
fi
if [[ ${1-} == --survivors ]]; then
    # A second look keeps what the first said of the others.
    [[ -d $OUT/first ]] || cp -r "$OUT/mutants.out" "$OUT/first"
else
    rm -rf "$OUT"
fi
mkdir -p "$OUT"
printf '%s\n' "$key" >"$OUT/key"
commit=$(commit_name)

count=$(PATH="$CARGO_MUTANTS_ROOT/bin:$PATH" cargo mutants --list -p plimsoll-mechanism | wc -l)
say "$count mutants of the rules, some 4 seconds each, $((count * 4 / 60)) min in all; survivors are printed as they are found"
status=0
# Exit codes 2 and 3 say that some survived or ran without end: the table says which.
PLIMSOLL_JUDGE=1 PLIMSOLL_CASES=$CASES CARGO_TARGET_DIR=$PLIMSOLL_HOME/mutants-target PATH="$CARGO_MUTANTS_ROOT/bin:$PATH" \
    cargo mutants -p plimsoll-mechanism --profile mutants --timeout 20 --no-shuffle \
    --colors never "${OPTIONS[@]}" -o "$OUT" -- --no-fail-fast --lib --test properties -- --skip edges:: >&2 || status=$?
((status == 0 || status == 2 || status == 3)) || die "cargo mutants could not run (exit code $status, above)"

from=()
[[ ! -d $OUT/first ]] || from=(--from "$OUT/first")
cargo run --quiet --locked --profile audit -p plimsoll-evidence --bin audit-report -- mutants \
    "${from[@]}" --from "$OUT/mutants.out" --explained contracts/mechanism/mutants-explained.toml \
    --commit "$commit" --sources "$key" --cases "$CASES" \
    --minutes "$(awk -v s="$SECONDS" 'BEGIN { printf "%.1f", s / 60 }')" \
    --out docs/measured/mutants.json
say "written: docs/measured/mutants.json"
unexplained=$(jq -r '.survivors[] | select(.why == null) | .mutant' docs/measured/mutants.json)
[[ -z $unexplained ]] || die "these survive, and nobody says why they may:
$unexplained"
