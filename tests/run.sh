#!/bin/bash
# Runs cmocka programs and adds up what they say.
#
#   tests/run.sh --results DIR [--variant NAME] [--bin DIR] [--limit SECONDS]
#                [--jobs N] [--valgrind] [--may-skip] PROGRAM...
#
# Options hold for the programs after them, so that one call can run several
# variants; --variant starts anew with the defaults. Each program gets a time
# limit; dying, or going over it, counts as one failed test more, and so does a
# program that runs no test or leaves without the tests that it announced. The
# output of a program is kept under DIR and shown only where something failed.
#
# Programs find the binaries of their variant in ENLACE_BIN_DIR.
# Ends with one line, "N passed, N failed, N skipped"; status 0 only where
# something passed and nothing failed; with --may-skip, skipping all is enough.
set -u

here=$(cd "$(dirname "$0")" && pwd)

usage() {
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
}

# ---- one program ----

# TAP to four numbers: announced, passed, failed, skipped. cmocka writes a
# skipped test as "not ok N # SKIP name".
tap_counts() {
    awk '/^1\.\.[0-9]+$/ { announced += substr($0, 4) }
         /^(not )?ok [0-9]+ # SKIP/ { skipped++; next }
         /^ok [0-9]+/ { passed++ }
         /^not ok [0-9]+/ { failed++ }
         END { print announced + 0, passed + 0, failed + 0, skipped + 0 }' "$1"
}

# Why a program counts as one failed test more than its TAP says; empty if not.
# Arguments: exit status, limit, then announced, passed, failed and skipped.
trouble() {
    local status=$1 limit=$2 announced=$3 seen=$(($4 + $5 + $6)) failed=$5
    if ((status == 124 || status == 137)); then
        echo "did not end within $limit s"
    elif ((status > 128)); then
        echo "died of signal $(kill -l $((status - 128)))"
    elif ((status == 99)); then
        echo 'valgrind found errors'
    elif ((status != 0 && failed == 0)); then
        echo "ended with status $status"
    elif ((announced == 0)); then
        echo 'ran no test'
    elif ((seen < announced)); then
        echo "announced $announced tests and ran $seen"
    fi
}

# A child that a test forks leaves without freeing what its parent will free: a
# leak is one in the program itself, an error is one anywhere.
memcheck() {
    local log=$1 program=$2
    echo $$ >"$log.pid"
    exec valgrind --quiet --error-exitcode=99 --errors-for-leak-kinds=none --leak-check=full \
        --show-leak-kinds=definite --num-callers=24 "--suppressions=$here/valgrind.supp" \
        "--log-file=$log.memcheck.%p" "$program"
}

# After a run under valgrind: all it said into the log; says whether there were leaks.
leaks() {
    local log=$1 found=''
    grep -qs 'are definitely lost' "$log.memcheck.$(cat "$log.pid")" && found=yes
    cat "$log".memcheck.* >>"$log.log" 2>/dev/null
    rm -f "$log".memcheck.* "$log.pid"
    [[ $found ]]
}

# Runs in a process of its own, started by run_batch through xargs.
run_one() {
    local program=$1 log counts why status=0 started ended seconds
    log=$RUN_RESULTS/$RUN_VARIANT-${program//\//-}
    local command=("$program")
    [[ -z $RUN_VALGRIND ]] || command=("$here/run.sh" --memcheck "$log" "$program")
    started=$(date +%s%N)
    # The outer redirection is for the shell's own word on a program that died.
    {
        CMOCKA_MESSAGE_OUTPUT=TAP timeout --kill-after=5 "$RUN_LIMIT" \
            "${command[@]}" >"$log.log" 2>&1 </dev/null || status=$?
    } 2>/dev/null
    ended=$(date +%s%N)
    seconds=$(awk "BEGIN { printf \"%.1f\", ($ended - $started) / 1e9 }")

    counts=$(tap_counts "$log.log")
    # shellcheck disable=SC2086  # four numbers
    why=$(trouble "$status" "$RUN_LIMIT" $counts)
    if [[ -n $RUN_VALGRIND ]] && leaks "$log" && [[ -z $why ]]; then
        why='leaks memory'
    fi
    report "$program" "$log" "$seconds" "$why" "$counts"
}

# One write a program, so that the lines of two at once never mix.
report() {
    local program=$1 log=$2 seconds=$3 why=$4 announced passed failed skipped line
    read -r announced passed failed skipped <<<"$5"
    [[ -z $why ]] || failed=$((failed + 1))
    echo "$passed $failed $skipped" >"$log.counts"
    line=$(printf '%-9s %-32s %4d passed %3d failed %3d skipped %7s s' "$RUN_VARIANT" \
        "${program##*/}" "$passed" "$failed" "$skipped" "$seconds")
    if ((skipped > 0)); then
        line+=$(printf '\n' && sed -nE 's/^(not )?ok [0-9]+ # SKIP ?/          skipped: /p' "$log.log")
    fi
    if ((failed > 0)); then
        line+=$(printf '\n--- %s%s ---\n%s\n--- end of %s ---' "$program" "${why:+: $why}" \
            "$(tail -c 30000 "$log.log")" "$program")
    fi
    printf '%s\n' "$line"
}

case ${1:-} in
--one)
    run_one "$2"
    exit
    ;;
--memcheck) memcheck "$2" "$3" ;;
esac

# ---- all of them ----

results='' jobs=1 may_skip=0 batch=()

defaults() {
    export RUN_VARIANT=plain RUN_LIMIT=120 RUN_VALGRIND='' ENLACE_BIN_DIR=''
    jobs=1
}

run_batch() {
    ((${#batch[@]} > 0)) || return 0
    printf '%s\0' "${batch[@]}" | xargs -0 -n 1 -P "$jobs" "$here/run.sh" --one
    batch=()
}

while (($# > 0)); do
    [[ $1 != --* ]] || run_batch
    case $1 in
    --results) results=$2 && shift ;;
    --variant) defaults && RUN_VARIANT=$2 && shift ;;
    --bin) ENLACE_BIN_DIR=$(cd "$2" && pwd) && shift ;;
    --limit) RUN_LIMIT=$2 && shift ;;
    --jobs) jobs=$2 && shift ;;
    --valgrind) RUN_VALGRIND=yes ;;
    --may-skip) may_skip=1 ;;
    --*) usage ;;
    *) batch+=("$1") ;;
    esac
    if [[ -z ${RUN_RESULTS:-} && -n $results ]]; then
        rm -rf "$results"
        mkdir -p "$results" || exit 2
        RUN_RESULTS=$(cd "$results" && pwd)
        export RUN_RESULTS
        # Undefined behaviour is named with the way there; a leak fails.
        export UBSAN_OPTIONS=print_stacktrace=1
        export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
        defaults
    fi
    shift
done
[[ -n $results ]] || usage
run_batch

find "$RUN_RESULTS" -name '*.counts' -exec cat {} + |
    awk -v may_skip=$may_skip '{ passed += $1; failed += $2; skipped += $3 }
         END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
               exit (failed > 0 || passed + may_skip * skipped == 0) }'
