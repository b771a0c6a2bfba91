#!/bin/bash
# Makes the corpus that is kept small again: of the seeds, of what is kept and of
# what was found by running (build/fuzz/corpus), for each target the fewest inputs
# that cover the same, none over 2,000 bytes.
#
#   tests/fuzz/corpus.sh TARGET...
set -eu

cd "$(dirname "$0")/../.."
build=build/fuzz
"$build/tests/fuzz/make_seeds" "$build/seeds"

for target in "$@"; do
    fresh=$build/fresh/$target kept=tests/fuzz/corpus/$target
    rm -rf "$fresh"
    mkdir -p "$fresh" "$kept" "$build/corpus/$target"
    # Edges alone: counters and comparisons would keep ten times as many.
    "$build/tests/fuzz/$target" -set_cover_merge=1 -use_counters=0 -use_cmp=0 -max_len=2000 \
        "$fresh" "$build/seeds/$target" "$kept" "$build/corpus/$target" \
        >"$build/out/$target.merge.log" 2>&1
    rm -rf "$kept"
    mv "$fresh" "$kept"
    printf '%-12s %4s inputs %8s bytes\n' "$target" "$(find "$kept" -type f | wc -l)" \
        "$(du -sb --apparent-size "$kept" | cut -f1)"
done
