#!/usr/bin/env bash
# Installs what a part of the project needs, and only what is missing.
#
#   scripts/setup.sh demo        the demo: stable Rust and a C compiler
#   scripts/setup.sh contracts   + the PolkaVM toolchain and cargo-contract
#   scripts/setup.sh runtime     + the toolchain of the runtime's wasm
#   scripts/setup.sh node        + the node's build tools and the wasm toolchain
#   scripts/setup.sh test        what scripts/test.sh needs
#   scripts/setup.sh fuzz        + a C++ compiler for libFuzzer
#   scripts/setup.sh mutants     what scripts/mutants.sh needs
#   scripts/setup.sh audit       what scripts/audit.sh needs
#   scripts/setup.sh ci          what .ci/run needs
#
# Several words may be given. Running it again does nothing and says so.
# Sourced by the other scripts (for its functions), it does nothing by itself.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

CARGO_CONTRACT_VERSION=6.0.0-beta.2
CARGO_DENY_VERSION=0.20.2
CARGO_MUTANTS_VERSION=27.1.0
# The stable toolchain's name in rustup; the default one unless the caller chose.
RUST_STABLE=${RUSTUP_TOOLCHAIN:-stable}
# Name under which Debian's rustc is linked into rustup where rustup itself cannot
# fetch the standard library's sources.
RUST_WEB=web

CARGO_CONTRACT_ROOT=$PLIMSOLL_HOME/tools/cargo-contract-$CARGO_CONTRACT_VERSION
CARGO_DENY_ROOT=$PLIMSOLL_HOME/tools/cargo-deny-$CARGO_DENY_VERSION
CARGO_MUTANTS_ROOT=$PLIMSOLL_HOME/tools/cargo-mutants-$CARGO_MUTANTS_VERSION
# Programs that only some builds may see: put on their PATH, not on the machine's.
EXTRA_BIN=$PLIMSOLL_HOME/bin

# Runs a command as root: by itself, or through sudo.
as_root() {
    if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

# Debian's lists of packages, read once in a run.
LISTS_READ=false
read_lists() {
    [[ $LISTS_READ == false ]] || return 0
    timed "reading the list of packages" as_root apt-get update -q
    LISTS_READ=true
}

# `packages NAME...` installs the Debian packages that are missing.
packages() {
    local missing=() name
    command -v dpkg-query >/dev/null || {
        note "not a Debian system: expecting these to be installed already: $*"
        return 0
    }
    for name in "$@"; do
        dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
    done
    ((${#missing[@]})) || return 0
    ((EUID == 0)) || command -v sudo >/dev/null ||
        die "these packages are missing: ${missing[*]}. Install them as root: apt-get install ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    read_lists
    timed "installing ${missing[*]}" as_root apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# `program NAME PACKAGE...`: the packages are installed if no such program is there.
program() {
    local name=$1
    shift
    command -v "$name" >/dev/null || packages "$@"
    command -v "$name" >/dev/null || die "$name is not installed; it comes with ${*}"
}

# The oldest Rust that the workspace builds with.
rust_wanted() { sed -n 's/^rust-version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml" | head -n1; }

# Whether version $1 is at least $2.
at_least() { [[ $(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n1) == "$2" ]]; }

# Stable Rust, at least the version the workspace asks for, and a linker.
setup_rust() {
    command -v cargo >/dev/null || die "cargo is not installed. Install Rust's stable toolchain from https://rustup.rs and run this again"
    local want have
    want=$(rust_wanted)
    have=$(rustc --version | cut -d' ' -f2)
    if ! at_least "$have" "$want"; then
        command -v rustup >/dev/null || die "Rust $want or newer is needed, this is $have"
        timed "updating Rust $have to the newest stable" rustup update "$RUST_STABLE"
        have=$(rustc --version | cut -d' ' -f2)
        at_least "$have" "$want" || die "Rust $want or newer is needed, and rustc is still $have: is another toolchain the default (rustup show)?"
    fi
    program cc gcc libc6-dev
    claim_target
}

# Can this toolchain build for targets whose library has to be compiled from source?
has_sources() { [[ -f "$(rustc "+$1" --print sysroot 2>/dev/null)/lib/rustlib/src/rust/library/core/src/lib.rs" ]]; }
is_installed() { rustup toolchain list 2>/dev/null | grep -q "^$1\b"; }

# Chooses the toolchain for PolkaVM and wasm and makes it complete. Sets
# CROSS_TOOLCHAIN: stable with the sources rustup adds, or, where rustup cannot
# reach its server, Debian's rustc, whose packages carry the sources.
setup_cross() {
    command -v rustup >/dev/null || die "rustup is needed to build contracts and the runtime: see https://rustup.rs"
    if has_sources "$RUST_STABLE"; then
        CROSS_TOOLCHAIN=$RUST_STABLE
    elif is_installed "$RUST_WEB" && has_sources "$RUST_WEB"; then
        CROSS_TOOLCHAIN=$RUST_WEB
    else
        say "adding the standard library's sources to the $RUST_STABLE toolchain"
        if timeout 600 rustup component add rust-src --toolchain "$RUST_STABLE" >&2; then
            CROSS_TOOLCHAIN=$RUST_STABLE
        elif debian_rustc; then
            note "rustup could not fetch them: using Debian's rustc instead"
            CROSS_TOOLCHAIN=$RUST_WEB
        else
            die "neither rustup nor Debian's packages (rustc-web, cargo-web, rust-web-src) gave the standard library's sources. With network: rustup component add rust-src"
        fi
    fi
    setup_lld "$CROSS_TOOLCHAIN"
}

# Debian's rustc with its sources, installed if it can be and linked into rustup as
# $RUST_WEB. Fails, and says nothing, where there is none that is new enough.
debian_rustc() {
    is_installed "$RUST_WEB" && has_sources "$RUST_WEB" && return 0
    command -v apt-cache >/dev/null || return 1
    ((EUID == 0)) || command -v sudo >/dev/null || return 1
    # A machine that has never read the lists knows of no package at all.
    [[ -n $(apt-cache madison rustc-web 2>/dev/null) ]] || read_lists
    local candidate
    candidate=$(apt-cache policy rustc-web 2>/dev/null | sed -n 's/^ *Candidate: \([0-9.]*\).*/\1/p')
    [[ -n $candidate ]] && at_least "$candidate" "$(rust_wanted)" || return 1
    packages rustc-web cargo-web rust-web-src
    rustup toolchain link "$RUST_WEB" /usr >&2
    has_sources "$RUST_WEB"
}

# Chooses the toolchain of the contracts and makes it complete. Sets
# CONTRACT_TOOLCHAIN: Debian's rustc wherever it is to be had, because it is the same on
# every machine down to the place of its sources, which have a part in the bytecode;
# elsewhere the toolchain of the runtime.
setup_contract_toolchain() {
    if debian_rustc; then
        CONTRACT_TOOLCHAIN=$RUST_WEB
        setup_lld "$CONTRACT_TOOLCHAIN"
    else
        note "no Debian packages here: the contracts are built by rustup's toolchain, and not compared with the committed ones"
        setup_cross
        CONTRACT_TOOLCHAIN=$CROSS_TOOLCHAIN
    fi
}

# `setup_lld TOOLCHAIN`: the linker of PolkaVM and wasm. rustup's toolchains bring it,
# Debian's rustc does not: it may use the one of the stable toolchain.
setup_lld() {
    local toolchain=$1 host lld
    host=$(rustc "+$toolchain" -vV | sed -n 's/^host: //p')
    mkdir -p "$EXTRA_BIN"
    [[ -x "$(rustc "+$toolchain" --print sysroot)/lib/rustlib/$host/bin/rust-lld" ]] && return 0
    lld=$(rustc "+$RUST_STABLE" --print sysroot)/lib/rustlib/$host/bin/rust-lld
    [[ -x $lld ]] || die "no rust-lld in the $RUST_STABLE toolchain ($lld): rustup component add llvm-tools may bring it"
    ln -sfn "$lld" "$EXTRA_BIN/rust-lld"
}

# `cargo_tool NAME VERSION ROOT`: one program from crates.io, kept in the cache.
# Its build folder is removed: only the program is wanted.
cargo_tool() {
    local name=$1 version=$2 into=$3
    [[ -x $into/bin/$name ]] && return 0
    timed "building $name $version (some minutes, once)" env CARGO_TARGET_DIR="$into.build" \
        cargo "+$RUST_STABLE" install "$name" --version "$version" --locked --root "$into"
    rm -rf "$into.build"
}

setup_contracts() {
    setup_rust
    command -v rustup >/dev/null || die "rustup is needed to build contracts: see https://rustup.rs"
    setup_contract_toolchain
    program jq jq
    locked cargo-contract cargo_tool cargo-contract "$CARGO_CONTRACT_VERSION" "$CARGO_CONTRACT_ROOT"
}

setup_runtime() {
    setup_rust
    setup_cross
}

setup_node() {
    program protoc protobuf-compiler
    program clang clang
    # The network library's OpenSSL is the system's (.cargo/config.toml).
    if command -v dpkg-query >/dev/null; then
        packages libssl-dev pkg-config
    else
        pkg-config --exists openssl 2>/dev/null ||
            die "pkg-config does not find OpenSSL: install pkg-config and OpenSSL's headers (openssl-devel, openssl@3)"
    fi
    setup_runtime
}

# The browser that the tests of the comparison's report open it in.
setup_browser() {
    local name
    [[ -z ${PLIMSOLL_BROWSER:-} ]] || return 0
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        ! command -v "$name" >/dev/null || return 0
    done
    program chromium chromium
}

setup_test() {
    setup_node
    setup_browser
}

setup_fuzz() {
    setup_rust
    program c++ g++
}

# The bytecode runs in process: no node, and nothing to build one with.
setup_audit() { setup_fuzz; }

setup_mutants() {
    setup_rust
    program jq jq
    locked cargo-mutants cargo_tool cargo-mutants "$CARGO_MUTANTS_VERSION" "$CARGO_MUTANTS_ROOT"
}

setup_ci() {
    setup_contracts
    setup_node
    setup_browser
    rustup component list --installed 2>/dev/null | grep -q '^clippy' || timed "adding clippy" rustup component add clippy
    rustup component list --installed 2>/dev/null | grep -q '^rustfmt' || timed "adding rustfmt" rustup component add rustfmt
    program shellcheck shellcheck
    locked cargo-deny cargo_tool cargo-deny "$CARGO_DENY_VERSION" "$CARGO_DENY_ROOT"
}

setup() {
    local part
    for part in "$@"; do
        case $part in
        demo) setup_rust ;;
        contracts | runtime | node | test | fuzz | mutants | audit | ci) "setup_$part" ;;
        *) die "unknown part '$part': demo, contracts, runtime, node, test, fuzz, mutants, audit or ci" ;;
        esac
        say "set-up for $part: complete"
    done
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    (($#)) || die "say what to set up: demo, contracts, runtime, node, test, fuzz, mutants, audit or ci"
    setup "$@"
fi
