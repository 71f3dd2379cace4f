#!/usr/bin/env bash
# Breaks the emission contract on purpose and shows that the tests notice: every fault of
# tests/faults/faults.toml is put into a copy of the sources, built, and run against the
# test targets until one fails. Writes docs/measured/faults.json; fails and names the
# faults that nothing notices.
#
#   scripts/faults.sh            every fault
#   scripts/faults.sh NAME...    only these; the report is written into the cache
#
# FAULTS_BASELINE=skip leaves out the run without a fault that comes first.
source "$(dirname "${BASH_SOURCE[0]}")/build-contracts.sh"

WORK=$PLIMSOLL_HOME/faults

# `scripts/faults.sh --build SOURCES FILE`: what the runner calls for one fault.
build_one() {
    local place=$1 file=$2
    contract_workspace >"$place/Cargo.toml"
    # Through rustc's wrapper: cargo-contract builds all dependencies anew where it is told
    # the buffer's size itself and finds no metadata with that of the last build.
    INK_RUSTC=$WORK/rustc
    printf '#!/usr/bin/env bash\nexport INK_STATIC_BUFFER_SIZE=%s\nexec %q "$@"\n' \
        "$EMISSION_BUFFER" "$ROOT/scripts/rustc-for-contracts.sh" >"$INK_RUSTC"
    chmod +x "$INK_RUSTC"
    bytecode_in "$place" emission "$WORK/target" --generate code-only
    mkdir -p "$(dirname "$file")"
    cp "$BYTECODE" "$file.part"
    mv "$file.part" "$file"
}

if [[ ${1-} == --build ]]; then
    CONTRACT_TOOLCHAIN=$FAULTS_CONTRACT_TOOLCHAIN
    build_one "$2" "$3"
    exit
fi

setup contracts
toolchain_words
mkdir -p "$WORK"

# The quickest first; a target that is not there yet is left out.
TARGETS=()
for target in contracts roles limits guarantees stateful; do
    [[ ! -d $ROOT/tests/tests/$target ]] || TARGETS+=("$target")
done
wanted=()
for target in "${TARGETS[@]}"; do wanted+=(--test "$target"); done
timed "building the tests" cargo test --manifest-path "$ROOT/Cargo.toml" --locked --workspace "${wanted[@]}" --no-run
timed "building the runner" cargo build --manifest-path "$ROOT/Cargo.toml" --locked --workspace --bin faults
programs=$(cargo test --manifest-path "$ROOT/Cargo.toml" --locked --workspace "${wanted[@]}" --no-run --message-format json 2>/dev/null |
    jq -r 'select(.reason == "compiler-artifact" and .executable != null and (.target.kind | index("test"))) | "\(.target.name)=\(.executable)"')
FAULTS_TARGETS=
for target in "${TARGETS[@]}"; do
    program=$(grep "^$target=" <<<"$programs") || die "cargo built no test target $target"
    FAULTS_TARGETS+=$program$'\n'
done
FAULTS_TARGETS=${FAULTS_TARGETS%$'\n'}

export FAULTS_TARGETS
export FAULTS_ROOT=$ROOT FAULTS_WORK=$WORK FAULTS_PACKAGE=$ROOT/tests
export FAULTS_SCRIPT=$ROOT/scripts/faults.sh FAULTS_CONTRACT_TOOLCHAIN=$CONTRACT_TOOLCHAIN
FAULTS_TOOLCHAIN="$TOOLCHAIN_RUSTC, $TOOLCHAIN_CONTRACT, $EMISSION_BUFFER, $(contract_workspace | sha256sum)"
FAULTS_COMMIT=$(commit_name)
FAULTS_SOURCES=$(hash_of "${CONTRACT_SOURCES[@]}")
export FAULTS_TOOLCHAIN FAULTS_COMMIT FAULTS_SOURCES
# Only the verdict counts: what fails is neither made small nor kept.
export PLIMSOLL_JUDGE=1
# Fewer random sequences and cases than by themselves: a fault that shows in the tenth
# is seen in the first forty.
export PLIMSOLL_SEQUENCES=${PLIMSOLL_SEQUENCES:-40} PLIMSOLL_CASES=${PLIMSOLL_CASES:-40}
exec "$CARGO_TARGET_DIR/debug/faults" "$@"
