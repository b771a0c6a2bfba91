#!/bin/bash
# Where the time of a work goes: which process, which of its threads, in which library.
# Samples are taken only while the work is measured (profile.h). Processes of a name are
# numbered in the order of their start: `enlaced 1` is the hub or the author.
#
# profile.sh RECORDS WORK...; BUILD says where tool_bench is, LEAST from how many percent
# of all samples a line is shown, SYMBOLS=1 adds the functions of our own programs.
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build} least=${LEAST:-1.5} records=$1
shift
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkfifo "$place/control" "$place/ack"
perf record -q -D -1 -e cpu-clock -o "$place/try" true 2>"$place/log" || {
    echo "profile: skipped, perf may not look here: $(tail -n 1 "$place/log")"
    exit 0
}

# A line a sample: process, thread, the thread's name, library, function.
samples() {
    perf script -i "$place/data" -F comm,pid,tid,ip,sym,dso 2>/dev/null |
        sed -nE 's|^ *(.+) +([0-9]+)/([0-9]+) +[0-9a-f]+ (.*) \((.*)\)$|\2\t\3\t\1\t\5\t\4|p'
}

# Lines of percent and what a sample is counted under, the most first, small ones in one.
counted() {
    # shellcheck disable=SC2016 # fields of awk's
    awk -F '\t' -v least="$least" '
        { sub(/ +$/, "", $3); sub(".*/", "", $4)
          if ($1 == $2) { name[$1] = $3 } else thread[$2] = $3
          if (!($1 in first)) { first[$1] = 1; pids[++count] = $1 }
          seen[$1 SUBSEP $2 SUBSEP $4]++; all++ }
        function number(pid,   i, n) {
            for (i = 1; i <= count; i++)
                if (name[pids[i]] == name[pid] && pids[i] + 0 < pid + 0) n++
            return n + 1
        }
        END { for (key in seen) {
                  split(key, of, SUBSEP)
                  who = name[of[1]] " " number(of[1])
                  which = of[1] == of[2] ? "main" : thread[of[2]] == name[of[1]] ? "reader" : thread[of[2]]
                  sum[sprintf("%-14s %-12s %s", who, which, of[3])] += seen[key]
              }
              for (line in sum)
                  if (100 * sum[line] / all >= least)
                      printf "%5.1f %%  %s\n", 100 * sum[line] / all, line
                  else rest += sum[line]
              printf "%5.1f %%  less than %s %% each\n", 100 * rest / all, least }' | sort -rn
}

for work; do
    echo "$work, $records records:"
    ENLACE_PERF_CONTROL=$place/control ENLACE_PERF_ACK=$place/ack ENLACE_BIN_DIR=$build \
        perf record -q -D -1 --control "fifo:$place/control,$place/ack" -e cpu-clock -F 999 \
        -o "$place/data" -- "$build/bench/tool_bench" --n "$records" --repeat 1 "$work" \
        >"$place/log" 2>&1 || { cat "$place/log" >&2; exit 1; }
    samples | counted
    if [[ ${SYMBOLS-} ]]; then
        samples | awk -F '\t' '$4 ~ /enlaced?$/ { seen[$5]++ } { all++ }
            END { for (name in seen) printf "  %5.1f %%  %s\n", 100 * seen[name] / all, name }' |
            sort -rn | head -n 25
    fi
done
