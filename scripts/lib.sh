# shellcheck shell=bash
# Shared by the scripts: messages, where things are kept, hashes of inputs.
# Sourced, never run.

set -euo pipefail

# The repository, whatever directory the script was called from.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Everything slow to build is kept here, keyed by a hash of what it was built from.
PLIMSOLL_HOME=${PLIMSOLL_HOME:-$HOME/.cache/plimsoll}
mkdir -p "$PLIMSOLL_HOME"
# Absolute, because the scripts change directory.
PLIMSOLL_HOME=$(cd "$PLIMSOLL_HOME" && pwd)
# One target directory for all clones: a fresh clone starts with its dependencies compiled.
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PLIMSOLL_HOME/target}
mkdir -p "$CARGO_TARGET_DIR"
CARGO_TARGET_DIR=$(cd "$CARGO_TARGET_DIR" && pwd)
export PLIMSOLL_HOME CARGO_TARGET_DIR

# Messages go to stderr, so that a script's stdout stays its result.
say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
note() { printf '    %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# What the scripts are written in: GNU's tools and a bash of this decade. Linux has
# them; elsewhere they are a package away.
((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) ||
    die "bash 4.4 or newer is needed, this is $BASH_VERSION"
for tool in sha256sum timeout tar awk; do
    command -v "$tool" >/dev/null || die "the program $tool is missing: install GNU coreutils, tar and awk (on macOS: brew install coreutils gnu-tar gawk, first on the PATH)"
done
sort -z </dev/null 2>/dev/null || die "sort does not know -z: install GNU coreutils, first on the PATH"

# `timed WHAT COMMAND...` runs a command that takes minutes: says that it starts,
# shows its output, says how long it took, and fails with it.
timed() {
    local what=$1 start=$SECONDS
    shift
    say "$what"
    "$@" >&2 || die "$what: failed (its output is above). Command: $*"
    say "$what: done in $(((SECONDS - start) / 60)) min $(((SECONDS - start) % 60)) s"
}

# All clones share one target folder, and cargo tells by a file's time of change
# whether it was built, not by which clone it is in. So a clone that finds another one's
# build makes its own files newer first.
claim_target() {
    local stamp=$CARGO_TARGET_DIR/plimsoll-clone
    [[ ! -f $stamp || $(<"$stamp") != "$ROOT" ]] || return 0
    note "the last build in $CARGO_TARGET_DIR was another clone's, or none: building this one's crates anew"
    find "$ROOT" \( -name .git -o -name target \) -prune -o -type f -exec touch -c {} +
    printf '%s\n' "$ROOT" >"$stamp"
}

# One hash over files, folders (recursively, names and contents, without build
# output) and plain words given as `=word`. Paths are relative to the repository,
# so that two clones agree.
hash_of() {
    local item
    (
        cd "$ROOT"
        for item in "$@"; do
            case $item in
            =*) printf '%s\n' "$item" ;;
            *)
                [[ -e $item ]] || die "cannot hash $item: no such file or folder in $ROOT"
                find "$item" -name target -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum
                ;;
            esac
        done
    ) | sha256sum | cut -c1-16
}

# What the proofs are about: their results are stale when this has changed.
# shellcheck disable=SC2034 # for the scripts that source this
CONTRACT_SOURCES=(contracts/emission/src contracts/interface/src contracts/mechanism/src)
# shellcheck disable=SC2034
MECHANISM_SOURCES=(contracts/mechanism/src)

# The commit of the checkout, with `-dirty` if files differ from it.
commit_name() {
    local name dirty=
    name=$(git -C "$ROOT" rev-parse --short=12 HEAD 2>/dev/null) || name=unknown
    [[ -z $(git -C "$ROOT" status --porcelain 2>/dev/null) ]] || dirty=-dirty
    printf '%s%s' "$name" "$dirty"
}

# Holds a lock while a build writes into the cache, so that two scripts started
# at once do the work once. `locked NAME COMMAND...`; NAME may be an absolute path.
locked() {
    local name=$1 lock=$PLIMSOLL_HOME/$1.lock
    [[ $name != /* ]] || lock=$name.lock
    shift
    if command -v flock >/dev/null; then
        (
            if ! flock --nonblock 9; then
                note "another script is building $name: waiting for it"
                flock 9
            fi
            "$@"
        ) 9>"$lock"
    else
        "$@"
    fi
}
