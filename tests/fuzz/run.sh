#!/bin/bash
# Runs fuzz targets for some seconds each, several at a time.
#
#   tests/fuzz/run.sh --time SECONDS [--jobs N] [--build build/fuzz] TARGET...
#
# Each target first gets what was found once and mended (tests/fuzz/found/TARGET),
# the corpus that is kept (tests/fuzz/corpus/TARGET) and what earlier runs here
# have added to it (BUILD/corpus/TARGET), then goes on from there. A line a target:
# executions, rate, edges covered, size of the corpus. An input that makes it fail
# is kept under BUILD/out/TARGET; the command that shows it again is printed, and
# the status is 1.
set -u

cd "$(dirname "$0")/../.." || exit 2
time=60 jobs=1 build=build/fuzz

while (($#)) && [[ $1 == --* ]]; do
    case $1 in
    --time) time=$2 ;;
    --jobs) jobs=$2 ;;
    --build) build=$2 ;;
    *)
        sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
        exit 2
        ;;
    esac
    shift 2
done
(($#)) || { echo 'fuzz: no target named' >&2; exit 2; }

export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export ASAN_OPTIONS=detect_stack_use_after_return=0:allocator_may_return_null=0

# What libFuzzer says at its end, under a name: "stat::NAME: NUMBER".
stat_of() {
    sed -n "s/^stat::$2: *//p" "$1" | tail -n 1
}

# Edges and number of inputs, from the last line that tells them.
reached() {
    sed -nE 's/^#[0-9]+.* cov: ([0-9]+) .*corp: ([0-9]+)\/.*/\1 \2/p' "$1" | tail -n 1
}

tell_failure() {
    local target=$1 log=$2 artifact
    printf '\nfuzz: %s failed:\n' "$target"
    grep -aE 'does not hold|ERROR:|runtime error|SUMMARY' "$log" | head -n 5
    artifact=$(sed -nE 's/.*Test unit written to (.*)$/\1/p' "$log" | tail -n 1)
    if [[ -n $artifact ]]; then
        printf 'again: %s/tests/fuzz/%s %s\n\n' "$build" "$target" "$artifact"
    else
        printf 'it says: %s\n\n' "$log"
    fi
}

# One target. Its line goes to standard output, its status is libFuzzer's.
run() {
    local target=$1 out=$build/out/$1 log=$build/out/$1.log status edges inputs
    mkdir -p "$out" "$build/corpus/$target"
    local folders=("$build/corpus/$target")
    for kept in tests/fuzz/corpus/$target tests/fuzz/found/$target; do
        [[ ! -d $kept ]] || folders+=("$kept")
    done
    "$build/tests/fuzz/$target" -max_total_time="$time" -artifact_prefix="$out/" \
        -dict=tests/fuzz/enlace.dict -timeout=20 -rss_limit_mb=3000 -print_final_stats=1 \
        "${folders[@]}" >"$log" 2>&1
    status=$?
    read -r edges inputs <<<"$(reached "$log")"
    printf '%-12s %11s executions %8s/s %6s edges %5s inputs  %s\n' "$target" \
        "$(stat_of "$log" number_of_executed_units)" "$(stat_of "$log" average_exec_per_sec)" \
        "${edges:--}" "${inputs:--}" "$([[ $status == 0 ]] && echo ok || echo "FAILED ($status)")"
    ((status == 0)) || tell_failure "$target" "$log"
    return "$status"
}

failed=0 under_way=0
finish() {
    wait -n || failed=$((failed + 1))
    under_way=$((under_way - 1))
}
printf 'fuzz: %d targets, %d s each, %d at a time\n' $# "$time" "$jobs"
for target in "$@"; do
    ((under_way < jobs)) || finish
    run "$target" &
    under_way=$((under_way + 1))
done
while ((under_way)); do
    finish
done
printf 'fuzz: %d targets, %d failed\n' $# "$failed"
((failed == 0))
