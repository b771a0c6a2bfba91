#!/bin/bash
# How many instructions a change takes on its way into the store, counted by callgrind:
# a figure that does not depend on how fast or how busy the machine is. Fails where one
# is more than 8 % above what bench/instructions.txt keeps; where one is as much below,
# says that the new figure should be kept.
#
# The libraries choose by processor (BLAKE2b with AVX2): without it nothing is compared.
# A line names the program that is run, tool_apply where it names none; BUILD says where
# they are.
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build} tolerance=8
grep -qw avx2 /proc/cpuinfo || { echo 'instructions: skipped, this processor has no AVX2'; exit 0; }
counts=$(mktemp -d)
trap 'rm -rf "$counts"' EXIT

# A run of a program with so many records and changes a commit, and what each function took.
count() {
    valgrind --tool=callgrind --callgrind-out-file="$counts/out" "$build/bench/$1" \
        "$2" "$3" >"$counts/log" 2>&1 || { cat "$counts/log" >&2; exit 1; }
    callgrind_annotate --inclusive=yes --threshold=100 "$counts/out" >"$counts/$1-$2-$3" 2>/dev/null
}

# Instructions a record within a function: function, program, records, changes a commit.
counted() {
    [[ -f $counts/$2-$3-$4 ]] || count "$2" "$3" "$4"
    awk -v records="$3" -v name=":$1 " 'index($0, name) && / \[/ {
        gsub(",", "", $1); if ($1 > most) most = $1 }
        END { if (most) printf "%d\n", most / records }' "$counts/$2-$3-$4"
}

failed=0
printf '%-10s %10s %10s %8s\n' what counted kept change
while read -r what function records each kept tool; do
    [[ -z $what || $what == '#'* ]] && continue
    now=$(counted "$function" "${tool:-tool_apply}" "$records" "$each")
    [[ $now ]] || { echo "$what: $function was not called" >&2; exit 1; }
    percent=$(((now - kept) * 100 / kept)) note=
    if ((percent > tolerance)); then
        note='  more than is allowed' failed=1
    elif ((percent < -tolerance)); then
        note='  keep the new figure'
    fi
    printf '%-10s %10d %10d %7d%%%s\n' "$what" "$now" "$kept" "$percent" "$note"
done <bench/instructions.txt
exit $failed
