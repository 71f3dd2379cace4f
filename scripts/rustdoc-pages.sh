#!/usr/bin/env bash
# Stands in for rustdoc under `cargo test --doc`: with the very arguments by which
# cargo has a library's examples tested, writes the library's pages to
# $PLIMSOLL_PAGES, and fails on any warning (a broken link, say). What the libraries
# depend on need not be compiled a second time for it.
set -euo pipefail
arguments=()
testing=false
while (($#)); do
    case $1 in
    --test) testing=true ;;
    # What only a run of examples understands, with its value.
    --test-run-directory | --test-args | --test-builder | --test-builder-wrapper | --test-runtool | --runtool | --test-runtool-arg | --runtool-arg) shift ;;
    --test-run-directory=* | --test-args=* | --no-run | --nocapture | --no-capture) ;;
    *) arguments+=("$1") ;;
    esac
    shift
done
rustdoc=$(rustc --print sysroot)/bin/rustdoc
[[ $testing == true ]] || exec "$rustdoc" "${arguments[@]}"
exec "$rustdoc" "${arguments[@]}" --out-dir "$PLIMSOLL_PAGES" -D warnings
