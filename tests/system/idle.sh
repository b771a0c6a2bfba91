#!/bin/bash
# How much memory idle daemons take: the eight nodes of the demonstration, in step,
# left alone for a minute. Prints the resident memory of each and the largest;
# fails where that is 16 MB (16,000,000 bytes) or more. For the plain build.
#
#   [BUILD=build] [IDLE_S=60] tests/system/idle.sh
set -euo pipefail
cd "$(dirname "$0")/../.."

build=$(realpath "${BUILD:-build}")
idle_s=${IDLE_S:-60}
limit=16000000
if grep -q fsanitize "$build/flags"; then
    echo "idle: $build is sanitised: that says nothing about memory" >&2
    exit 1
fi

# The demonstration in a directory of its own, with the programs of this build.
home=$(mktemp -d "$build/idle-XXXXXX")
pids=()
clean_up() {
    ((${#pids[@]} == 0)) || kill "${pids[@]}" 2>/dev/null || true
    rm -rf "$home"
}
trap clean_up EXIT
ln -s "$build/enlaced" "$build/enlace" "$home"
BUILD=$home KEEP=1 deploy/examples/regional-coalition.sh >"$home/log" 2>&1 || {
    cat "$home/log" >&2
    exit 1
}
mapfile -t pids < <(cat "$home"/demo/*.pid)

# What is measured is a minute of doing nothing.
sleep "$idle_s"
most=0
for file in "$home"/demo/*.pid; do
    kb=$(awk '/^VmRSS:/ { print $2 }' "/proc/$(cat "$file")/status")
    printf '%-4s %6d KB\n' "$(basename "$file" .pid)" "$kb"
    ((kb <= most)) || most=$kb
done
echo "$most KB at most after $idle_s s idle"
((most * 1024 < limit)) || {
    echo "idle: that is 16 MB or more" >&2
    exit 1
}
