# shellcheck shell=bash
# Shared by the scripts: messages, where things are kept, hashes of inputs.
# Sourced, never run.

set -euo pipefail

# The repository, whatever directory the script was called from.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Everything slow to build is kept here, keyed by a hash of what it was built from.
PLIMSOLL_HOME=${PLIMSOLL_HOME:-$HOME/.cache/plimsoll}
# One target directory for all clones: a fresh clone starts with its dependencies compiled.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PLIMSOLL_HOME/target}
export PLIMSOLL_HOME
mkdir -p "$PLIMSOLL_HOME"
PLIMSOLL_HOME=$(cd "$PLIMSOLL_HOME" && pwd)

# Messages go to stderr, so that a script's stdout stays its result.
say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
note() { printf '    %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# `timed WHAT COMMAND...` runs a command that takes minutes: says that it starts,
# shows its output, says how long it took, and fails with it.
timed() {
    local what=$1 start=$SECONDS
    shift
    say "$what"
    "$@" >&2 || die "$what: failed (its output is above). Command: $*"
    say "$what: done in $(((SECONDS - start) / 60)) min $(((SECONDS - start) % 60)) s"
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
