#!/bin/bash
# Runs everything that coverage is counted over, and counts.
#
#   tests/coverage/run.sh BUILD JOBS
#
# Status 0 only where every test passes and coverage.py is content. Under BUILD
# are left uncovered.txt, gcovr.json and html/index.html.
set -u

cd "$(dirname "$0")/../.." || exit 2
build=$1 jobs=$2 status=0
SEEDS=60

find "$build" -name '*.gcda' -delete
mapfile -t programs < <(find "$build/tests/unit" "$build/tests/sim" -type f -name 'test_*' | sort)
tests/run.sh --results "$build/results" --variant coverage --bin "$build" --limit 600 --jobs "$jobs" \
    "${programs[@]}" | tail -n 1 || status=1
((PIPESTATUS[0] == 0)) || status=1

for replay in "$build"/tests/replay/*; do
    name=${replay##*/}
    for inputs in "tests/fuzz/corpus/$name" "tests/fuzz/found/$name"; do
        [[ ! -d $inputs ]] || "$replay" "$inputs" >"$build/replay.log" 2>&1 && continue
        printf 'coverage: %s fails on %s\n' "$replay" "$inputs"
        tail -n 3 "$build/replay.log"
        status=1
    done
done

# The simulator: what it finds is `make sim`'s to tell.
"$build/tests/sim/tool_seeds" --corpus tests/sim/corpus.txt >"$build/sim.log" 2>&1
"$build/tests/sim/tool_seeds" --first 1 --seeds "$SEEDS" >>"$build/sim.log" 2>&1
tail -n 1 "$build/sim.log"

# Only what ships; headers are counted where they are compiled in.
gcovr -r . -f 'lib/' -f 'daemon/' -f 'client/' --json "$build/gcovr.json" \
    "$build/obj/lib" "$build/obj/daemon" "$build/obj/client" || exit 1
mkdir -p "$build/html"
gcovr -r . -a "$build/gcovr.json" --html-details "$build/html/index.html" || status=1
tests/coverage/coverage.py "$build/gcovr.json" docs/coverage.md "$build" || status=1
printf 'lines that are not run: %s; in colour: %s\n' "$build/uncovered.txt" "$build/html/index.html"
exit $status
