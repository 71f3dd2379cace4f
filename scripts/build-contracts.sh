#!/usr/bin/env bash
# Builds the two contracts for PolkaVM and puts them into contracts/artifacts.
#
#   scripts/build-contracts.sh           build what has changed, write the artefacts
#   scripts/build-contracts.sh --check   build, and compare with the committed artefacts
#
# The same sources and toolchain give the same bytes on any machine. The toolchain is
# part of contracts/artifacts/manifest.json: --check with another one says so and
# compares nothing, because another compiler may write other code.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

CONTRACTS=(emission token)
ARTIFACTS=contracts/artifacts
# Bytes of the emission contract's buffer for input and output: a full batch
# (126,000 bytes of entries) and what surrounds it, twice. ink! has 16 KiB by itself.
EMISSION_BUFFER=262144
# The sources are built from here, whatever the clone's place: cargo mixes the
# absolute path of a dependency into its symbols' names, and they into the bytecode.
BUILD_PLACE=/tmp/plimsoll-contracts

# What the bytecode depends on beside the sources.
toolchain_words() {
    TOOLCHAIN_RUSTC=$(rustc "+$CONTRACT_TOOLCHAIN" -V)
    TOOLCHAIN_CONTRACT="cargo-contract $CARGO_CONTRACT_VERSION"
}

# The part of the workspace that the contracts see: a manifest with the two crates
# they share with the native code, and the versions those name.
contract_workspace() {
    local used
    used=$(sed -n 's/^\([a-z0-9-]*\) = { workspace = true.*/\1/p' \
        "$ROOT"/contracts/{mechanism,interface}/Cargo.toml | sort -u | paste -sd'|')
    printf '[workspace]\nresolver = "2"\nmembers = ["contracts/mechanism", "contracts/interface"]\n'
    printf 'exclude = ["contracts/emission", "contracts/token"]\n'
    awk -v used="^($used) = " '
        /^\[/ { whole = /^\[workspace\.(package|lints)/; versions = /^\[workspace\.dependencies\]/ }
        whole || (versions && (/^\[/ || $0 ~ used)) { print }' "$ROOT/Cargo.toml"
}

# Sets BUILT to the folder that holds the contract's artefacts, built or to be.
built_path() {
    local name=$1 key shared=()
    # What the contract is made of; the token shares nothing with anybody.
    [[ $name == token ]] || shared=(contracts/mechanism/{Cargo.toml,src} contracts/interface "=$(contract_workspace)")
    key=$(hash_of "contracts/$name" "${shared[@]}" \
        scripts/build-contracts.sh scripts/rustc-for-contracts.sh "=$TOOLCHAIN_RUSTC" "=$TOOLCHAIN_CONTRACT")
    BUILT=$PLIMSOLL_HOME/contract-$name-$key
}

# A private copy of the sources in the fixed place. Only this user may own it.
copy_sources() {
    [[ -d $BUILD_PLACE ]] || mkdir -m 700 "$BUILD_PLACE"
    [[ -O $BUILD_PLACE && ! -L $BUILD_PLACE ]] || die "$BUILD_PLACE belongs to somebody else: remove it and run this again"
    rm -rf "${BUILD_PLACE:?}/contracts"
    mkdir -p "$BUILD_PLACE/contracts"
    local name
    for name in mechanism interface "${CONTRACTS[@]}"; do
        mkdir -p "$BUILD_PLACE/contracts/$name"
        # With new times of change: cargo takes what is older than its last build for
        # built, and all clones build in this one place.
        (cd "$ROOT/contracts/$name" && tar --exclude=./target --exclude=./tests -cf - .) |
            tar -xmf - -C "$BUILD_PLACE/contracts/$name"
    done
    contract_workspace >"$BUILD_PLACE/Cargo.toml"
}

# `bytecode_in PLACE NAME TARGET [OPTION...]` builds one contract of the sources in PLACE
# and sets BYTECODE to the file.
bytecode_in() {
    local place=$1 name=$2 target=$3 buffer=()
    shift 3
    # Where a wrapper tells rustc, nobody else is told.
    [[ $name != emission || -n ${INK_RUSTC-} ]] || buffer=("INK_STATIC_BUFFER_SIZE=$EMISSION_BUFFER")
    cargo metadata --locked --format-version 1 --manifest-path "$place/contracts/$name/Cargo.toml" >/dev/null ||
        die "contracts/$name/Cargo.lock is missing or does not fit its Cargo.toml: update it (cargo update --workspace there) and commit it"
    timed "building the $name contract (5 minutes from nothing)" \
        env -u RUSTC -u RUSTC_WRAPPER -u RUSTC_WORKSPACE_WRAPPER -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS \
        PATH="$CARGO_CONTRACT_ROOT/bin:$PATH:$EXTRA_BIN" RUSTUP_TOOLCHAIN="$CONTRACT_TOOLCHAIN" \
        RUSTC_BOOTSTRAP=1 CARGO_UNSTABLE_JSON_TARGET_SPEC=true CARGO_TARGET_DIR="$target" \
        INK_RUSTC_WRAPPER="${INK_RUSTC:-$ROOT/scripts/rustc-for-contracts.sh}" "${buffer[@]}" \
        cargo contract build --release "$@" --manifest-path "$place/contracts/$name/Cargo.toml"
    # Not only what is newer than the sources: cargo-contract leaves what is up to date.
    BYTECODE=$(find "$target/ink" -maxdepth 2 -name '*.polkavm' | head -n1)
    [[ -n $BYTECODE ]] || die "cargo-contract made no .polkavm file in $target/ink"
}

# `compile NAME` builds one contract into $BUILT.
compile() {
    local name=$1 out
    [[ -d $BUILT ]] && return 0
    copy_sources
    bytecode_in "$BUILD_PLACE" "$name" "$PLIMSOLL_HOME/contracts-target/$name"
    out=$BYTECODE
    rm -rf "$BUILT.part"
    mkdir -p "$BUILT.part"
    cp "$out" "$BUILT.part/$name.polkavm"
    cp "${out%.polkavm}.json" "$BUILT.part/$name.json"
    [[ ! -f ${out%.polkavm}.abi ]] || cp "${out%.polkavm}.abi" "$BUILT.part/$name.abi.json"
    mv "$BUILT.part" "$BUILT"
}

# Collects the artefacts of both contracts and the manifest in $1.
collect() {
    local into=$1 name file
    mkdir -p "$into"
    for name in "${CONTRACTS[@]}"; do
        built_path "$name"
        [[ ! -d $BUILT ]] || note "$name: skipped, its sources and toolchain are as in the last build"
        # One at a time, whoever builds: they share the place.
        locked "$BUILD_PLACE" compile "$name"
        cp "$BUILT"/* "$into/"
    done
    # cargo-contract writes what Solidity's tools read in no order; its numbers are small.
    jq --sort-keys --compact-output . "$into/token.json" >"$into/token.json.part"
    mv "$into/token.json.part" "$into/token.json"
    {
        printf '{\n  "rustc": "%s",\n  "cargo_contract": "%s",\n  "code_hash": {' \
            "$TOOLCHAIN_RUSTC" "$CARGO_CONTRACT_VERSION"
        separator=
        for name in "${CONTRACTS[@]}"; do
            printf '%s\n    "%s": "%s"' "$separator" "$name" "$(code_hash "$into/$name.json")"
            separator=,
        done
        printf '\n  },\n  "sha256": {'
        separator=
        for file in "$into"/*; do
            name=$(basename "$file")
            [[ $name == manifest.json* ]] && continue
            printf '%s\n    "%s": "%s"' "$separator" "$name" "$(sha256sum "$file" | cut -d' ' -f1)"
            separator=,
        done
        printf '\n  }\n}\n'
    } >"$into/manifest.json.part"
    mv "$into/manifest.json.part" "$into/manifest.json"
}

# The hash the chain knows the code by, from the metadata that cargo-contract wrote.
code_hash() {
    grep -o '"hash": *"0x[0-9a-f]\{64\}"' "$1" | head -n1 | grep -o '0x[0-9a-f]*' ||
        die "$1 has no code hash"
}

manifest_word() { sed -n "s/^  \"$1\": \"\(.*\)\",$/\1/p" "$ROOT/$ARTIFACTS/manifest.json"; }

check() {
    [[ -f $ROOT/$ARTIFACTS/manifest.json ]] || die "$ARTIFACTS/manifest.json is missing: run scripts/build-contracts.sh and commit what it writes"
    # Whatever the toolchain: the committed files have to be the manifest's.
    local line name want
    while read -r line; do
        name=$(cut -d'"' -f2 <<<"$line")
        want=$(cut -d'"' -f4 <<<"$line")
        [[ -f $ROOT/$ARTIFACTS/$name ]] || die "$ARTIFACTS/$name is in the manifest but not there"
        [[ $(sha256sum "$ROOT/$ARTIFACTS/$name" | cut -d' ' -f1) == "$want" ]] ||
            die "$ARTIFACTS/$name is not what the manifest says: run scripts/build-contracts.sh and commit what it writes"
    done < <(sed -n '/"sha256"/,/}/p' "$ROOT/$ARTIFACTS/manifest.json" | grep -E '": "[0-9a-f]{64}"')
    say "the committed artefacts are those of the manifest"
    if [[ $(manifest_word rustc) != "$TOOLCHAIN_RUSTC" || $(manifest_word cargo_contract) != "$CARGO_CONTRACT_VERSION" ]]; then
        say "rebuilding the contracts to compare: skipped. The manifest was made by $(manifest_word rustc) and cargo-contract $(manifest_word cargo_contract); here are $TOOLCHAIN_RUSTC and $CARGO_CONTRACT_VERSION"
        return 0
    fi
    collect "$FRESH"
    if ! diff -rq "$ROOT/$ARTIFACTS" "$FRESH" >&2; then
        die "the committed contracts are not what their sources build to: run scripts/build-contracts.sh and commit what it writes"
    fi
    say "the committed contracts are what their sources build to"
}

# Sourced for its functions (scripts/faults.sh), it does nothing by itself.
[[ ${BASH_SOURCE[0]} == "$0" ]] || return 0

case ${1-} in
"" | --check) ;;
*) die "unknown option '$1': only --check" ;;
esac
setup contracts
toolchain_words
FRESH=$(mktemp -d)
trap 'rm -rf "$FRESH"' EXIT
if [[ ${1-} == --check ]]; then
    check
else
    # Both are built before anything committed is touched.
    collect "$FRESH"
    rm -rf "${ROOT:?}/$ARTIFACTS"
    mkdir -p "$ROOT/$ARTIFACTS"
    cp "$FRESH"/* "$ROOT/$ARTIFACTS/"
    say "written: $ARTIFACTS"
    cat "$ROOT/$ARTIFACTS/manifest.json" >&2
fi
