#!/bin/bash
# Checks the cases of cases.txt with spin, each exhaustively, and prints a line for
# each: whether it ended as it must, states, depth, memory, seconds of processor, and
# whether the search was whole: nothing left out, by no bound on memory, depth or time.
#
#   tests/model/check.sh --results DIR [--jobs N] [CASE...]
#
# What spin made and said of a case stays in DIR/CASE, and the trail of a violation
# with it, as a story in DIR/CASE/story. Ends with 0 only where every case ended as it must.
set -u
here=$(cd "$(dirname "$0")" && pwd)
memory_mb=4000 # a case that needs more has failed
seconds=900    # of processor: likewise
depth=500000   # likewise

fail() {
    printf 'model: %s\n' "$1" >&2
    exit 2
}

# The line of a case: its name, what it must do, its model, its switches.
case_line() {
    awk -v name="$1" '$1 == name { found = 1; print } END { exit !found }' "$here/cases.txt"
}

# -D for each switch; faults that are not named do not happen.
switches() {
    local fault
    for fault in CRASHES RESTORES LOSSES FAILURES THEFTS; do
        [[ " $*" == *" $fault="* ]] || printf -- '-D%s=0\n' "$fault"
    done
    printf -- '-D%s\n' "$@"
}

# What spin's verifier said, in one word: holds, breaks NAME, or why neither.
verdict() {
    local out=$1 ltl=$2
    if grep -q '^pan:.*\(out of memory\|max search depth\|reached -DMEMLIM\)\|^error: max search depth' "$out"; then
        echo 'did not fit'
    elif grep -q 'Search not completed\|^pan: caught' "$out" && ! grep -q '^pan:[0-9]*: ' "$out"; then
        echo 'not completed'
    elif grep -q '^pan:[0-9]*: assertion violated' "$out"; then
        sed -n 's/^pan:[0-9]*: assertion violated[ (]*\([A-Za-z0-9_]*\).*/breaks \1/p' "$out" | head -n 1
    elif grep -q '^pan:[0-9]*: acceptance cycle' "$out"; then
        echo "breaks $ltl"
    elif grep -q '^State-vector.*errors: 0$' "$out" && grep -q '^Full statespace search' "$out"; then
        echo holds
    else
        echo 'said something else'
    fi
}

# Number in the line of `out` that a pattern finds.
figure() {
    sed -n "s/$2/\\1/p" "$1" | head -n 1
}

# The trail of a violation, as what happened.
tell_story() {
    local model=$1
    shift
    spin -t -T -k model.trail "$@" "$here/$model.pml" 2>&1 | grep -v '^spin: trail ends\|^$\|processes created\|^Never claim\|^ltl ' >story
}

# gcc takes longer to compile it than most searches take: only what says LARGE is worth it.
# In a folder of its own, started by the main part through xargs.
run_case() {
    local name=$1 line expected model ltl='' compiler=(tcc) flags=() bounds=() started
    line=$(case_line "$name") || fail "no case $name"
    read -r _ expected model line <<<"$line"
    [[ $line == *' LARGE'* ]] && compiler=(gcc -O1)
    if [[ $model == *:* ]]; then
        ltl=${model#*:} model=${model%:*}
    fi
    # shellcheck disable=SC2086  # words
    mapfile -t flags < <(switches $line)
    rm -rf "${RESULTS:?}/$name"
    mkdir -p "$RESULTS/$name" && cd "$RESULTS/$name" || exit 2
    if [[ $ltl ]]; then
        bounds=(-a -f -N "$ltl")
        flags+=(-DLIVENESS)
    fi
    spin "${flags[@]}" -a "$here/$model.pml" >spin.out 2>&1 ||
        { echo "spin refuses it: $(head -n 1 spin.out)" >verdict; }
    # shellcheck disable=SC2046
    [[ -f verdict ]] || "${compiler[@]}" -w -DCOLLAPSE -DMEMLIM=$memory_mb -DVECTORSZ=2048 \
        $([[ $ltl ]] && echo -DNFAIR=4 || echo -DSAFETY -DNOFAIR) -o pan pan.c 2>compiler.out ||
        echo "${compiler[0]} refuses it" >verdict
    if [[ ! -f verdict ]]; then
        started=$(awk '{ print $16 + $17 }' /proc/$$/stat)
        (ulimit -t $seconds && exec ./pan -m$depth -E -n "${bounds[@]}") >pan.out 2>&1
        echo "$started $(awk '{ print $16 + $17 }' /proc/$$/stat)" >ticks
        # shellcheck disable=SC2094  # the function, and the file
        verdict pan.out "$ltl" >verdict
    fi
    report "$name" "$expected" "$model" "${flags[@]}"
}

report() {
    local name=$1 expected=$2 model=$3 got word=ok extent='to the first'
    shift 3
    got=$(cat verdict)
    [[ $got != holds ]] || extent=whole
    if [[ $got == breaks* && -f $model.pml.trail ]]; then
        mv "$model.pml.trail" model.trail
        tell_story "$model" "$@"
    fi
    [[ ${got/ /:} == "$expected" ]] || word=FAILED
    printf '%s %s %s %s\n' "$word" "$name" "${got%% *}" \
        "$(figure pan.out '^ *\([0-9]*\) states, stored.*')" >line
    printf '%-6s %-16s %-34s %8s states %4s deep  %-12s %5.0f MB %6.1f s\n' "$word" "$name" "$got" \
        "$(figure pan.out '^ *\([0-9]*\) states, stored.*')" \
        "$(figure pan.out '^State-vector.*depth reached \([0-9]*\),.*')" "$extent" \
        "$(figure pan.out '^ *\([0-9.]*\).*total actual memory usage$')" \
        "$(awk '{ print ($2 - $1) / 100 }' ticks 2>/dev/null)"
    [[ $word == ok ]] || { echo "       must be: ${expected/:/ }; see $PWD"; head -n 40 story 2>/dev/null; }
    # spin's own files are large
    rm -f pan pan.[bchmtp]
}

# ---- all of them ----

results='' jobs=1 names=()
while (($# > 0)); do
    case $1 in
    --results) results=$2 && shift ;;
    --jobs) jobs=$2 && shift ;;
    --one) run_case "$2" && exit ;;
    --*) fail "what is $1?" ;;
    *) names+=("$1") ;;
    esac
    shift
done
[[ $results ]] || fail 'where to? --results DIR'
mkdir -p "$results" || exit 2
RESULTS=$(cd "$results" && pwd)
export RESULTS
((${#names[@]} > 0)) || mapfile -t names < <(awk '!/^#/ && NF { print $1 }' "$here/cases.txt")
started=$(date +%s)
for name in "${names[@]}"; do
    rm -f "$RESULTS/$name/line"
done
printf '%s\0' "${names[@]}" | xargs -0 -n 1 -P "$jobs" "$here/check.sh" --results "$RESULTS" --one
passed=0
for name in "${names[@]}"; do
    grep -qs '^ok ' "$RESULTS/$name/line" && passed=$((passed + 1))
done
for name in "${names[@]}"; do cat "$RESULTS/$name/line"; done |
    awk '{ n[$3]++; states += $4 } END {
        printf "%d hold in all of their states, %d break; %d states", n["holds"], n["breaks"], states }'
echo "; $passed of ${#names[@]} cases ended as they must, in $(($(date +%s) - started)) s"
((passed == ${#names[@]}))
